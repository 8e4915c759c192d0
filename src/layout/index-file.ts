import { DrayError } from '../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import { parseUnverified } from '../oci/manifest.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { isTag } from '../oci/reference.ts'

/**
 * The annotation that names an entry of `index.json` (image-spec, annotations.md and
 * image-layout.md).
 */
const refName = 'org.opencontainers.image.ref.name'

/** One entry of `index.json`. `raw` is its original value, which dray writes back. */
export interface IndexEntry {
  readonly descriptor: Descriptor
  readonly name: string | undefined
  readonly raw: unknown
}

/** `index.json` with all its unknown fields (image-spec, image-layout.md). */
export interface LayoutIndex {
  readonly entries: readonly IndexEntry[]
  readonly rest: Readonly<Record<string, unknown>>
}

export const emptyIndex: LayoutIndex = {
  entries: [],
  rest: { schemaVersion: 2, mediaType: mediaTypes.index },
}

/** @throws `malformed`, naming `where`. */
export function parseLayoutIndex(bytes: Uint8Array, where: string): LayoutIndex {
  try {
    const index = parseUnverified(bytes, mediaTypes.index, where)
    const document = parseJson(bytes, where)
    if (index.kind !== 'index' || !isRecord(document))
      throw new DrayError('malformed', `${where} is not an index`)
    const { manifests, ...rest } = document
    const raw: readonly unknown[] = Array.isArray(manifests) ? manifests : []
    const untyped = index.manifests.findIndex(({ mediaType }) => mediaType === '')
    if (untyped >= 0) throw new DrayError('malformed', `${where}.manifests[${untyped}] has no mediaType`)
    return {
      entries: index.manifests.map((descriptor, i) => ({
        descriptor,
        name: descriptor.annotations?.[refName],
        raw: raw[i],
      })),
      rest,
    }
  } catch (cause) {
    if (!(cause instanceof DrayError)) throw cause
    throw new DrayError(cause.code, cause.message, {
      subject: where,
      hint: 'Create the layout again, or restore the file.',
      cause,
    })
  }
}

export function printLayoutIndex(index: LayoutIndex): string {
  return JSON.stringify({ ...index.rest, manifests: index.entries.map((entry) => entry.raw) })
}

/**
 * Returns the manifest of a tag, or undefined if it is absent.
 * @throws `malformed` if it has several.
 */
export function findTag(index: LayoutIndex, tag: string, where: string): Descriptor | undefined {
  const found = index.entries.filter((entry) => entry.name === tag)
  if (new Set(found.map((entry) => entry.descriptor.digest)).size > 1) {
    throw new DrayError(
      'malformed',
      `the tag ${JSON.stringify(tag)} points to several manifests in ${where}`,
      {
        hint: 'Name the image by its digest.',
      },
    )
  }
  return found[0] && bareDescriptor(found[0].descriptor)
}

/**
 * Returns the names that are tags, sorted and each once. An entry can have any text as its name.
 */
export function tagsOf(index: LayoutIndex): readonly string[] {
  const names = index.entries.flatMap((entry) => entry.name ?? [])
  return [...new Set(names)].filter(isTag).sort()
}

/** Moves a tag to a manifest. Returns the same object if the tag is up to date. */
export function withTag(index: LayoutIndex, tag: string, d: Descriptor): LayoutIndex {
  const named = index.entries.filter((entry) => entry.name === tag)
  if (named.length === 1 && named[0]?.descriptor.digest === d.digest) return index
  const others = index.entries.filter((entry) => entry.name !== tag && !isBareEntryOf(entry, d.digest))
  return { ...index, entries: [...others, entryOf(d, tag)] }
}

/** Adds an entry without a name, unless the manifest is listed. */
export function withEntry(index: LayoutIndex, d: Descriptor): LayoutIndex {
  if (index.entries.some((entry) => entry.descriptor.digest === d.digest)) return index
  return { ...index, entries: [...index.entries, entryOf(d, undefined)] }
}

/** Returns the index with the entries to keep, and the same object if that is all of them. */
export function onlyEntries(index: LayoutIndex, keep: (entry: IndexEntry) => boolean): LayoutIndex {
  const entries = index.entries.filter(keep)
  return entries.length === index.entries.length ? index : { ...index, entries }
}

/** Returns whether an entry only names the manifest, so that removing it loses nothing. */
export function isBareEntryOf(entry: IndexEntry, digest: Digest): boolean {
  return entry.descriptor.digest === digest && entry.descriptor.annotations === undefined
}

function entryOf(d: Descriptor, name: string | undefined): IndexEntry {
  const descriptor = {
    ...bareDescriptor(d),
    ...(name !== undefined && { annotations: { [refName]: name } }),
  }
  return { descriptor, name, raw: descriptor }
}
