import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf, encodedOf } from '../../oci/digest.ts'
import { artifactTypeOf, parseManifest } from '../../oci/manifest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { BlobReader, BlobWriter, ManifestReader, ManifestWriter, TagLister } from '../../images/ports.ts'
import { describe, readBlob, sourceOf } from '../artifact.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { parseNote } from '../../signing/signed-note.ts'

export const checkpointType = 'application/vnd.dray.audit.checkpoint.v1'

/** Larger than any note. */
const maxNoteSize = 1024 * 1024
/** Enough digits that tags sort by size. */
const sizeDigits = 16
const emptyConfig = Buffer.from('{}')

/** A checkpoint in a registry, not verified. */
export interface StoredCheckpoint {
  readonly tag: string
  readonly manifest: Descriptor
  /** the signed note, for `openCheckpoint` */
  readonly note: Uint8Array
}

/**
 * The tag of a checkpoint: the characters of the origin that a tag can have, part of its hash, and
 * the size of the log.
 */
export function checkpointTag({ origin, size }: Pick<Checkpoint, 'origin' | 'size'>): string {
  return `${tagPrefix(origin)}${String(size).padStart(sizeDigits, '0')}`
}

/**
 * Pushes a signed checkpoint as an artifact of one layer, tagged with its origin and size. Keeps a
 * checkpoint with the same root. @throws `conflict` if a checkpoint of the same size has another
 * root: one of the logs was changed.
 */
export async function pushCheckpoint(
  target: ManifestReader & BlobReader & ManifestWriter & BlobWriter,
  note: string,
  call: Call,
): Promise<{ readonly tag: string; readonly manifest: Descriptor; readonly result: 'pushed' | 'unchanged' }> {
  const bytes = Buffer.from(note)
  const checkpoint = parseCheckpoint(parseNote(bytes, 'the checkpoint').text, 'the checkpoint')
  const tag = checkpointTag(checkpoint)
  const stored = await findCheckpoint(target, tag, call)
  if (stored !== undefined) {
    checkSame(checkpoint, stored)
    return { tag, manifest: stored.manifest, result: 'unchanged' }
  }
  const config = describe(emptyConfig, mediaTypes.empty)
  const layer = describe(bytes, checkpointType)
  await Promise.all([
    target.putBlob(config, sourceOf(emptyConfig), call),
    target.putBlob(layer, sourceOf(bytes), call),
  ])
  const body = Buffer.from(JSON.stringify(manifestOf(config, layer)))
  const manifest = describe(body, mediaTypes.manifest)
  await target.putManifest(manifest, body, [tag], call)
  return { tag, manifest, result: 'pushed' }
}

/** Reads the largest checkpoint of this origin, or undefined. @throws `malformed`, `corrupt`. */
export async function newestCheckpoint(
  source: ManifestReader & BlobReader & TagLister,
  origin: string,
  call: Call,
): Promise<StoredCheckpoint | undefined> {
  const tag = (await checkpointTags(source, origin, call)).at(-1)
  return tag === undefined ? undefined : findCheckpoint(source, tag, call)
}

/**
 * The tags of all checkpoints of this origin, smallest first. Empty if the repository does not
 * exist.
 */
export async function checkpointTags(
  source: TagLister,
  origin: string,
  call: Call,
): Promise<readonly string[]> {
  const prefix = tagPrefix(origin)
  const found: string[] = []
  try {
    for await (const tag of source.tags(call)) {
      if (tag.startsWith(prefix) && /^\d{16}$/.test(tag.slice(prefix.length))) found.push(tag)
    }
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'not-found') throw thrown
  }
  return found.toSorted()
}

/**
 * Reads the checkpoint under a tag, or undefined. @throws `malformed` for other content; `corrupt`.
 */
async function findCheckpoint(
  source: ManifestReader & BlobReader,
  tag: string,
  call: Call,
): Promise<StoredCheckpoint | undefined> {
  const content = await source.findManifest({ tag }, call)
  if (content === undefined) return undefined
  const manifest = parseManifest(content.bytes, content.descriptor.mediaType, tag)
  const layer = manifest.kind === 'manifest' ? manifest.layers[0] : undefined
  if (artifactTypeOf(manifest) !== checkpointType || layer === undefined || layer.size > maxNoteSize) {
    throw new DrayError('malformed', `the artifact with the tag ${tag} is not a checkpoint`, { subject: tag })
  }
  return { tag, manifest: content.descriptor, note: await readBlob(source, layer, call) }
}

function checkSame(checkpoint: Checkpoint, stored: StoredCheckpoint): void {
  const other = parseCheckpoint(parseNote(stored.note, stored.tag).text, stored.tag)
  if (other.origin === checkpoint.origin && other.root.equals(checkpoint.root)) return
  throw new DrayError(
    'conflict',
    `the registry has another checkpoint of ${checkpoint.origin} at size ${checkpoint.size}`,
    {
      subject: stored.tag,
      why: 'its root differs: the log was changed, or two logs have the same origin',
      hint: 'Verify the log against the checkpoint in the registry with dray audit verify. If two logs have this origin, use a separate origin for each log.',
    },
  )
}

function manifestOf(config: Descriptor, layer: Descriptor): unknown {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: checkpointType,
    config,
    layers: [{ ...layer, annotations: { 'org.opencontainers.image.title': 'checkpoint.txt' } }],
  }
}

function tagPrefix(origin: string): string {
  const readable = origin.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60)
  return `checkpoint-${readable}-${encodedOf(digestOf(origin)).slice(0, 16)}-`
}
