import type { ErrorInfo } from '../lib/errors.ts'
import type { RunOutcome } from '../plan/outcome.ts'
import type { Hash, Plan, PlannedTag } from '../plan/plan.ts'
import { escapeText } from './text/escape.ts'
import { shortenDigest } from './text/format.ts'
import { gatedImages, gateSummary } from './gates/gate-ci.ts'
import { isInGateRows } from './gates/gate-rows.ts'
import { doneStatuses, operationTexts, statusTexts } from './operation.ts'
import { formatPath, formatDestination } from './placement-end.ts'
import { type PlacementState, stateOf } from './placement-state.ts'
import { formatRow, inMarkdown } from './text/markdown.ts'

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

const planned: Readonly<Record<PlannedTag['change'], string>> = {
  create: 'new',
  move: 'to move',
  unchanged: 'up to date',
}
const done: typeof planned = { ...planned, move: 'moved' }
const stateTexts: Readonly<Record<PlacementState, string>> = {
  changes: 'planned',
  upToDate: statusTexts.unchanged.text,
  refused: statusTexts.refused.text,
  notAttempted: statusTexts.notAttempted.text,
}

/** A table in Markdown for the file that `GITHUB_STEP_SUMMARY` names. */
export function runSummary(plan: Plan, outcome: RunOutcome | undefined): string {
  const byId = new Map(outcome?.placements.map((one) => [one.placement, one]))
  const rows = plan.placements.map((placement) => {
    const { status, tags: outcomes = [] } = byId.get(placement.id) ?? {}
    const state = stateOf(placement, plan)
    const isDropped = status === undefined && (state === 'refused' || state === 'notAttempted')
    const notMoved = new Set(outcomes.flatMap(({ tag, wanted }) => (wanted === undefined ? [] : [tag])))
    const textOfTag = ({ tag, change }: PlannedTag): string => {
      if (notMoved.has(tag) || (isDropped && change !== 'unchanged')) return 'not moved'
      return (status === undefined ? planned : done)[change]
    }
    const tags = placement.tags.map((one) => `${one.tag} (${textOfTag(one)})`).join(', ')
    return formatRow([
      placement.image,
      operationTexts[plan.operation].isInPlace
        ? formatDestination(placement, plan.placements)
        : formatPath(placement, placement.image, plan.placements),
      tags,
      shortenDigest(placement.root.digest),
      status === undefined ? stateTexts[state] : statusTexts[status].text,
    ])
  })
  const gatesOf = new Map(plan.placements.map(({ id, gates }) => [id, byId.get(id)?.gates ?? gates]))
  const problems = [...plan.refusals, ...problemsOf(plan, outcome)].filter(
    ({ placement = '', error }) => !isInGateRows(error, gatesOf.get(placement)),
  )
  const lines = problems.map(({ image, error }) => `- ${inMarkdown(textOf(image, error))}\n`)
  const table =
    rows.length === 0
      ? ''
      : `| Image | From -> to | Tags | Digest | Result |\n| --- | --- | --- | --- | --- |\n${rows.join('')}\n`
  const gates = gateSummary(gatedImages(plan, outcome))
  return `### dray ${plan.operation}\n\n${table}${gates}${lines.join('')}${lines.length === 0 ? '' : '\n'}`
}

const cutNote = '\nThe summary is too long and was cut. The log of the job has the other images.\n'

/** Shortens a summary after a whole line, with a note, if it has more bytes than that. */
export function cutSummary(summary: string, maxBytes: number): string {
  const bytes = Buffer.from(summary)
  if (bytes.byteLength <= maxBytes) return summary
  const room = maxBytes - Buffer.byteLength(cutNote)
  if (room <= 0) return ''
  const end = bytes.subarray(0, room).lastIndexOf('\n') + 1
  return `${bytes.toString('utf8', 0, end)}${cutNote}`
}

/** Why images are in conflict or failed; a refusal is in the plan. */
function problemsOf(
  { placements }: Plan,
  outcome: RunOutcome | undefined,
): readonly { readonly image: string; readonly placement?: string; readonly error: ErrorInfo }[] {
  const imageOf = new Map(placements.map(({ id, image }) => [id, image]))
  return (outcome?.placements ?? [])
    .filter(({ status }) => status === 'conflict' || status === 'failed')
    .flatMap(({ placement, errors }) =>
      errors.map((error) => ({ image: imageOf.get(placement) ?? placement, placement, error })),
    )
}

function textOf(image: string, error: ErrorInfo): string {
  return `${image}: ${formatCause(error)}`
}

/** A message with its cause, on one line. */
export function formatCause({ message, why }: ErrorInfo): string {
  return why === undefined ? message : `${message}: ${why}`
}

/** Formats a workflow command that shows an error beside the run (GitHub, Workflow commands). */
export function formatGithubAnnotation(error: ErrorInfo): string {
  const text = [error.message, ...(error.details ?? []), error.why, error.hint]
    .filter((part) => part !== undefined)
    .map(escapeText)
    .join(' — ')
  return `::error title=dray::${text.replaceAll('%', '%25')}`
}
