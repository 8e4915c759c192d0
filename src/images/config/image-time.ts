import type { Call } from '../../lib/call.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import { parsePlausibleTime } from '../../oci/created.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Manifest, parseManifest } from '../../oci/manifest.ts'
import { isManifestType } from '../../oci/media-types.ts'
import { isImageConfig, readImageConfig } from './image-config.ts'
import type { BlobReader, ManifestContent, ManifestReader } from '../ports.ts'

export interface CreatedOptions {
  /** later times are not credible */
  readonly now: Date
  /** read one image of an index without a time, which takes one more manifest */
  readonly children: boolean
}

/**
 * Returns the creation time of an image with the fewest reads, ISO 8601 in UTC: from the annotation
 * of its manifest or index, or from its config. Returns undefined without a time from 2013 until
 * now. If the whole image was read, use `createdOf` of dated-images.ts.
 * @throws `malformed` for an invalid config; what the port throws.
 */
export async function readImageTime(
  store: ManifestReader & BlobReader,
  { bytes, descriptor }: ManifestContent,
  options: CreatedOptions,
  call: Call,
): Promise<string | undefined> {
  const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest)
  const annotated = annotatedTime(manifest, options.now)
  if (annotated !== undefined) return annotated
  if (manifest.kind === 'index') {
    const child = options.children ? imageIn(manifest.manifests) : undefined
    const content = child === undefined ? undefined : await store.findManifest(child, call)
    return content === undefined ? undefined : await readImageTime(store, content, noDeeper(options), call)
  }
  if (manifest.kind === 'artifact' || !isImageConfig(manifest.config)) return undefined
  return credibleTime((await readImageConfig(store, manifest.config, call)).created, options.now)
}

/**
 * Returns the annotation of the manifest or index, or of an entry of the index, as some builds
 * write it.
 */
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

/**
 * Returns the first image. Build attestations have the platform `unknown/unknown` (BuildKit,
 * attestation-storage.md).
 */
function imageIn(entries: readonly Descriptor[]): Descriptor | undefined {
  const manifests = entries.filter(({ mediaType }) => isManifestType(mediaType))
  return manifests.find(({ platform }) => platform?.os !== 'unknown')
}

function credibleTime(text: string | undefined, now: Date): string | undefined {
  const time = parsePlausibleTime(text, now.getTime())
  return time === undefined ? undefined : new Date(time).toISOString()
}
