import { openFile, type OpenedFile } from '../../../deployments/edit/open-file.ts'
import { findImageEntries } from '../../../deployments/references/image-entries.ts'
import type { ImageEntry } from '../../../deployments/references/image-entry.ts'
import { entryAt } from '../../../deployments/references/entry-at.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { defaultTag, parseRepository } from '../../../oci/reference.ts'
import { isReplaced } from '../replaced-entries.ts'
import type { DeclaredEntry, DeclaredFacts, UnreadFile } from './facts.ts'
import type { GitOpsOwner } from './desired-image.ts'
import type { ImageOwners } from './image-owners.ts'

/** A file of the environment, with the rules of dray.yaml that it is read for. */
export interface DeclaredFile {
  readonly file: string
  readonly bytes: Uint8Array
  /** the owners of the names in it; absent: only positions are read */
  readonly owners?: ImageOwners
  readonly places: readonly DeclaredPlace[]
}

/** One image at fixed positions of a file. */
interface DeclaredPlace {
  readonly image: string
  readonly at: { readonly image?: string; readonly tag?: string; readonly digest?: string }
}

interface OwnedEntry {
  readonly declared: DeclaredEntry
  readonly entry?: ImageEntry
}

/**
 * Finds the images of the environment in its files. Pure. A file that dray cannot parse is `unread`
 * if it may name one of them.
 * @param owners of names and positions without a rule of their own
 * @throws `config` for a position that a file does not have; `refused` for another value there.
 */
export function findDeclared(files: readonly DeclaredFile[], owners: ImageOwners): DeclaredFacts {
  const found: OwnedEntry[] = []
  const unread: UnreadFile[] = []
  for (const one of files) {
    const opened = open(one, owners)
    if (opened === undefined) continue
    if ('why' in opened) unread.push(opened)
    else found.push(...entriesOf(opened, one, owners))
  }
  const replaced = new Set(found.flatMap(({ entry }) => entry?.replaces ?? []))
  const effective = found.filter(({ entry }) => entry === undefined || !isReplaced(entry, replaced))
  return { entries: effective.map(({ declared }) => declared), unread }
}

/** Undefined for a file that cannot be parsed and names no image of the environment. */
function open(
  { file, bytes, places }: DeclaredFile,
  owners: ImageOwners,
): OpenedFile | UnreadFile | undefined {
  try {
    return openFile({ name: file, bytes })
  } catch (error) {
    if (!isDrayError(error) || error.code !== 'refused') throw error
    const isConcerned = places.length > 0 || owners.paths.some((path) => Buffer.from(bytes).includes(path))
    return isConcerned ? { file, why: error.why ?? error.message } : undefined
  }
}

function entriesOf(
  opened: OpenedFile,
  { owners, places }: DeclaredFile,
  all: ImageOwners,
): readonly OwnedEntry[] {
  const placed = places.flatMap(({ image, at }): readonly OwnedEntry[] => {
    const owner = all.ofImage(image)
    if (owner === undefined) return []
    const entry = entryAt(opened, at)
    return [{ declared: declaredOf(entry, owner), entry }]
  })
  if (owners === undefined) return placed
  const taken = new Set(
    placed.flatMap(({ entry }) => (entry === undefined ? [] : JSON.stringify(entry.fields))),
  )
  const { entries, skipped } = findImageEntries(opened)
  const ownerOf = (names: readonly string[]): GitOpsOwner | undefined =>
    names.map((name) => owners.ofRepository(parseRepository(name))).find((owner) => owner !== undefined)
  return [
    ...placed,
    ...entries.flatMap((entry): readonly OwnedEntry[] => {
      const owner = ownerOf(entry.names)
      if (owner === undefined || taken.has(JSON.stringify(entry.fields))) return []
      return [{ declared: declaredOf(entry, owner), entry }]
    }),
    ...skipped.flatMap(({ by, what, names }): readonly OwnedEntry[] => {
      const owner = ownerOf(names)
      return owner === undefined ? [] : [{ declared: { by, owner, unclear: what } }]
    }),
  ]
}

function declaredOf(entry: ImageEntry, owner: GitOpsOwner): DeclaredEntry {
  const { by, form, digest } = entry
  const written = entry.tagOfNumber ?? entry.tag
  const tag = written ?? (form === 'image' && digest === undefined ? defaultTag : undefined)
  return {
    by,
    owner,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...(tag === undefined && digest === undefined && { unclear: 'it has no tag and no digest' }),
  }
}
