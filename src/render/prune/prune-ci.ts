import type { Hash } from '../../plan/plan.ts'
import type { PruneOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { row } from '../ci.ts'
import { formatBytes } from '../text/format.ts'
import { outcomeTotalsOf, totalsOf } from './prune-totals.ts'

/** What later steps of a pipeline want to know of a prune. */
export interface PruneFacts {
  readonly plan: PrunePlan
  readonly hash: Hash
  /** undefined where the plan was only shown or saved */
  readonly outcome: PruneOutcome | undefined
}

/** Names and values for the steps that follow: `deleted` (images), `freed` (bytes), `changed`, `plan`. Of a plan alone, what it would be. */
function variablesOf({ plan, hash, outcome }: PruneFacts): ReadonlyMap<string, string> {
  const { deleted, freed } = outcome === undefined ? totalsOf(plan) : outcomeTotalsOf(plan, outcome)
  const isChanged = outcome?.repositories.some((one) => one.deleted + one.untagged > 0) ?? false
  return new Map([
    ['deleted', String(deleted)],
    ['freed', String(freed)],
    ['changed', String(isChanged)],
    ['plan', hash],
  ])
}

/** Lines for the file that `GITHUB_OUTPUT` names. */
export function pruneOutput(facts: PruneFacts): string {
  return [...variablesOf(facts)].map(([name, value]) => `${name}=${value}\n`).join('')
}

/** Lines of a dotenv report, as GitLab reads it (artifacts:reports:dotenv). */
export function pruneDotenv(facts: PruneFacts): string {
  return [...variablesOf(facts)].map(([name, value]) => `DRAY_${name.toUpperCase()}=${value}\n`).join('')
}

/** A table in Markdown for the file that `GITHUB_STEP_SUMMARY` names: the repositories in which something is done. */
export function pruneSummary({ plan, outcome }: PruneFacts): string {
  const rows =
    outcome === undefined
      ? plan.repositories
          .filter(({ steps }) => steps.length > 0)
          .map(({ image, count, freed }) =>
            row([image, `${count.deleted} of ${count.images}`, formatBytes(freed), 'planned']),
          )
      : outcome.repositories
          .filter(({ status }) => status !== 'unchanged')
          .map(({ image, images, freed, status }) => row([image, String(images), formatBytes(freed), status]))
  const refusals = plan.refusals.map(({ repository, error }) =>
    row([
      repository === undefined ? 'all' : `${repository.registry}/${repository.path}`,
      '0',
      '',
      error.message,
    ]),
  )
  const all = [...rows, ...refusals]
  if (all.length === 0) return '### dray prune\n\nNothing to do.\n\n'
  return `### dray prune\n\n| repository | images deleted | freed | result |\n| --- | --- | --- | --- |\n${all.join('')}\n`
}
