import type { Call } from '../call.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Manifest, parseManifest } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-types.ts'
import { isImageConfig, readImageConfig } from './image-config.ts'
import type { ManifestContent, SourceStore } from './store.ts'

/** image-spec, annotations.md, Pre-Defined Annotation Keys */
const createdAnnotation = 'org.opencontainers.image.created'
/** The year of docker's first release. Builds that are to come out the same each time say 1970 or 1980. */
const earliestMs = Date.UTC(2013, 0, 1)
/** RFC 3339, section 5.6 */
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

export interface CreatedOptions {
  /** what says a later time, says none */
  readonly now: Date
  /** of an index that says nothing itself, read one of its images: one more manifest */
  readonly children: boolean
}

/**
 * When an image was made, ISO 8601 in UTC: by the annotation of its manifest or index, else by its config, which is read for that. Undefined where
 * neither says a time from 2013 until now. @throws `malformed` for what is no config, and what the store throws.
 */
export async function createdOf(
  store: SourceStore,
  { bytes, descriptor }: ManifestContent,
  options: CreatedOptions,
  call: Call,
): Promise<string | undefined> {
  const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest)
  const said = annotatedTime(manifest, options.now)
  if (said !== undefined) return said
  if (manifest.kind === 'index') {
    const child = options.children ? imageIn(manifest.manifests) : undefined
    const content = child === undefined ? undefined : await store.findManifest(child, call)
    return content === undefined ? undefined : await createdOf(store, content, noDeeper(options), call)
  }
  if (!isImageConfig(manifest.config)) return undefined
  return credibleTime((await readImageConfig(store, manifest.config, call)).created, options.now)
}

/** The annotation of the manifest, or of an index's entries where a build puts it there only. */
function annotatedTime(manifest: Manifest, now: Date): string | undefined {
  const entries = manifest.kind === 'index' ? manifest.manifests : []
  for (const { annotations } of [manifest, ...entries]) {
    const time = credibleTime(annotations?.[createdAnnotation], now)
    if (time !== undefined) return time
  }
  return undefined
}

function noDeeper(options: CreatedOptions): CreatedOptions {
  return { ...options, children: false }
}

/** The first that something runs: build attestations are entries of the platform `unknown/unknown` (BuildKit, attestation-storage.md). */
function imageIn(entries: readonly Descriptor[]): Descriptor | undefined {
  const manifests = entries.filter(({ mediaType }) => isManifestType(mediaType))
  return manifests.find(({ platform }) => platform?.os !== 'unknown')
}

function credibleTime(text: string | undefined, now: Date): string | undefined {
  if (text === undefined || !rfc3339.test(text)) return undefined
  const ms = Date.parse(text)
  return ms >= earliestMs && ms <= now.getTime() ? new Date(ms).toISOString() : undefined
}
