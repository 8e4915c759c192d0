import type { Call } from '../../lib/call.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import { plausibleTime } from '../../oci/created.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Manifest, parseManifest } from '../../oci/manifest.ts'
import { isManifestType } from '../../oci/media-types.ts'
import { isImageConfig, readImageConfig } from './image-config.ts'
import type { BlobReader, ManifestContent, ManifestReader } from '../ports.ts'

export interface CreatedOptions {
  /** what says a later time, says none */
  readonly now: Date
  /** of an index that says nothing itself, read one of its images: one more manifest */
  readonly children: boolean
}

/**
 * When an image was made, with the fewest reads, ISO 8601 in UTC: by the annotation of its manifest or index, else by its config, which is read for that.
 * Undefined where neither says a time from 2013 until now. Who has read the whole image asks `createdOf` of dated-images.ts. @throws `malformed` for what is no config, and what the store throws.
 */
export async function timeOfImage(
  store: ManifestReader & BlobReader,
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
    return content === undefined ? undefined : await timeOfImage(store, content, noDeeper(options), call)
  }
  if (!isImageConfig(manifest.config)) return undefined
  return credibleTime((await readImageConfig(store, manifest.config, call)).created, options.now)
}

/** The annotation of the manifest, or of an index's entries where a build puts it there only. */
function annotatedTime(manifest: Manifest, now: Date): string | undefined {
  const entries = manifest.kind === 'index' ? manifest.manifests : []
  for (const { annotations } of [manifest, ...entries]) {
    const time = credibleTime(annotations?.[annotationKeys.created], now)
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
  const time = plausibleTime(text, now.getTime())
  return time === undefined ? undefined : new Date(time).toISOString()
}
