import type { EditPlan } from '../../plan/edits/edit-step.ts'
import type { EditOutcome } from '../../plan/edits/editing-plan.ts'
import type { CiVariables } from '../ci.ts'
import { formatRow, inMarkdown } from '../text/markdown.ts'
import { fileStatusTexts } from './edit-outcome.ts'

/** Names and values about edits for the next steps of a CI job. */
export function editVariables(edits: EditPlan, outcome: EditOutcome | undefined): CiVariables {
  const edited = outcome?.files.filter(({ status }) => status === 'edited').length ?? 0
  const { id, pullRequest } = outcome?.commit ?? {}
  return {
    edited: String(outcome === undefined ? edits.steps.length : edited),
    ...(id !== undefined && { commit: id }),
    ...(pullRequest !== undefined && { pull_request: pullRequest.url }),
  }
}

/** A table of the files in Markdown. */
export function editSummary(edits: EditPlan, outcome: EditOutcome | undefined): string {
  const statusOf = new Map(outcome?.files.map(({ file, status }) => [file, fileStatusTexts[status].text]))
  const rows = [
    ...edits.steps.map(({ file, images, edits: values }) => [
      file,
      images.map(({ image, tag }) => (tag === undefined ? image : `${image}:${tag}`)).join(', '),
      String(values.length),
      statusOf.get(file) ?? 'planned',
    ]),
    ...edits.upToDate.map((file) => [file, '', '0', fileStatusTexts.unchanged.text]),
  ]
  if (rows.length === 0) return ''
  const table = `| File | Image | Values | Result |\n| --- | --- | --- | --- |\n${rows.map(formatRow).join('')}\n`
  const problems = [...(outcome?.files ?? []), ...(outcome === undefined ? [] : [outcome])].flatMap((one) =>
    one.error === undefined ? [] : [`- ${inMarkdown(one.error.message)}\n`],
  )
  return `${table}${problems.join('')}${problems.length === 0 ? '' : '\n'}`
}
