import { formatRepository } from '../../oci/reference.ts'
import type { Hash } from '../../plan/plan.ts'
import type { PruneOutcome, RepositoryOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { type CiVariables, formatCause } from '../ci.ts'
import { formatRow } from '../text/markdown.ts'
import { statusTexts } from '../operation.ts'
import { formatBytes } from '../text/format.ts'
import { outcomeTotalsOf, totalsOf } from './prune-totals.ts'

/**
 * `deleted` counts images, also superseded and untagged ones, `freed` bytes, `locked` images and
 * tags. Without an outcome they are what the plan would delete.
 * @param outcome undefined if the plan was only shown or saved
 */
export function listPruneVariables(
  plan: PrunePlan,
  hash: Hash,
  outcome: PruneOutcome | undefined,
): CiVariables {
  const totals = outcome === undefined ? { ...totalsOf(plan), locked: 0 } : outcomeTotalsOf(plan, outcome)
  const { deleted, superseded, untaggedManifests, freed, locked } = totals
  const isChanged = outcome?.repositories.some((one) => one.deleted + one.untagged > 0) ?? false
  return {
    deleted: String(deleted + superseded + untaggedManifests),
    freed: String(freed),
    locked: String(locked),
    changed: String(isChanged),
    plan: hash,
  }
}

function textOf({ status, locked }: RepositoryOutcome): string {
  const text = status === 'pruned' ? status : statusTexts[status].text
  return locked === 0 ? text : `${text}, ${locked} locked`
}

/** Images without a tag, after the number of images. */
function formatMore({ superseded = 0, untaggedManifests = 0 }: Partial<RepositoryPlan['count']>): string {
  const more = superseded === 0 ? '' : ` and ${superseded} superseded`
  return untaggedManifests === 0 ? more : `${more} and ${untaggedManifests} untagged`
}

/** Renders the repositories with changes as a Markdown table for `GITHUB_STEP_SUMMARY`. */
export function renderPruneSummary(plan: PrunePlan, outcome: PruneOutcome | undefined): string {
  const planned = plan.repositories
    .filter(({ steps }) => steps.length > 0)
    .map(({ image, count, freed }) => [
      image,
      `${count.deleted} of ${count.images}${formatMore(count)}`,
      formatBytes(freed),
      'planned',
    ])
  const done = outcome?.repositories
    .filter(({ status, locked }) => status !== 'unchanged' || locked > 0)
    .map((one) => [one.image, `${one.images}${formatMore(one)}`, formatBytes(one.freed), textOf(one)])
  const refused = plan.refusals.map(({ repository, error }) => [
    repository === undefined ? 'all' : formatRepository(repository),
    '0',
    '',
    formatCause(error),
  ])
  const rows = [...(done ?? planned), ...refused].map(formatRow)
  if (rows.length === 0) return '### dray prune\n\nNothing to delete.\n\n'
  return `### dray prune\n\n| Repository | Images deleted | Freed | Result |\n| --- | --- | --- | --- |\n${rows.join('')}\n`
}
