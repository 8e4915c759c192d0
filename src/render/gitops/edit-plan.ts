import type { EditPlan } from '../../plan/edits/edit-step.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount } from '../text/format.ts'
import { breakLines } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { formatEditCount, formatGitRequest, renderEdits } from './edit-rows.ts'

/** Renders each file that changes with its values, and then the sum and the commit. */
export function renderEditPlan(edits: EditPlan, page: Page): string {
  const { style } = page
  const files = edits.steps.map(
    (step) => `${style.bold(escapeText(step.file))}\n${renderEdits(step.edits, page)}`,
  )
  const upToDate = edits.upToDate.map((file) => `${style.bold(escapeText(file))}  ${style.dim('up to date')}`)
  return [...files, ...(upToDate.length === 0 ? [] : [upToDate.join('\n')]), sumOf(edits, page)].join('\n\n')
}

function sumOf(edits: EditPlan, { style, width }: Page): string {
  const git = formatGitRequest(edits)
  const count = edits.steps.length === 0 ? 'No file to edit' : `${formatEditCount(edits)} to edit`
  const sum = `${count} in the deployment files of ${escapeText(edits.environment)}.`
  return [
    ...breakLines(sum, width).map((line) => style.bold(line)),
    ...(git === undefined ? [] : breakLines(`Then ${git}.`, width)),
  ].join('\n')
}

/** The edits of a plan that also places images, under a heading. */
export function renderEditsAfterTags(edits: EditPlan, page: Page): string {
  const title = page.style.bold('Edits, after the tags of the image at all targets')
  return `${title}\n\n${renderEditPlan(edits, page)}`
}

const published = {
  commit: ' and commit',
  push: ', commit and push',
  pullRequest: ' and open a pull request',
} as const

/** An earlier run may have edited the files and not committed them. */
const onlyPublished = {
  commit: 'Commit',
  push: 'Commit and push',
  pullRequest: 'Open a pull request for',
} as const

/** A question about the edits of a plan: `Edit 2 files of prod?` */
export function editQuestion({ steps, environment, git }: EditPlan): string {
  const files = `${formatCount(steps.length, 'file')} of ${escapeText(environment)}`
  if (git === undefined) return `Edit ${files}?`
  if (steps.length === 0) return `${onlyPublished[git.mode]} the files of ${escapeText(environment)}?`
  return `Edit ${files}${published[git.mode]}?`
}
