import type { FilesRule, WriteSetting } from '../../config/gitops/gitops.ts'
import { openFile, type OpenedFile } from '../../deployments/edit/open-file.ts'
import { placeKey } from '../../deployments/edit/value-place.ts'
import { findImageEntries } from '../../deployments/references/image-entries.ts'
import type { ImageEntry } from '../../deployments/references/image-entry.ts'
import { entryAt } from '../../deployments/references/entry-at.ts'
import { isDrayError } from '../../lib/errors.ts'
import { parseRepository } from '../../oci/reference.ts'
import { otherImage } from './edit-errors.ts'
import type { GatheredFile } from './gather.ts'
import { repositoryByOtherName } from './other-names.ts'
import type { EditRequest, WantedImage } from './request.ts'

/** An entry of a wanted image. */
export interface WantedEntry {
  readonly file: string
  readonly entry: ImageEntry
  readonly image: WantedImage
  readonly write: WriteSetting
  /** dray.yaml names its position, or an earlier run began to edit it: it always gets the image */
  readonly isNamed: boolean
}

export interface FoundInFiles {
  readonly entries: readonly WantedEntry[]
  /** the files with entries */
  readonly opened: ReadonlyMap<string, OpenedFile>
  /** why a position with the name of an image is not edited, by image */
  readonly skipped: ReadonlyMap<string, readonly string[]>
  /** names that kustomizations replace: the tag of another entry with this name has no effect */
  readonly replaced: ReadonlySet<string>
}

/**
 * Finds the entries of the wanted images in files. Pure. A file that cannot be edited safely is an
 * error only if its text has the name of an image.
 * @throws `refused` for such a file, and for a position that holds another image; `config` for one
 * that does not exist or holds another value.
 */
export function findEntries(files: readonly GatheredFile[], request: EditRequest): FoundInFiles {
  const entries: WantedEntry[] = []
  const opened = new Map<string, OpenedFile>()
  const skipped = new Map<string, string[]>()
  const replaced = new Set<string>()
  for (const gathered of files) {
    const { file, rule, places } = gathered
    const parsed = open(gathered, request)
    if (parsed === undefined) continue
    const named = places.flatMap(({ image, at, write }) =>
      request.images
        .filter((one) => one.image === image)
        .map((one) => ({ file, entry: entryAt(parsed, at), image: one, write, isNamed: true })),
    )
    for (const { entry, image } of named) checkName(entry, image)
    const taken = new Set(named.flatMap(({ entry }) => placesOf(entry)))
    const found = rule === undefined ? [] : entriesByName(parsed, rule, request, skipped, replaced)
    const others = found.filter(({ entry }) => !placesOf(entry).some((key) => taken.has(key)))
    if (named.length + others.length > 0) opened.set(file, parsed)
    entries.push(...named, ...others)
  }
  return { entries, opened, skipped, replaced }
}

/**
 * A position in a list can lead to another image after an item was added. A mirror has another
 * registry and folder, and the same last part of the path.
 * @throws `refused` for a whole image with another name.
 */
function checkName({ names, by }: ImageEntry, image: WantedImage): void {
  const paths = [image.name, ...image.repositories.map(({ path }) => path)]
  const known = new Set(paths.map(lastPart))
  const other = names.find((name) => !known.has(lastPart(name)))
  if (other !== undefined) throw otherImage(image, by, other)
}

function entriesByName(
  parsed: OpenedFile,
  rule: FilesRule,
  request: EditRequest,
  skipped: Map<string, string[]>,
  replaced: Set<string>,
): readonly WantedEntry[] {
  const { images, identify } = request
  const owners = new Map(
    images.flatMap((image) => namesOf(image, rule).map((name) => [identify(name), image] as const)),
  )
  const ownerOf = (names: readonly string[]): WantedImage | undefined =>
    names.map((name) => owners.get(identify(parseRepository(name)))).find((owner) => owner !== undefined)
  const found = findImageEntries(parsed)
  for (const { by, what, names } of found.skipped) {
    const owner = ownerOf(names)
    if (owner !== undefined) skipped.set(owner.image, [...(skipped.get(owner.image) ?? []), `${by}: ${what}`])
  }
  return found.entries.flatMap((entry): readonly WantedEntry[] => {
    const image = ownerOf(entry.names)
    if (image === undefined) return []
    if (entry.replaces !== undefined) replaced.add(entry.replaces)
    return [{ file: parsed.name, entry, image, write: rule.write, isNamed: false }]
  })
}

/** The repositories of an image, and their other names in the files of a rule. */
function namesOf({ repositories, name }: WantedImage, { as }: FilesRule): WantedImage['repositories'] {
  return [...repositories, ...as.map((other) => repositoryByOtherName(other, name))]
}

function placesOf({ fields, place }: ImageEntry): readonly string[] {
  const own = [fields.image, fields.tag, fields.digest].flatMap((one) =>
    one === undefined ? [] : [placeKey(one)],
  )
  return own.length === 0 ? [placeKey(place)] : own
}

/** Undefined for a file that names no wanted image. */
function open({ file, bytes, rule, places }: GatheredFile, request: EditRequest): OpenedFile | undefined {
  const isNamed = places.length > 0
  const names = request.images.map((image) => pathsOf(image, rule))
  if (!isNamed && !names.flat().some((path) => mentions(bytes, lastPart(path)))) return undefined
  try {
    return openFile({ name: file, bytes })
  } catch (error) {
    const isOther = isDrayError(error) && error.code === 'refused' && !isNamed
    if (isOther && !names.flat().some((path) => mentions(bytes, path))) return undefined
    throw error
  }
}

function pathsOf(image: WantedImage, rule: FilesRule | undefined): readonly string[] {
  const names = rule === undefined ? image.repositories : namesOf(image, rule)
  return names.map(({ path }) => path)
}

/** Whether bytes have a text, also in the UTF-16 of a file that dray does not edit. */
function mentions(bytes: Uint8Array, text: string): boolean {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (content.includes(text)) return true
  const wide = Buffer.from(text, 'utf16le')
  return content.includes(wide) || content.includes(wide.swap16())
}

/** Every spelling of an image has the last part of its path. */
function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
