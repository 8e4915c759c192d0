import { editFile } from '../../../deployments/edit/edit-file.ts'
import type { ValueChange } from '../../../deployments/edit/value-place.ts'
import { changesOf } from '../../../deployments/references/changes-of.ts'
import type { ImageEntry } from '../../../deployments/references/image-entry.ts'
import { DrayError, type ErrorInfo, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { classifyEntry, keyOfTag, type PinOptions, type TagToResolve } from './classify-entry.ts'
import type { PinnedFile, PinnedImage } from './pinned-file.ts'
import type { PinSource, ShownPlace } from './pin-source.ts'
import type { ResolvedTag } from './resolve-tags.ts'

/** A decision about a file. */
export interface DecidedPins {
  readonly pinned: PinnedFile
  /** the content to write; absent: the file does not change */
  readonly bytes?: Uint8Array
}

interface DecidedImage {
  readonly image: PinnedImage
  readonly changes: readonly ValueChange[]
}

/**
 * Decides the new content of a file. A file changes only if all of its images can be pinned. Pure.
 * @param resolved all tags of `listTagsToPin`
 */
export function decidePins(
  { file, entries, skipped, template, error }: PinSource,
  resolved: ReadonlyMap<string, ResolvedTag>,
  options: PinOptions,
): DecidedPins {
  const { name } = file
  if (template !== undefined)
    return { pinned: { file: name, status: 'skipped', images: [], reason: template } }
  if (error !== undefined) return { pinned: { file: name, status: 'failed', images: [], error } }
  const decided = entries.map(({ entry, at }) => decideImage(entry, at, resolved, options))
  const images = inOrder([...decided.map(({ image }) => image), ...skipped])
  const failed = (reason?: ErrorInfo): DecidedPins => ({
    pinned: {
      file: name,
      status: 'failed',
      images: images.map((image) =>
        image.status === 'pinned' ? { ...image, status: 'notWritten' as const } : image,
      ),
      ...(reason !== undefined && { error: reason }),
    },
  })
  if (images.some(({ status }) => status === 'failed')) return failed()
  try {
    const { bytes, edits } = editFile(
      file,
      decided.flatMap(({ changes }) => changes),
    )
    if (edits.length === 0) return { pinned: { file: name, status: 'unchanged', images } }
    return { pinned: { file: name, status: 'changed', images }, bytes }
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code === 'internal') throw thrown
    return failed(toErrorInfo(thrown))
  }
}

function decideImage(
  entry: ImageEntry,
  at: ShownPlace,
  resolved: ReadonlyMap<string, ResolvedTag>,
  options: PinOptions,
): DecidedImage {
  const { names, tag, digest: before } = entry
  const shown = {
    ...at,
    ...(names[0] !== undefined && { image: `${names.at(-1)}${tag === undefined ? '' : `:${tag}`}` }),
    ...(before !== undefined && isDigest(before) && { before }),
  }
  const found = classifyEntry(entry, options)
  if (found.kind === 'unchanged') return { image: { ...shown, status: 'unchanged' }, changes: [] }
  if (found.kind === 'skipped')
    return { image: { ...shown, status: 'skipped', reason: found.reason }, changes: [] }
  const digest = digestOf(found.tags, resolved)
  if (typeof digest !== 'string')
    return { image: { ...shown, status: 'failed', error: toErrorInfo(digest) }, changes: [] }
  if (digest === before) return { image: { ...shown, status: 'unchanged', digest }, changes: [] }
  const changes = changesOf(entry, { digest }, 'digest')
  if (changes.length === 0)
    return { image: { ...shown, status: 'skipped', reason: 'it has no field for a digest' }, changes }
  return { image: { ...shown, status: 'pinned', digest }, changes }
}

/** The digest that all registries agree on. Those that do not have the tag are not used. */
function digestOf(
  tags: readonly TagToResolve[],
  resolved: ReadonlyMap<string, ResolvedTag>,
): Digest | DrayError {
  const results = tags.map((tag) => ({ name: keyOfTag(tag), result: resolved.get(keyOfTag(tag)) }))
  const digests = new Set<Digest>()
  for (const { name, result } of results) {
    if (result === undefined) throw new DrayError('internal', `${name} was not resolved`)
    if ('error' in result) {
      const { code, message, ...context } = result.error
      return new DrayError(code, message, context)
    }
    if (result.digest !== null) digests.add(result.digest)
  }
  const [digest] = digests
  const named = results.map(({ name }) => name).join(' and ')
  if (digest === undefined)
    return new DrayError('not-found', `${named} ${results.length > 1 ? 'do' : 'does'} not exist`, {
      subject: named,
      hint: 'Correct the tag, or push the image.',
    })
  if (digests.size === 1) return digest
  return new DrayError('conflict', `${named} are different images`, {
    subject: named,
    why: 'global.imageRegistry sets another registry, and only the chart determines which one is used',
    hint: 'Remove global.imageRegistry, or write the digest into the file.',
  })
}

/** By lines; images without one keep their order at the end. */
function inOrder(images: readonly PinnedImage[]): readonly PinnedImage[] {
  return images.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0)
}
