import { openFile, type OpenedFile } from '../../../deployments/edit/open-file.ts'
import { decodeFile, type FileBytes } from '../../../deployments/edit/text/decode.ts'
import { findTemplate } from '../../../deployments/edit/text/templates.ts'
import { formatPlace, type ValuePlace } from '../../../deployments/edit/value-place.ts'
import { findImageEntries } from '../../../deployments/references/image-entries.ts'
import type { ImageEntry } from '../../../deployments/references/image-entry.ts'
import { type ErrorInfo, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { PinnedImage } from './pinned-file.ts'

/** The position of an image, for people. */
export type ShownPlace = Pick<PinnedImage, 'place' | 'document' | 'line'>

/** The images of a file. */
export interface PinSource {
  readonly file: FileBytes
  readonly entries: readonly { readonly entry: ImageEntry; readonly at: ShownPlace }[]
  /** positions that are never pinned */
  readonly skipped: readonly PinnedImage[]
  /** the file is a template */
  readonly template?: string
  readonly error?: ErrorInfo
}

/** Finds the images of a file. A file that cannot be edited has none, and the reason. Pure. */
export function readPinSource(file: FileBytes): PinSource {
  try {
    const opened = openFile(file)
    const { entries, skipped } = findImageEntries(opened)
    return {
      file,
      entries: entries.map((entry) => ({
        entry,
        at: showPlace(opened, entry.fields.image ?? entry.fields.tag ?? entry.fields.digest ?? entry.place),
      })),
      skipped: skipped.map(({ place, what }) => ({
        ...showPlace(opened, place),
        status: 'skipped',
        reason: what,
      })),
    }
  } catch (error) {
    if (!isDrayError(error)) throw error
    const none = { file, entries: [], skipped: [] }
    return isTemplate(file)
      ? { ...none, template: error.why ?? error.message }
      : { ...none, error: toErrorInfo(error) }
  }
}

function isTemplate(file: FileBytes): boolean {
  try {
    return findTemplate(decodeFile(file)) !== undefined
  } catch (error) {
    if (isDrayError(error)) return false
    throw error
  }
}

function showPlace(opened: OpenedFile, place: ValuePlace): ShownPlace {
  const line = lineOf(opened, place)
  return {
    place: formatPlace(place),
    document: place.document + 1,
    ...(line !== undefined && { line }),
  }
}

/** Undefined in a text whose lines are not those of the file. */
function lineOf(opened: OpenedFile, place: ValuePlace): number | undefined {
  try {
    return opened.find(place)?.line
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}
