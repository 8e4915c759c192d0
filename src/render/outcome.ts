import type { PlacementOutcome, RunOutcome, Transferred } from '../plan/outcome.ts'
import type { KeptTag, Placement, Plan } from '../plan/plan.ts'
import { renderErrorBelow } from './error.ts'
import { gateRows, isInGateRows } from './gates/gate-rows.ts'
import { escapeText } from './text/escape.ts'
import { formatBytes, formatCount, shortenDigest } from './text/format.ts'
import { doneStatuses, operationTexts, statusTexts } from './operation.ts'
import { formatPath, formatDestination } from './placement-end.ts'
import { needsRepair } from './plan.ts'
import { narrowPage, renderLabeledRows } from './text/section.ts'
import type { Page } from './text/style.ts'

/** Renders each image at each target with its tags, transfers and errors, and then the sum. */
export function renderOutcome(plan: Plan, outcome: RunOutcome, page: Page): string {
  const byId = new Map(plan.placements.map((placement) => [placement.id, placement]))
  return [
    ...outcome.placements.flatMap((one) => {
      const placement = byId.get(one.placement)
      return placement === undefined ? [] : [renderPlacementOutcome(placement, one, plan, page)]
    }),
    ...renderUnplanned(plan, outcome, page),
    renderOutcomeSum(plan, outcome, page),
  ].join('\n')
}

/** The refusals of images that have no placement, because they could not be read. */
export function renderUnplanned(plan: Plan, { refusals }: RunOutcome, { style }: Page): readonly string[] {
  const shown = new Set(plan.placements.map(({ image }) => image))
  return refusals
    .filter(({ image, placement }) => placement === undefined && !shown.has(image))
    .map(({ image, error }) => {
      const head = `${style.red('refused')}  ${style.bold(escapeText(image))}`
      return `${head}\n${renderErrorBelow(error, style, '  ')}`
    })
}

/** One image at one target, with its tags, transfers and errors. */
export function renderPlacementOutcome(
  placement: Placement,
  outcome: PlacementOutcome,
  plan: Plan,
  page: Page,
): string {
  const { style } = page
  const { text, tone } = statusTexts[outcome.status]
  const { done, isInPlace, hasRelease } = operationTexts[plan.operation]
  const isRepaired = needsRepair(plan, placement) && !outcome.tags.some((tag) => tag.changed)
  const head = [
    style[tone](!doneStatuses.has(outcome.status) ? text : isRepaired ? 'repaired' : done),
    style.bold(escapeText(placement.image)),
    isInPlace
      ? formatDestination(placement, plan.placements)
      : formatPath(placement, placement.image, plan.placements),
    ...(hasRelease ? [`to ${escapeText(placement.from.tag ?? '')}`] : []),
    style.cyan(shortenDigest(placement.root.digest)),
  ].join('  ')
  const lines = [
    ...outcome.tags.filter(({ changed }) => changed).map(tagLine),
    ...(outcome.status === 'unchanged' ? [] : (placement.keptTags ?? []).map(keptTagLine)),
    ...(outcome.status === 'unchanged' || outcome.status === 'refused' ? [] : [transferLine(outcome)]),
    ...gateLinesOf(outcome, page),
    ...outcome.errors
      .filter((error) => !isInGateRows(error, outcome.gates))
      .map((error) => renderErrorBelow(error, style, '  ')),
  ]
  return [head, ...lines.filter((line) => line !== '')].join('\n')
}

function tagLine({
  tag,
  before = null,
  after = null,
  deletesBefore,
}: PlacementOutcome['tags'][number]): string {
  const now = after === null ? 'missing' : shortenDigest(after)
  const loss = deletesBefore === true ? ', and the registry deletes the previous image' : ''
  return `  ${escapeText(tag)}: ${before === null ? 'new' : `${shortenDigest(before)} -> ${now}${loss}`}`
}

function keptTagLine({ tag, reason }: KeptTag): string {
  return `  ${escapeText(tag)}: not moved, ${escapeText(reason)}`
}

/** One line if all gates passed; else a table of those that did not. */
function gateLinesOf({ gates = [] }: PlacementOutcome, page: Page): readonly string[] {
  const passed = gates.filter(({ result }) => result === 'pass').length
  const others = gates.filter(({ result }) => result !== 'pass' && result !== 'skipped')
  const rows = gateRows(others, narrowPage(page).width, gates)
  return [
    ...(passed === 0 ? [] : [`  ${formatCount(passed, 'gate')} passed`]),
    ...(others.length === 0 ? [] : [renderLabeledRows(rows, page)]),
  ]
}

function transferLine({ transferred, evidenceCopied }: PlacementOutcome): string {
  const parts = [
    ...transferParts(transferred),
    ...(evidenceCopied === 0 ? [] : [`${formatCount(evidenceCopied, 'attached artifact')} copied`]),
  ]
  return parts.length === 0 ? '' : `  ${parts.join(', ')}`
}

/** `12 blobs mounted, 1 uploaded (3.4 MiB), 2 already present`. */
function transferParts({ mounted, uploaded, present, bytes }: Transferred): string[] {
  const parts = [
    ...(mounted === 0 ? [] : [`${mounted} mounted`]),
    ...(uploaded === 0 ? [] : [`${uploaded} uploaded (${formatBytes(bytes)})`]),
    ...(present === 0 ? [] : [`${present} already present`]),
  ]
  const [first, ...rest] = parts
  if (first === undefined) return []
  const count = Number(first.split(' ', 1)[0])
  return [first.replace(' ', count === 1 ? ' blob ' : ' blobs '), ...rest]
}

/** `2 synced, 1 failed, 3.4 MiB transferred.` */
export function renderOutcomeSum(plan: Plan, outcome: RunOutcome, { style }: Page): string {
  const { done } = operationTexts[plan.operation]
  const images = new Set(plan.placements.map(({ image }) => image))
  // An image that could not be read has refusals and no placement.
  const refused = new Set(outcome.refusals.map(({ image }) => image))
  const unplanned = [...refused].filter((image) => !images.has(image)).length
  const counts = Object.entries(statusTexts).flatMap(([status, { text }]) => {
    const planned = outcome.placements.filter((one) => one.status === status).length
    const count = planned + (status === 'refused' ? unplanned : 0)
    return count === 0 ? [] : [`${count} ${doneStatuses.has(status) ? done : text}`]
  })
  const { bytes } = outcome.transferred
  const transferred = bytes === 0 ? '' : `, ${formatBytes(bytes)} transferred`
  return style.bold(`${counts.length === 0 ? 'No changes' : counts.join(', ')}${transferred}.`)
}
