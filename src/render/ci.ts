import type { ErrorInfo } from '../lib/errors.ts'
import type { PlacementStatus, RunOutcome } from '../plan/outcome.ts'
import type { Hash, Placement, Plan, PlannedTag } from '../plan/plan.ts'
import { escapeText } from './text/escape.ts'
import { shortenDigest } from './text/format.ts'
import { doneStatuses, operationTexts, statusTexts } from './operation.ts'
import { formatPath, formatDestination } from './placement-end.ts'

/** Names and values for the next steps of a CI job, without line breaks. */
export type CiVariables = Readonly<Record<string, string>>

/** Lines for the file that `GITHUB_OUTPUT` names. */
export function formatGithubOutput(variables: CiVariables): string {
  return linesOf(variables, (name) => name)
}

/** Lines of a dotenv report (GitLab, artifacts:reports:dotenv). */
export function formatDotenvReport(variables: CiVariables): string {
  return linesOf(variables, (name) => `DRAY_${name.toUpperCase()}`)
}

function linesOf(variables: CiVariables, nameOf: (name: string) => string): string {
  return Object.entries(variables)
    .map(([name, value]) => `${nameOf(name)}=${value}\n`)
    .join('')
}

/** @param outcome undefined if the plan was only shown or saved */
export function runVariables(plan: Plan, hash: Hash, outcome: RunOutcome | undefined): CiVariables {
  const digests = new Set(plan.placements.map((placement) => placement.root.digest))
  const isChanged = outcome?.placements.some(({ status }) => doneStatuses.has(status)) ?? false
  return { digest: [...digests].join(' '), changed: String(isChanged), plan: hash }
}

const changeTexts: Readonly<Record<PlannedTag['change'], string>> = {
  create: 'new',
  move: 'moved',
  unchanged: 'up to date',
}

/** A table in Markdown for the file that `GITHUB_STEP_SUMMARY` names. */
export function runSummary(plan: Plan, outcome: RunOutcome | undefined): string {
  const byId = new Map(outcome?.placements.map((one) => [one.placement, one]))
  const rows = plan.placements.map((placement) => {
    const { status, tags: outcomes = [] } = byId.get(placement.id) ?? {}
    const stayed = new Set(outcomes.flatMap(({ tag, wanted }) => (wanted === undefined ? [] : [tag])))
    const tags = placement.tags
      .map(({ tag, change }) => `${tag} (${stayed.has(tag) ? 'not moved' : changeTexts[change]})`)
      .join(', ')
    return formatRow([
      placement.image,
      operationTexts[plan.operation].isInPlace
        ? formatDestination(placement, plan.placements)
        : formatPath(placement, placement.image, plan.placements),
      tags,
      shortenDigest(placement.root.digest),
      resultOf(placement, status, plan),
    ])
  })
  const problems = [...plan.refusals, ...problemsOf(plan, outcome)]
  const lines = problems.map(({ image, error }) => `- ${inMarkdown(textOf(image, error))}\n`)
  const table =
    rows.length === 0
      ? ''
      : `| Image | From -> to | Tags | Digest | Result |\n| --- | --- | --- | --- | --- |\n${rows.join('')}\n`
  return `### dray ${plan.operation}\n\n${table}${lines.join('')}${lines.length === 0 ? '' : '\n'}`
}

function resultOf(
  { id, image }: Placement,
  status: PlacementStatus | undefined,
  { steps, refusals }: Plan,
): string {
  if (status !== undefined) return statusTexts[status].text
  const isRefused = refusals.some(
    (one) => one.image === image && (one.placement === undefined || one.placement === id),
  )
  if (isRefused) return statusTexts.refused.text
  if (steps.some(({ placement }) => placement === id)) return 'planned'
  return statusTexts[refusals.some((one) => one.image === image) ? 'notAttempted' : 'unchanged'].text
}

/** Why images are in conflict or failed; a refusal is in the plan. */
function problemsOf(
  { placements }: Plan,
  outcome: RunOutcome | undefined,
): readonly { readonly image: string; readonly error: ErrorInfo }[] {
  const imageOf = new Map(placements.map(({ id, image }) => [id, image]))
  return (outcome?.placements ?? [])
    .filter(({ status }) => status === 'conflict' || status === 'failed')
    .flatMap(({ placement, errors }) =>
      errors.map((error) => ({ image: imageOf.get(placement) ?? placement, error })),
    )
}

function textOf(image: string, { message, why, code }: ErrorInfo): string {
  return code === 'refused' || why === undefined ? `${image}: ${message}` : `${image}: ${message}: ${why}`
}

/** Formats a workflow command that shows an error beside the run (GitHub, Workflow commands). */
export function formatGithubAnnotation(error: ErrorInfo): string {
  const text = [error.message, ...(error.details ?? []), error.why, error.hint]
    .filter((part) => part !== undefined)
    .map(escapeText)
    .join(' — ')
  return `::error title=dray::${text.replaceAll('%', '%25')}`
}

/** A row of a table in Markdown. */
export function formatRow(cells: readonly string[]): string {
  return `| ${cells.map(inMarkdown).join(' | ')} |\n`
}

/** Text on one line, in which Markdown and HTML have no effect. */
function inMarkdown(text: string): string {
  return escapeText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]|~]/g, (c) => `\\${c}`)
}
