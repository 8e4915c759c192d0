import type { ErrorInfo } from '../lib/errors.ts'
import type { RunOutcome } from '../plan/outcome.ts'
import type { Hash, Plan } from '../plan/plan.ts'
import { escapeText } from './text/escape.ts'
import { shortDigest } from './text/format.ts'
import { doneStatuses, isInPlace } from './operation.ts'
import { formatRoute, formatWhere } from './place.ts'

/** What later steps of a pipeline want to know of a run. */
export interface RunFacts {
  readonly plan: Plan
  readonly hash: Hash
  /** undefined where the plan was only shown or saved */
  readonly outcome: RunOutcome | undefined
}

/** Names and values for the steps that follow: `digest` (of all images, in their order), `changed`, `plan`. None has a line break in it. */
function runVariables({ plan, hash, outcome }: RunFacts): ReadonlyMap<string, string> {
  const digests = [...new Set(plan.placements.map((placement) => placement.root.digest))]
  const changed = outcome?.placements.some(({ status }) => doneStatuses.has(status)) ?? false
  return new Map([
    ['digest', digests.join(' ')],
    ['changed', String(changed)],
    ['plan', hash],
  ])
}

/** Lines for the file that `GITHUB_OUTPUT` names. */
export function githubOutput(facts: RunFacts): string {
  return [...runVariables(facts)].map(([name, value]) => `${name}=${value}\n`).join('')
}

/** Lines of a dotenv report, as GitLab reads it (artifacts:reports:dotenv). */
export function dotenvReport(facts: RunFacts): string {
  return [...runVariables(facts)].map(([name, value]) => `DRAY_${name.toUpperCase()}=${value}\n`).join('')
}

/** A table in Markdown for the file that `GITHUB_STEP_SUMMARY` names. */
export function githubSummary({ plan, outcome }: RunFacts): string {
  const byId = new Map(outcome?.placements.map((one) => [one.placement, one]))
  const rows = plan.placements.map((placement) => {
    const status = byId.get(placement.id)?.status ?? 'planned'
    const tags = placement.tags.map(({ tag, change }) => `${tag} (${change})`).join(', ')
    return row([
      placement.image,
      isInPlace(plan.operation)
        ? formatWhere(placement, plan.placements)
        : formatRoute(placement, placement.image, plan.placements),
      tags,
      shortDigest(placement.root.digest),
      statusWord(status),
    ])
  })
  const refusals = plan.refusals.map(({ image, error }) => `- ${inMarkdown(`${image}: ${error.message}`)}\n`)
  const head = `### dray ${plan.operation}\n\n`
  const table =
    rows.length === 0
      ? ''
      : `| image | way | tags | digest | result |\n| --- | --- | --- | --- | --- |\n${rows.join('')}\n`
  return `${head}${table}${refusals.join('')}${refusals.length === 0 ? '' : '\n'}`
}

/** A workflow command that shows an error beside the run (GitHub, Workflow commands, Setting an error message). */
export function githubAnnotation(error: ErrorInfo): string {
  const text = [error.message, ...(error.details ?? []), error.why, error.hint]
    .filter((part) => part !== undefined)
    .map(escapeText)
    .join(' — ')
  return `::error title=dray::${text.replaceAll('%', '%25')}`
}

function statusWord(status: string): string {
  if (status === 'notAttempted') return 'not attempted'
  return status === 'rolledBack' ? 'rolled back' : status
}

/** A row of a table in Markdown. */
export function row(cells: readonly string[]): string {
  return `| ${cells.map(inMarkdown).join(' | ')} |\n`
}

/** Text of others as text: on one line, and without what Markdown or HTML would make of it. */
function inMarkdown(text: string): string {
  return escapeText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]|~]/g, (c) => `\\${c}`)
}
