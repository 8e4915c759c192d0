import { editFile } from '../../deployments/edit/edit-file.ts'
import type { OpenedFile } from '../../deployments/edit/open-file.ts'
import type { ValueChange } from '../../deployments/edit/value-place.ts'
import { changesOf } from '../../deployments/references/changes-of.ts'
import { isDrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import type { EditedImage, EditPlan, EditStep, ValueEdit } from '../../plan/edits/edit-step.ts'
import { noEntry, notWritable } from './edit-errors.ts'
import { findEntries, type WantedEntry } from './find-entries.ts'
import type { GatheredFile } from './gather.ts'
import type { EditRequest, WantedImage } from './request.ts'
import { selectLine } from './select-line.ts'

export interface DecidedEdits {
  readonly plan: Omit<EditPlan, 'git'>
  /** of each file with an entry: its bytes after the edits */
  readonly results: ReadonlyMap<string, Uint8Array>
  readonly warnings: readonly string[]
  /** an entry of an image keeps its version */
  readonly hasKept: boolean
}

/**
 * Decides the edits that make deployment files name images. Pure. All entries of an image get it,
 * unless several version lines are deployed side by side (`selectLine`).
 * @param files all deployment files of the environment
 * @throws `not-found` for an image that no file names; `refused` for a file or position that cannot
 * be edited safely.
 */
export function decideEdits(files: readonly GatheredFile[], request: EditRequest): DecidedEdits {
  const { entries, opened, replaced, skipped } = findEntries(files, request)
  const byImage = Map.groupBy(entries, ({ image }) => image)
  const warnings: string[] = []
  const selected: WantedEntry[] = []
  let hasKept = false
  for (const image of request.images) {
    const own = (byImage.get(image) ?? []).map((one) => withBegun(one, opened, request))
    const notEdited = skipped.get(image.image) ?? []
    if (own.length === 0) throw noEntry(image, files.length, notEdited)
    const { selected: chosen, kept } = selectLine(image, own, replaced)
    selected.push(...chosen)
    hasKept ||= kept.length > 0
    warnings.push(
      ...kept.map(
        ({ entry }) =>
          `${entry.by} stays at ${entry.tag ?? 'its image'}: it is another line of ${image.image}`,
      ),
      ...notEdited.map((text) => `dray does not edit ${text}`),
    )
  }
  return { ...editAll(selected, opened, request), warnings: [...new Set(warnings)], hasKept }
}

/** An entry that has just the text before an edit that an earlier run began gets the image. */
function withBegun(
  one: WantedEntry,
  opened: ReadonlyMap<string, OpenedFile>,
  { begun = [] }: EditRequest,
): WantedEntry {
  const file = opened.get(one.file)
  const known = begun.flatMap((step) => (step.file === one.file ? step.edits : []))
  if (file === undefined || known.length === 0) return one
  const edits = editsOf(file, one)
  const isBegun = edits.length > 0 && edits.every((edit) => known.some((other) => isSameEdit(edit, other)))
  return isBegun ? { ...one, isNamed: true } : one
}

/** None for an entry that cannot be edited: it is an error only if it gets the image. */
function editsOf(file: OpenedFile, entry: WantedEntry): readonly ValueEdit[] {
  try {
    return editEntries(file, [entry]).edits
  } catch (error) {
    if (isDrayError(error) && error.code === 'refused') return []
    throw error
  }
}

/** The number of the line may be another one. */
function isSameEdit(a: ValueEdit, b: ValueEdit): boolean {
  return a.document === b.document && a.place === b.place && a.before === b.before && a.after === b.after
}

function editAll(
  selected: readonly WantedEntry[],
  opened: ReadonlyMap<string, OpenedFile>,
  { config: { environment }, images }: EditRequest,
): Pick<DecidedEdits, 'plan' | 'results'> {
  const steps: EditStep[] = []
  const upToDate: string[] = []
  const results = new Map<string, Uint8Array>()
  for (const [name, entries] of Map.groupBy(selected, ({ file }) => file)) {
    const file = opened.get(name)
    if (file === undefined) continue
    const { bytes, edits } = editEntries(file, entries)
    results.set(name, bytes)
    if (edits.length === 0) upToDate.push(name)
    else
      steps.push({
        id: `edit${steps.length + 1}`,
        kind: 'edit',
        file: name,
        fileHash: digestOf(file.bytes),
        resultHash: digestOf(bytes),
        edits,
        images: changedImages(file, entries).map(editedImage),
      })
  }
  steps.sort(byFile)
  return {
    plan: {
      environment,
      images: images.map(editedImage),
      steps: steps.map((step, i) => ({ ...step, id: `edit${i + 1}` })),
      upToDate: upToDate.sort(),
    },
    results,
  }
}

function byFile(a: EditStep, b: EditStep): number {
  return a.file < b.file ? -1 : 1
}

function editEntries(file: OpenedFile, entries: readonly WantedEntry[]): ReturnType<typeof editFile> {
  return editFile(file, entries.flatMap(changesOfEntry))
}

function changesOfEntry({ entry, image, write }: WantedEntry): readonly ValueChange[] {
  const { digest, tag } = image
  const changes = changesOf(entry, { digest, ...(tag !== undefined && { tag }) }, write)
  if (changes.length === 0) throw notWritable(image, entry.by, write)
  return changes
}

/** The images of which something in the file changes. */
function changedImages(file: OpenedFile, entries: readonly WantedEntry[]): readonly WantedImage[] {
  const images = [...Map.groupBy(entries, ({ image }) => image)]
  if (images.length === 1) return images.map(([image]) => image)
  return images
    .filter(([, own]) => own.flatMap(changesOfEntry).some((change) => isChange(file, change)))
    .map(([image]) => image)
}

function isChange(file: OpenedFile, change: ValueChange): boolean {
  if (change.kind === 'add') return true
  const found = file.find(change.place)
  return found?.kind !== 'text' || found.text !== change.value
}

/** The members that a plan has. */
function editedImage({ image, environment, repository, digest, tag, placements }: WantedImage): EditedImage {
  return {
    image,
    environment,
    repository,
    digest,
    ...(tag !== undefined && { tag }),
    ...(placements !== undefined && { placements }),
  }
}
