import { formatRepository } from '../../oci/reference.ts'
import type { PlacementOutcome, RunOutcome } from '../../plan/outcome.ts'
import type { Placement, Plan } from '../../plan/plan.ts'
import { doneStatuses, operationTexts } from '../operation.ts'
import { renderOutcomeSum, renderPlacementOutcome, renderUnplanned } from '../outcome.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCount } from '../text/format.ts'
import { breakLines } from '../text/section.ts'
import type { Page } from '../text/style.ts'

/** An image at one destination, with its outcome. */
interface EndedImage {
  readonly placement: Placement
  readonly outcome: PlacementOutcome
}

/**
 * Renders the outcome of many images: one line for each destination repository in which images
 * were copied, every image with a problem, and the sum.
 */
export function renderFoldedOutcome(plan: Plan, outcome: RunOutcome, page: Page): string {
  const outcomes = new Map(outcome.placements.map((one) => [one.placement, one]))
  const ended = plan.placements.flatMap((placement): readonly EndedImage[] => {
    const one = outcomes.get(placement.id)
    return one === undefined ? [] : [{ placement, outcome: one }]
  })
  const done = ended.filter(isDone)
  return [
    ...renderDestinations(plan, done, page),
    ...ended
      .filter((one) => !isDone(one))
      .map((one) => renderPlacementOutcome(one.placement, one.outcome, plan, page)),
    ...renderUnplanned(plan, outcome, page),
    ...(done.length === 0 ? [] : [page.style.dim('To list every image, pass --all.')]),
    renderOutcomeSum(plan, outcome, page),
  ].join('\n')
}

function isDone({ outcome: { status, errors } }: EndedImage): boolean {
  return doneStatuses.has(status) && errors.length === 0
}

/** `hub/library/node  12 synced, 3.4 MiB`; with the registry if there are several. */
function renderDestinations(
  { operation }: Plan,
  done: readonly EndedImage[],
  { width }: Page,
): readonly string[] {
  const isOneRegistry = new Set(done.map(({ placement }) => placement.to.repository.registry)).size === 1
  const byName = Map.groupBy(done, ({ placement: { to } }) =>
    isOneRegistry ? to.repository.path : formatRepository(to.repository),
  )
  return [...byName].flatMap(([name, images]) => {
    const sum = (of: (outcome: PlacementOutcome) => number): number =>
      images.reduce((total, { outcome }) => total + of(outcome), 0)
    const bytes = sum(({ transferred }) => transferred.bytes)
    const attached = sum(({ evidenceCopied }) => evidenceCopied)
    const counts = [
      `${images.length} ${operationTexts[operation].done}`,
      ...(attached === 0 ? [] : [`${formatCount(attached, 'attached artifact')} copied`]),
      ...(bytes === 0 ? [] : [formatBytes(bytes)]),
    ]
    return breakLines(`${escapeText(name)}  ${counts.join(', ')}`, width)
  })
}
