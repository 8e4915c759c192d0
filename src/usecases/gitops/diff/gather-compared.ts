import { parseImageId } from '../../../deployments/clusters/image-id.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import { type ErrorCode, type ErrorInfo, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import type { DesiredImage } from './desired-image.ts'
import type { ClusterFacts, ComparedFacts, DeclaredEntry } from './facts.ts'
import type { ImageOwners } from './image-owners.ts'

/** Reads of the registry in parallel. */
const atOnce = 16
/** Of the run, and not of a registry. */
const fatal: ReadonlySet<ErrorCode> = new Set(['config', 'interrupted', 'internal'])

/**
 * Reads the facts that a comparison needs beyond the deployed images: the digests of declared tags,
 * the configs of images of which a node reports only the config, and whether a target has the
 * image of a container from a mirror. A repository that cannot be read is an error in the result.
 * @throws `config`, `interrupted`, `internal`; the signal's reason.
 */
export async function gatherCompared(
  stores: Repositories,
  declared: readonly DeclaredEntry[],
  clusters: readonly ClusterFacts[],
  owners: ImageOwners,
  call: Call,
): Promise<ComparedFacts> {
  const containers = clusters.flatMap(({ images }) => images)
  const tags = new Map<string, { readonly of: DesiredImage; readonly tag: string }>()
  for (const { owner, tag, digest } of declared)
    if (owner.kind === 'image' && tag !== undefined && digest === undefined)
      for (const of of owner.desired)
        if (of.error === undefined) tags.set(formatAt(of.repository, { tag }), { of, tag })
  const unnamed = new Map<string, { readonly of: DesiredImage }>()
  const mirrored = new Map<string, { readonly of: DesiredImage; readonly digest: Digest }>()
  for (const container of containers) {
    const id = parseImageId(container.imageId)
    if (id === undefined) continue
    const owner = owners.ofContainer(container)
    if (id.name === undefined && owner?.kind === 'image')
      for (const of of owner.desired)
        if (of.digest !== null && !isOneOf(id.digest, of))
          unnamed.set(formatAt(of.repository, { digest: of.digest }), { of })
    for (const of of owners.likeContainer(container))
      if (of.error === undefined)
        mirrored.set(formatAt(of.repository, { digest: id.digest }), { of, digest: id.digest })
  }
  const errors = new Map<string, ErrorInfo>()
  /** The entries of the repositories that could be read. */
  const readAll = async <T extends { readonly of: DesiredImage }, R>(
    asked: ReadonlyMap<string, T>,
    read: (one: T, inner: Call) => Promise<R>,
  ): Promise<readonly (readonly [string, R])[]> => {
    const all = await inParallel([...asked], atOnce, call, async ([key, one], inner) => {
      try {
        return [[key, await read(one, inner)] as const]
      } catch (error) {
        if (!isDrayError(error) || fatal.has(error.code) || inner.signal.aborted) throw error
        errors.set(formatRepository(one.of.repository), toErrorInfo(error))
        return []
      }
    })
    return all.flat()
  }
  const digests = await readAll(tags, async ({ of, tag }, inner) => {
    return (await stores.source(of.repository).resolve({ tag }, inner))?.digest ?? null
  })
  const configs = await readAll(unnamed, async ({ of }, inner) => await readConfigs(stores, of, inner))
  const found = await readAll(mirrored, async ({ of, digest }, inner) => {
    return (await stores.source(of.repository).resolve({ digest }, inner)) !== undefined
  })
  return {
    tags: new Map(digests),
    configs: new Map(configs),
    known: new Set(found.flatMap(([key, isThere]) => (isThere ? [key] : []))),
    errors,
  }
}

/** Whether a digest is that of the image or of one of its platforms. */
export function isOneOf(digest: string, { digest: whole, platforms }: DesiredImage): boolean {
  return isDigest(digest) && (whole === digest || platforms.includes(digest))
}

async function readConfigs(
  stores: Repositories,
  { repository, digest, platforms }: DesiredImage,
  call: Call,
): Promise<readonly Digest[]> {
  const store = stores.source(repository)
  const digests = platforms.length > 0 ? platforms : digest === null ? [] : [digest]
  const configs: Digest[] = []
  for (const one of digests) {
    // A sparse index lacks the manifests of some platforms.
    const found = await store.findManifest({ digest: one }, call)
    if (found === undefined) continue
    const manifest = parseManifest(found.bytes, found.descriptor.mediaType, one)
    if (manifest.kind === 'manifest') configs.push(manifest.config.digest)
  }
  return configs
}
