import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { type Manifest, parseManifest } from '../../../oci/manifest.ts'
import { isManifestType } from '../../../oci/media-types.ts'
import { fitsPlatform, formatPlatform, type Platform, platformNamed } from '../../../oci/platform.ts'
import { formatAt } from '../../../oci/reference.ts'
import { missingChild, walkGraph } from '../../../images/graph/graph.ts'
import { readImageConfig } from '../../../images/config/image-config.ts'
import { inParallel } from '../../../images/parallel.ts'
import { platformImages } from '../../../images/graph/platform-images.ts'
import { isAttestationChild } from '../../../images/graph/select-platforms.ts'
import type { BlobReader, ManifestContent, ManifestReader } from '../../../images/ports.ts'

const readsAtOnce = 8

interface PlatformCandidate {
  readonly descriptor: Descriptor
  readonly platform: Platform
}

/**
 * Returns the manifest for a platform: the child of an index, or the image itself. If the index
 * names all platforms, dray reads nothing else to choose. @throws `not-found` with the platforms
 * that exist; `usage` if several manifests fit; what the store throws.
 */
export async function choosePlatform(
  store: ManifestReader & BlobReader,
  content: ManifestContent,
  requested: Platform,
  call: Call,
): Promise<ManifestContent> {
  const where = formatAt(store.repository, content.descriptor)
  const manifest = parseManifest(content.bytes, content.descriptor.mediaType, where)
  const candidates = platformsInIndex(manifest) ?? (await readPlatforms(store, content, call))
  const fitting = candidates.filter(({ platform }) => fitsPlatform(requested, platform))
  const exact = fitting.filter(({ platform }) => formatPlatform(platform) === formatPlatform(requested))
  const [chosen, ...others] = removeDuplicates(exact.length > 0 ? exact : fitting)
  if (chosen === undefined) throw notForPlatform(where, requested, candidates)
  if (others.length > 0) throw severalFit(requested, fitting)
  if (chosen.descriptor.digest === content.descriptor.digest) return content
  const child = await store.findManifest(chosen.descriptor, call)
  if (child !== undefined) return child
  throw missingChild(store, { ...chosen.descriptor, platform: chosen.platform }, content.descriptor)
}

/** An index may list one manifest for several platforms, and twice for one. */
function removeDuplicates(candidates: readonly PlatformCandidate[]): readonly PlatformCandidate[] {
  return [...new Map(candidates.map((one) => [one.descriptor.digest, one])).values()]
}

/** Returns the platforms in an index; undefined unless all of its children have one. */
function platformsInIndex(manifest: Manifest): readonly PlatformCandidate[] | undefined {
  if (manifest.kind !== 'index') return undefined
  const children = manifest.manifests.filter((child) => !isAttestationChild(child))
  const candidates = children.flatMap((descriptor) => {
    const { platform, mediaType } = descriptor
    return platform === undefined || !isManifestType(mediaType) ? [] : [{ descriptor, platform }]
  })
  return candidates.length === children.length ? candidates : undefined
}

async function readPlatforms(
  store: ManifestReader & BlobReader,
  content: ManifestContent,
  call: Call,
): Promise<readonly PlatformCandidate[]> {
  const images = platformImages(await walkGraph(store, content, call, { missing: 'keep' }))
  const found = await inParallel(images, readsAtOnce, call, async ({ node, platform }, c) => {
    const { descriptor, manifest } = node
    if (platform !== undefined) return [{ descriptor, platform }]
    const configured = (await readImageConfig(store, manifest.config, c)).platform
    const itself = configured === undefined ? undefined : platformNamed(configured)
    return itself === undefined ? [] : [{ descriptor, platform: itself }]
  })
  return found.flat()
}

function notForPlatform(where: string, asked: Platform, candidates: readonly PlatformCandidate[]): DrayError {
  const names = namesOf(candidates)
  return new DrayError('not-found', `${where} has no image for ${formatPlatform(asked)}`, {
    hint:
      names === ''
        ? 'It has no platform, because it is not a container image.'
        : `Pass one of its platforms: ${names}.`,
  })
}

function severalFit(asked: Platform, fitting: readonly PlatformCandidate[]): DrayError {
  const names = namesOf(fitting)
  const digests = fitting.map(({ descriptor }) => descriptor.digest).join(', ')
  return new DrayError('usage', `${formatPlatform(asked)} matches ${fitting.length} manifests`, {
    hint: names.includes(',') ? `Pass one of them: ${names}.` : `Inspect one by its digest: ${digests}.`,
  })
}

function namesOf(candidates: readonly PlatformCandidate[]): string {
  return [...new Set(candidates.map(({ platform }) => formatPlatform(platform)))].join(', ')
}
