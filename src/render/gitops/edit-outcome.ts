import type { EditOutcome, FileOutcome } from '../../plan/edits/editing-plan.ts'
import { renderErrorBelow } from '../error.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { formatCommit, renderEdits } from './edit-rows.ts'

export const fileStatusTexts: Readonly<
  Record<FileOutcome['status'], { readonly text: string; readonly tone: keyof Style }>
> = {
  edited: { text: 'edited', tone: 'green' },
  unchanged: { text: 'up to date', tone: 'dim' },
  conflict: { text: 'conflict', tone: 'red' },
  failed: { text: 'failed', tone: 'red' },
  notAttempted: { text: 'not attempted', tone: 'yellow' },
}

/** Renders each file with its values or its error, then the commit, and then the sum. */
export function renderEditOutcome(outcome: EditOutcome, page: Page): string {
  const { style } = page
  const { files, commit, error } = outcome
  return [
    ...files.map((file) => renderFile(file, page)),
    ...(commit === undefined ? [] : formatCommit(commit)),
    ...(error === undefined
      ? []
      : [`${style.red('failed')}  the commit of the edits\n${renderErrorBelow(error, style, '  ')}`]),
    style.bold(`${sumOf(files)}.`),
  ].join('\n')
}

function renderFile({ file, status, edits, omitted = [], error }: FileOutcome, page: Page): string {
  const { style } = page
  const { text, tone } = fileStatusTexts[status]
  const without = omitted.length === 0 ? '' : `  without ${omitted.map(escapeText).join(', ')}`
  return [
    `${style[tone](text)}  ${style.bold(escapeText(file))}${without}`,
    ...(status === 'edited' ? [renderEdits(edits, page)] : []),
    ...(error === undefined ? [] : [renderErrorBelow(error, style, '  ')]),
  ].join('\n')
}

/** `2 files edited, 1 conflict`. */
function sumOf(files: readonly FileOutcome[]): string {
  const counts = Object.entries(fileStatusTexts).flatMap(([status, { text }]) => {
    const count = files.filter((file) => file.status === status).length
    if (count === 0) return []
    return [status === 'conflict' ? formatCount(count, 'conflict') : `${formatCount(count, 'file')} ${text}`]
  })
  return counts.length === 0 ? 'No file edited' : counts.join(', ')
}
