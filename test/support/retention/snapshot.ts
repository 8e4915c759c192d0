import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { Oracle } from '../oracle.ts'

/** A manifest as the oracle reads it, with `JSON.parse` only. */
export interface ManifestSummary {
  readonly digest: string
  readonly isIndex: boolean
  readonly children: readonly { readonly digest: string; readonly isAttestation: boolean }[]
  readonly blobs: readonly string[]
  readonly subject?: string
  /** of a statement that holds its subject, or ends that */
  readonly hold?: HoldSummary
  /** the text of the annotation */
  readonly annotated?: string
  /** the text of the time in the config */
  readonly configured?: string
}

/** The fields of a statement; none if it cannot be parsed. */
interface HoldSummary {
  readonly decision?: string
  readonly timestamp?: string
  readonly expires?: string
}

/** A repository at one moment. */
export interface Snapshot {
  readonly tags: ReadonlyMap<string, string>
  /** all manifests, also unreferenced ones */
  readonly manifests: ReadonlyMap<string, ManifestSummary>
  /** the referrers that the API lists; empty if there is no API */
  referrers(subject: string): readonly string[]
}

interface Body {
  readonly mediaType?: string
  readonly manifests?: readonly {
    readonly digest: string
    readonly platform?: { readonly os?: string; readonly architecture?: string }
    readonly annotations?: Readonly<Record<string, string>>
  }[]
  readonly config?: { readonly digest: string; readonly mediaType: string }
  readonly layers?: readonly { readonly digest: string; readonly data?: string }[]
  readonly subject?: { readonly digest: string }
  readonly annotations?: Readonly<Record<string, string>>
}

const created = 'org.opencontainers.image.created'
const configTypes: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
])

/** @param readBlob returns undefined if the blob does not exist */
export async function summariseManifest(
  digest: string,
  bytes: Uint8Array,
  readBlob: (digest: string) => Promise<Uint8Array | undefined>,
): Promise<ManifestSummary> {
  const body = JSON.parse(Buffer.from(bytes).toString()) as Body
  const annotated = body.annotations?.[created]
  const config =
    body.config !== undefined && configTypes.has(body.config.mediaType)
      ? await readBlob(body.config.digest)
      : undefined
  const configured =
    config === undefined
      ? undefined
      : (JSON.parse(Buffer.from(config).toString()) as { readonly created?: string }).created
  return {
    digest,
    isIndex: body.manifests !== undefined,
    children: (body.manifests ?? []).map((child) => ({
      digest: child.digest,
      isAttestation:
        child.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' ||
        (child.platform?.os === 'unknown' && child.platform.architecture === 'unknown'),
    })),
    blobs: [...(body.config === undefined ? [] : [body.config]), ...(body.layers ?? [])].map((b) => b.digest),
    ...(body.subject !== undefined && { subject: body.subject.digest }),
    ...(body.annotations?.['in-toto.io/predicate-type'] === 'urn:dray:hold:v1' && { hold: holdIn(body) }),
    ...(annotated !== undefined && { annotated }),
    ...(configured !== undefined && { configured }),
  }
}

function holdIn({ layers = [] }: Body): HoldSummary {
  try {
    const text = Buffer.from(layers[0]?.data ?? '', 'base64').toString()
    return (JSON.parse(text) as { readonly predicate: HoldSummary }).predicate
  } catch {
    return {}
  }
}

/** Undefined if it does not exist. */
export async function blobOf(
  storage: RegistryStorage,
  repository: string,
  digest: Digest,
): Promise<Uint8Array | undefined> {
  const size = await storage.blobSize(repository, digest)
  if (size === undefined) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of storage.readBlob(repository, digest, 0, size)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Returns a function that lists referrers like a registry with the API. */
export function referrerLister(
  manifests: ReadonlyMap<string, ManifestSummary>,
): (subject: string) => readonly string[] {
  const bySubject = new Map<string, string[]>()
  for (const { digest, subject } of manifests.values()) {
    if (subject !== undefined) bySubject.set(subject, [...(bySubject.get(subject) ?? []), digest])
  }
  return (subject) => bySubject.get(subject) ?? []
}

/** Reads a repository of any registry over plain HTTP: all that tags and `roots` reach. */
export async function snapshotOver(
  registry: Oracle | string,
  repository: string,
  roots: readonly string[] = [],
): Promise<Snapshot> {
  const oracle = typeof registry === 'string' ? new Oracle(registry) : registry
  const manifests = new Map<string, ManifestSummary>()
  const tags = new Map<string, string>()
  const listed = new Map<string, readonly string[]>()
  const blob = async (digest: string): Promise<Uint8Array | undefined> => {
    const answer = await oracle.get(`/v2/${repository}/blobs/${digest}`)
    return answer.status === 200 ? answer.body : undefined
  }
  const open: string[] = [...roots]
  for (const tag of await oracle.tags(repository)) {
    const digest = await oracle.digest(repository, tag)
    if (digest === undefined) continue
    tags.set(tag, digest)
    open.push(digest)
  }
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (manifests.has(digest)) continue
    const found = await oracle.manifest(repository, digest)
    if (found === undefined) continue
    const seen = await summariseManifest(digest, found.bytes, blob)
    manifests.set(digest, seen)
    const referrers = (await oracle.referrersByApi(repository, digest)) ?? []
    listed.set(digest, referrers)
    open.push(...seen.children.map((child) => child.digest), ...referrers)
  }
  return { tags, manifests, referrers: (subject) => listed.get(subject) ?? [] }
}
