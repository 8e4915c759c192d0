import { type Digest, isDigest } from '../../oci/digest.ts'
import type { ValueChange, ValuePlace } from '../edit/value-place.ts'
import { splitImage } from './formats/image-text.ts'
import type { ImageEntry } from './image-entry.ts'

/** The parts of an image that an edit writes. */
export type WrittenParts = 'digest' | 'tag' | 'both'

/** The image that an entry gets. */
export interface NewImage {
  readonly digest: Digest
  /** absent: the tag is unknown */
  readonly tag?: string
}

/**
 * Returns the changes that make an entry name an image. They keep the form of the entry and never
 * change a name:
 * - a text `name:tag` gets the digest behind the tag; a text without a tag gets none;
 * - fields for tag and digest get one part each. A tag without a field for the digest gets it
 *   behind the tag: `1.4.2@sha256:…`. A chart that expects a digest there gets only the digest;
 * - a kustomization gets a `digest` if it has none.
 *
 * `digest` keeps each tag as it is written. `tag` writes no `@`: it removes a digest behind a tag,
 * and writes a field for the digest only if the old digest would otherwise win.
 * @returns none if the entry has no field that can be written
 */
export function changesOf(entry: ImageEntry, image: NewImage, write: WrittenParts): readonly ValueChange[] {
  const { fields, written } = entry
  if (fields.image !== undefined) {
    const text = imageText(entry, written.image ?? '', image, write)
    return text === undefined ? [] : [set(fields.image, text)]
  }
  return fieldChanges(entry, image, write)
}

function imageText(
  entry: ImageEntry,
  text: string,
  { digest, tag }: NewImage,
  write: WrittenParts,
): string | undefined {
  const start = entry.form === 'transform' ? text.indexOf('=') + 1 : 0
  // A scheme belongs to the name.
  const name = text.slice(0, start) + splitImage(text.slice(start)).name
  if (write === 'tag') return tag === undefined ? undefined : `${name}:${tag}`
  const kept = entry.tag === undefined || write === 'digest' ? entry.tag : (tag ?? entry.tag)
  return `${name}${kept === undefined ? '' : `:${kept}`}@${digest}`
}

function fieldChanges(entry: ImageEntry, image: NewImage, write: WrittenParts): readonly ValueChange[] {
  const { fields, written, addDigestAfter } = entry
  const tagText = written.tag ?? ''
  const hasDigestInTag = tagText.includes('@') || isDigest(tagText)
  const tag = write === 'digest' ? undefined : image.tag
  const changes: ValueChange[] = []
  if (write === 'tag') {
    if (tag === undefined) return []
    if (fields.tag !== undefined) changes.push(set(fields.tag, tag))
    if (fields.digest !== undefined && (written.digest ?? '') !== '')
      changes.push(set(fields.digest, digestText(entry, image.digest)))
    return changes
  }
  const canAdd = addDigestAfter !== undefined && !hasDigestInTag
  const isInTag = hasDigestInTag || (fields.digest === undefined && !canAdd)
  if (fields.tag !== undefined) {
    const text = isInTag ? tagWithDigest(entry, tagText, image, tag) : tag
    if (text !== undefined) changes.push(set(fields.tag, text))
  }
  if (fields.digest !== undefined && (!hasDigestInTag || (written.digest ?? '') !== ''))
    changes.push(set(fields.digest, digestText(entry, image.digest)))
  else if (canAdd) changes.push({ kind: 'add', sibling: addDigestAfter, key: 'digest', value: image.digest })
  return changes
}

/** Returns the text of a tag that also has the digest; undefined without a tag. */
function tagWithDigest(
  entry: ImageEntry,
  former: string,
  image: NewImage,
  newTag: string | undefined,
): string | undefined {
  if (isDigest(former)) return image.digest
  if (former.startsWith('@')) return `@${image.digest}`
  const tag = newTag ?? entry.tag ?? image.tag
  return tag === undefined ? undefined : `${tag}@${image.digest}`
}

function digestText({ isHash }: ImageEntry, digest: Digest): string {
  return isHash === true ? digest.slice(digest.indexOf(':') + 1) : digest
}

function set(place: ValuePlace, value: string): ValueChange {
  return { kind: 'set', place, value }
}
