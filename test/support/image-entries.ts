import { documentsOf } from '../../src/deployments/references/documents.ts'
import { changesOf, type WrittenParts } from '../../src/deployments/references/changes-of.ts'
import { findImageEntries, type ParsedFile } from '../../src/deployments/references/image-entries.ts'
import type { FoundEntries, ImageEntry } from '../../src/deployments/references/image-entry.ts'
import type { ValueChange, ValuePlace } from '../../src/deployments/edit/value-place.ts'
import { parseDigest } from '../../src/oci/digest.ts'

export const newDigest = parseDigest(`sha256:${'5'.repeat(64)}`)
export const oldDigest = parseDigest(`sha256:${'1'.repeat(64)}`)

/** A file of YAML or JSON, without the engine of edits. */
export function parsedFile(text: string, name = 'file.yaml'): ParsedFile {
  const documents = [...documentsOf(text, name)].map(({ value }, index) => ({ index, value }))
  return { name, documents }
}

export function entriesIn(text: string, name?: string): FoundEntries {
  return findImageEntries(parsedFile(text, name))
}

/** The only entry of a file. */
export function entryIn(text: string, name?: string): ImageEntry {
  const { entries, skipped } = entriesIn(text, name)
  const [entry] = entries
  if (entry === undefined || entries.length > 1)
    throw new Error(`${entries.length} entries: ${JSON.stringify({ entries, skipped })}`)
  return entry
}

/** `2: spec.image`; a `>` leads into a text. */
export function shortPlace({ document, path, embedded }: ValuePlace): string {
  const steps = path.join('.')
  const inner = embedded === undefined ? '' : ` > ${shortPlace(embedded)}`
  return `${document === 0 ? '' : `${document + 1}: `}${steps}${inner}`
}

/** The changes for 1.5.0, by their places; `+` adds a key. */
export function changesIn(
  entry: ImageEntry,
  write: WrittenParts = 'both',
  image: { readonly tag?: string } = { tag: '1.5.0' },
): Record<string, string> {
  const changes = changesOf(entry, { digest: newDigest, ...image }, write)
  return Object.fromEntries(changes.map(shortChange))
}

function shortChange(change: ValueChange): readonly [string, string] {
  return change.kind === 'set'
    ? [shortPlace(change.place), change.value]
    : [`${shortPlace(change.sibling)} + ${change.key}`, change.value]
}
