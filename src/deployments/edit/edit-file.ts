import type { ValueEdit } from '../../plan/edits/edit-step.ts'
import type { FileBytes } from './text/decode.ts'
import { openFile } from './open-file.ts'
import { type EditOptions, planChanges } from './plan-changes.ts'
import { proveEdit } from './prove-edit.ts'
import { applySplices } from './values/splice.ts'
import type { ValueChange } from './value-place.ts'

export interface FileEdit {
  /** the same object as before if nothing changes */
  readonly bytes: Uint8Array
  /** in the order of the file */
  readonly edits: readonly ValueEdit[]
}

/**
 * Changes values in a file, and no other byte of it. The result is parsed and compared with the
 * file before it is returned. Pure.
 * @param file an `OpenedFile` is not parsed again
 * @throws `refused` for a file or change that is not safe; `internal` if the comparison fails.
 */
export function editFile(
  file: FileBytes,
  changes: readonly ValueChange[],
  options: EditOptions = {},
): FileEdit {
  const opened = openFile(file)
  const planned = planChanges(opened, changes, options)
  if (planned.length === 0) return { bytes: file.bytes, edits: [] }
  const splices = planned.map(({ splice }) => splice)
  const bytes = new TextEncoder().encode(applySplices(opened.text, splices))
  proveEdit(opened, { name: file.name, bytes }, planned)
  const inOrder = [...planned].sort((a, b) => a.splice.start - b.splice.start)
  return { bytes, edits: inOrder.map(({ edit }) => edit) }
}
