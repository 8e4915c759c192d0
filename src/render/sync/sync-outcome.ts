import type { SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { renderOutcome } from '../outcome.ts'
import { renderFoldedOutcome } from './folded-outcome.ts'
import { hasDeletes, renderDeletesDone } from '../prune/deletes-after-copies.ts'
import type { PruneOutcomeOptions } from '../prune/prune-outcome.ts'
import { breakLines } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { inSyncText } from './in-sync.ts'

/** With more images, those that succeeded are one line for each destination. */
const imagesListed = 20

interface SyncOutcomeOptions extends PruneOutcomeOptions {
  /** nothing is folded */
  readonly all: boolean
}

/**
 * Renders the outcome of a sync: the images that were copied or have a problem, the deletes and the
 * sum. A run that changed nothing is one line.
 */
export function renderSyncOutcome(
  plan: SyncPlan,
  outcome: SyncOutcome,
  page: Page,
  options: SyncOutcomeOptions,
): string {
  const { style, width } = page
  const idle = new Set(
    outcome.placements.flatMap(({ status, placement }) => (status === 'unchanged' ? [placement] : [])),
  )
  const shown = {
    ...plan,
    placements: plan.placements.filter(({ id }) => !idle.has(id)),
  }
  const ofShown = {
    ...outcome,
    placements: outcome.placements.filter(({ placement }) => !idle.has(placement)),
  }
  const isIdle =
    ofShown.placements.length === 0 &&
    outcome.refusals.length === 0 &&
    !hasDeletes(outcome) &&
    outcome.undeleted.length === 0
  if (isIdle)
    return breakLines(inSyncText(plan), width)
      .map((line) => style.bold(line))
      .join('\n')
  return [
    options.all || ofShown.placements.length <= imagesListed
      ? renderOutcome(shown, ofShown, page)
      : renderFoldedOutcome(shown, ofShown, page),
    ...renderDeletesDone(plan, outcome, page, options),
  ].join('\n')
}
