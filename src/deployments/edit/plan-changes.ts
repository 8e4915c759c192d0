import type { ValueEdit } from '../../plan/edits/edit-step.ts'
import type { DrayError } from '../../lib/errors.ts'
import { isMap as isRecordMap } from '../references/documents.ts'
import type { OpenedFile } from './open-file.ts'
import { findSibling, keyOffset, planKey } from './values/plan-key.ts'
import { editableValue } from './values/plan-value.ts'
import { type LineColumn, refuseFile } from './text/refusal.ts'
import { keyOf } from './text/document-nodes.ts'
import type { Splice } from './values/splice.ts'
import { TfvarsText, writeTfvarsString } from './text/tfvars.ts'
import {
  childOf,
  formatPlace,
  lastStepOf,
  parentOf,
  placeKey,
  type ValueChange,
  type ValuePlace,
} from './value-place.ts'
import type { YamlText } from './text/yaml-text.ts'

export interface EditOptions {
  /**
   * Whether a value may change at a position that reads the same bytes as a changed value, by an
   * alias or a merge, and that has no change of its own. By default it may not.
   */
  readonly mayShare?: (place: ValuePlace) => boolean
}

/** A change of the text of a file. */
export interface PlannedEdit {
  /** in the file */
  readonly splice: Splice
  readonly edit: ValueEdit
  /** all positions that read the value */
  readonly places: readonly ValuePlace[]
  readonly kind: ValueChange['kind']
}

/** Positions in one message. */
const maxShown = 20

/** Changes of the same bytes. */
interface ChangeGroup {
  readonly change: ValueChange
  /** all positions that read the value */
  readonly places: readonly ValuePlace[]
  readonly changed: Set<string>
}

/**
 * Decides how the text of a file changes. Nothing is planned for a value that the file has already.
 * @throws `refused` for a change that is not safe.
 */
export function planChanges(
  file: OpenedFile,
  changes: readonly ValueChange[],
  { mayShare }: EditOptions,
): readonly PlannedEdit[] {
  const groups = [...groupChanges(file, changes)]
  const planned = groups.flatMap((group) => {
    const edit = group.change.kind === 'set' ? planSet(file, group) : planAdd(file, group)
    if (edit !== undefined) checkSharing(file, group, mayShare)
    return edit ?? []
  })
  // Both can be at one offset, in brackets without a value: the value comes first.
  return [...planned.filter(({ kind }) => kind === 'set'), ...planned.filter(({ kind }) => kind === 'add')]
}

/** Joins the changes of values that are read at several positions. */
function groupChanges(file: OpenedFile, changes: readonly ValueChange[]): Iterable<ChangeGroup> {
  const groups = new Map<string, ChangeGroup>()
  for (const change of changes) {
    const places = placesOf(file, change)
    const [first] = places
    if (first === undefined) throw noValue(file, change.kind === 'set' ? change.place : change.sibling)
    const own = change.kind === 'set' ? change.place : keyPlace(change)
    const key = placeKey(first)
    const group = groups.get(key) ?? { change, places, changed: new Set<string>() }
    if (group.change.value !== change.value)
      throw refuseFile(
        file.name,
        `${formatPlace(own)} would have two values: ${JSON.stringify(group.change.value)} and ${JSON.stringify(change.value)}`,
        'Write the value at each position instead of the alias.',
        positionOf(file, group.change),
      )
    group.changed.add(placeKey(own))
    // A key that is added and set exists already.
    groups.set(key, change.kind === 'set' ? { ...group, change } : group)
  }
  return groups.values()
}

function placesOf(file: OpenedFile, change: ValueChange): readonly ValuePlace[] {
  if (change.kind === 'set') return file.usersOf(change.place)
  const parent = parentOf(change.sibling)
  const key = lastStepOf(change.sibling)
  if (parent === undefined || typeof key !== 'string' || file.content instanceof TfvarsText) return []
  const found = findSibling(file.locate(parent), key)
  return found === undefined ? [] : file.usersOfKey(parent, found.map, change.key)
}

function keyPlace(change: Extract<ValueChange, { kind: 'add' }>): ValuePlace {
  return childOf(parentOf(change.sibling) ?? change.sibling, change.key)
}

function planSet(file: OpenedFile, { change, places }: ChangeGroup): PlannedEdit | undefined {
  if (change.kind !== 'set') return undefined
  if (file.content instanceof TfvarsText) return planEntry(file.content, change.place, change.value)
  const located = file.locate(change.place)
  const current = editableValue(located)
  if (current.isString && current.text === change.value) return undefined
  const splice = current.write(change.value)
  return plannedEdit(located.text, change, places, splice, current)
}

