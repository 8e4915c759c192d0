import { formatRepository } from '../../oci/reference.ts'
import type { DeletingOutcome, DeletingPlan } from '../../plan/prune/deleting-plan.ts'
import { escapeText } from '../text/escape.ts'
import { breakLines } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { type PruneOutcomeOptions, renderPruneOutcome } from './prune-outcome.ts'
import { renderPrunePlan } from './prune-plan.ts'

/** Renders the deletes of a plan under a heading, which says whether they are executed. */
export function renderPlannedDeletes(
  { deletes, executesDeletes }: DeletingPlan,
  page: Page,
  { all }: { readonly all: boolean },
): readonly string[] {
  if (deletes === undefined) return []
  const hasContent = deletes.refusals.length > 0 || deletes.repositories.some(({ steps }) => steps.length > 0)
  if (!hasContent) return []
  const heading = executesDeletes
    ? 'Deletes, after all copies and tags of their repository succeeded'
    : 'Deletes, which dray does not execute without --delete'
  const title = breakLines(heading, page.width).map((line) => page.style.bold(line))
  return [[...title, '', renderPrunePlan(deletes, page, { all })].join('\n')]
}

/** Renders the deletes that were executed, and the repositories in which nothing was deleted. */
export function renderDeletesDone(
  { deletes }: DeletingPlan,
  outcome: DeletingOutcome,
  page: Page,
  options: PruneOutcomeOptions,
): readonly string[] {
  const skipped = outcome.undeleted.map((repository) => {
    const name = escapeText(formatRepository(repository))
    return `${page.style.yellow('not deleted')}  ${name}: a copy or tag did not succeed there`
  })
  return [
    ...skipped.flatMap((line) => breakLines(line, page.width)),
    ...(outcome.deletes === undefined || deletes === undefined || !hasDeletes(outcome)
      ? []
      : ['', renderPruneOutcome(deletes, outcome.deletes, page, options)]),
  ]
}

/** Whether deletes were executed or refused. */
export function hasDeletes({ deletes }: DeletingOutcome): boolean {
  return (
    deletes !== undefined &&
    (deletes.refusals.length > 0 || deletes.repositories.some(({ status }) => status !== 'unchanged'))
  )
}