function planEntry(content: TfvarsText, place: ValuePlace, value: string): PlannedEdit | undefined {
  const entry = content.entryAt(place)
  if (entry === undefined || entry.value === value) return undefined
  if (entry.value === undefined)
    throw content.refuse(entry.start, `the value of ${entry.name} is not one string`)
  const text = writeTfvarsString(value)
  if (text === undefined)
    throw content.refuse(entry.start, `${JSON.stringify(value)} needs an escape`, 'Select another value.')
  return {
    splice: { start: entry.start, end: entry.end, text },
    edit: {
      document: 1,
      place: formatPlace(place),
      line: content.positionOf(entry.start).line,
      before: entry.value,
      after: value,
    },
    places: [place],
    kind: 'set',
  }
}

function planAdd(file: OpenedFile, { change, places }: ChangeGroup): PlannedEdit | undefined {
  const parent = change.kind === 'add' ? parentOf(change.sibling) : undefined
  if (change.kind !== 'add' || parent === undefined) return undefined
  const located = file.locate(parent)
  const sibling = findSibling(located, String(lastStepOf(change.sibling)))
  if (sibling === undefined) throw noValue(file, change.sibling)
  const existing = sibling.map.items.find((pair) => keyOf(pair) === change.key)
  if (existing !== undefined) {
    const { text, isString, offset } = editableValue({
      ...located,
      node: located.document.nodes.resolve(existing.value),
    })
    if (isString && text === change.value) return undefined
    throw located.text.refuse(
      offset,
      `the file already has the key ${formatPlace(keyPlace(change))}`,
      'Correct the file, or select another one.',
    )
  }
  const splice = planKey(sibling, change.key, change.value)
  return plannedEdit(located.text, change, places, splice, { text: null, offset: keyOffset(sibling) })
}

function plannedEdit(
  text: YamlText,
  { kind, value }: ValueChange,
  places: readonly ValuePlace[],
  { start, end, text: written }: Splice,
  current: { readonly text: string | null; readonly offset: number },
): PlannedEdit {
  const [first = { document: 0, path: [] }] = places
  return {
    splice: { start: text.offsetInFile(start), end: text.offsetInFile(end), text: written },
    edit: {
      document: first.document + 1,
      place: formatPlace(first),
      line: text.positionOf(current.offset).line,
      before: current.text,
      after: value,
    },
    places,
    kind,
  }
}

/** Refuses to change a value that is read at positions without a change of their own. */
function checkSharing(
  file: OpenedFile,
  { change, places, changed }: ChangeGroup,
  mayShare: EditOptions['mayShare'],
): void {
  const others = places.filter(
    (place) => !changed.has(placeKey(place)) && !isExtension(file, place) && mayShare?.(place) !== true,
  )
  if (others.length === 0) return
  const own = formatPlace(change.kind === 'set' ? change.place : keyPlace(change))
  const shown = others.slice(0, maxShown).map((place) => formatWithDocument(place))
  const more = others.length > maxShown ? ` and ${others.length - maxShown} more` : ''
  throw refuseFile(
    file.name,
    `an anchor shares ${own} with ${shown.join(', ')}${more}`,
    'Write the value at each position instead of the alias.',
    positionOf(file, change),
  )
}

/** Compose ignores what is below its extensions `x-…` ("Extensions", Compose Specification). */
function isExtension(file: OpenedFile, { document, path: [first], embedded }: ValuePlace): boolean {
  const value = file.documents[document]?.value
  const isCompose = embedded === undefined && isRecordMap(value) && isRecordMap(value['services'])
  return isCompose && typeof first === 'string' && first.startsWith('x-')
}

function formatWithDocument(place: ValuePlace): string {
  return place.document === 0 ? formatPlace(place) : `${formatPlace(place)} (document ${place.document + 1})`
}

function positionOf(file: OpenedFile, change: ValueChange): LineColumn | undefined {
  return file.find(change.kind === 'set' ? change.place : change.sibling)
}

function noValue(file: OpenedFile, place: ValuePlace): DrayError {
  return refuseFile(
    file.name,
    `document ${place.document + 1} has no value at ${formatPlace(place)}`,
    'Correct the position in dray.yaml, or add the value to the file.',
  )
}
