import type { ErrorInfo } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { Placement, Refusal } from '../../plan/plan.ts'
import type { RepositoryDrift, TagDrift } from '../../plan/sync/drift.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { renderConfigurationLine } from '../configuration.ts'
import { renderErrorBelow } from '../error.ts'
import { gateRows, isInGateRows } from '../gates/gate-rows.ts'
import { renderPlannedDeletes } from '../prune/deletes-after-copies.ts'
import { totalsOf } from '../prune/prune-totals.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCount } from '../text/format.ts'
import { breakLines, narrowPage, renderLabeledRows } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { driftCounter, renderDriftTable, renderTagLines } from './drift-rows.ts'
import { inSyncText } from './in-sync.ts'

/** Tags of a repository that are listed unless everything is shown. */
const tagsShown = 10
/** With more tags or repositories in all, only those that need attention are listed. */
const listedAtMost = 20

interface SyncPageOptions {
  /** nothing is folded */
  readonly all: boolean
  readonly configuration?: string | undefined
}

/**
 * Renders the plan of a sync: a table of the repositories, the tags that move or do not move, the
 * refusals, the deletes and the sum. A plan without differences is one line.
 */
export function renderSyncPlan(plan: SyncPlan, page: Page, options: SyncPageOptions): string {
  const { drift, refusals } = plan
  const hasDifference = drift.some(({ tags, error }) => tags.length > 0 || error !== undefined)
  const isIdle = !hasDifference && refusals.length === 0 && plan.steps.length === 0
  if (isIdle && !options.all) return page.style.bold(inSyncText(plan))
  return [
    ...renderTable(plan, page, options),
    ...renderTagLists(plan, page, options),
    ...renderGates(plan, page),
    ...renderRefusals(plan, page),
    ...renderPlannedDeletes(plan, page, options),
    [...sum(plan, page), ...renderConfigurationLine(options.configuration, page.style)].join('\n'),
  ].join('\n\n')
}

/** Many repositories are in the table only if they differ. */
function renderTable(plan: SyncPlan, page: Page, { all }: SyncPageOptions): readonly string[] {
  const { drift } = plan
  if (drift.length === 0) return []
  if (all || drift.length <= listedAtMost) return [renderDriftTable(drift, plan, page)]
  const differing = drift.filter(({ tags, error }) => tags.length > 0 || error !== undefined)
  const equal = drift.length - differing.length
  const rest = `${formatCount(equal, 'repository', 'repositories')} in sync (--all lists them)`
  return [
    [
      ...(differing.length === 0 ? [] : [renderDriftTable(differing, plan, page)]),
      ...(equal === 0 ? [] : [page.style.dim(differing.length === 0 ? rest : `and ${rest}`)]),
    ].join('\n'),
  ]
}

/**
 * The tags that differ, by repository. New and extra tags are in the table already, so they are
 * folded first. If there are many, only those with a problem are listed.
 */
function renderTagLists({ drift }: SyncPlan, page: Page, { all }: SyncPageOptions): readonly string[] {
  if (all) return drift.flatMap((one) => renderTags(one, one.tags, one.tags.length, page))
  const notable = drift.map((one) => one.tags.filter(isNotable))
  const count = notable.reduce((total, tags) => total + tags.length, 0)
  const listed = count <= listedAtMost ? notable : notable.map((tags) => tags.filter(isProblem))
  const folded = count - listed.reduce((total, tags) => total + tags.length, 0)
  return [
    ...drift.flatMap((one, i) => renderTags(one, listed[i] ?? [], tagsShown, page)),
    ...(folded === 0 ? [] : [page.style.dim(`${formatCount(folded, 'more tag')} (--all lists them)`)]),
  ]
}

function isNotable({ state, reason }: TagDrift): boolean {
  return state !== 'missing' && (state !== 'extra' || reason !== undefined)
}

function isProblem({ state }: TagDrift): boolean {
  return state === 'changed' || state === 'damaged'
}

function renderTags(
  one: RepositoryDrift,
  tags: readonly TagDrift[],
  atMost: number,
  page: Page,
): readonly string[] {
  if (tags.length === 0) return []
  const shown = tags.slice(0, atMost)
  const folded = tags.length - shown.length
  const { style, width } = page
  const name = `${formatRepository(one.from)} -> ${formatRepository(one.to)}`
  const heading = breakLines(escapeText(name), width).map((line) => style.bold(line))
  const inner = width === undefined ? undefined : Math.max(1, width - 2)
  const lines = [
    ...shown.flatMap((tag) => renderTagLines(tag, inner, style)),
    ...(folded === 0 ? [] : [style.dim(`and ${formatCount(folded, 'tag')} more (--all)`)]),
  ]
  return [[...heading, ...lines.map((line) => `  ${line}`)].join('\n')]
}

/** The gates that did not pass. */
function renderGates({ placements }: SyncPlan, page: Page): readonly string[] {
  return placements.flatMap(({ image, gates = [] }) => {
    const open = gates.filter(({ result }) => result !== 'pass' && result !== 'skipped')
    if (open.length === 0) return []
    const rows = gateRows(open, narrowPage(page).width, gates)
    return [`${page.style.bold(escapeText(image))}\n${renderLabeledRows(rows, page)}`]
  })
}

function renderRefusals({ refusals, placements }: SyncPlan, page: Page): readonly string[] {
  const byId = new Map(placements.map((one) => [one.id, one]))
  const shown = refusals.filter(
    ({ placement = '', error }) => !isInGateRows(error, byId.get(placement)?.gates),
  )
  return shown.map((refusal) => renderRefusal(refusal, byId.get(refusal.placement ?? ''), page))
}

function renderRefusal({ image, error }: Refusal, placement: Placement | undefined, page: Page): string {
  const { style } = page
  const to = placement === undefined ? '' : `  to ${escapeText(formatRepository(placement.to.repository))}`
  return `${style.red(refusalWord(error))}  ${style.bold(escapeText(image))}${to}\n${renderErrorBelow(error, style, '  ')}`
}

function refusalWord({ code }: ErrorInfo): string {
  if (code === 'conflict') return 'conflict'
  return code === 'refused' ? 'refused' : 'failed'
}

/** `Plan: 2 images to sync, 3 tags to write, up to 3.6 MiB to copy.` */
function sum(plan: SyncPlan, { style, width }: Page): readonly string[] {
  const { steps, placements, refusals, drift, deletes } = plan
  const changing = new Set(steps.map(({ placement }) => placement))
  const images = new Set(placements.flatMap(({ id, image }) => (changing.has(id) ? [image] : [])))
  const countsOf = driftCounter(plan)
  const bytes = drift.reduce((total, one) => total + countsOf(one).bytes, 0)
  const refused = new Set(refusals.map(({ image }) => image))
  const part = (count: number, noun: string, state: string): readonly string[] =>
    count === 0 ? [] : [`${formatCount(count, noun)} ${state}`]
  const counts = [
    ...part(images.size, 'image', 'to sync'),
    ...part(steps.filter(({ kind }) => kind === 'tag').length, 'tag', 'to write'),
    ...part(steps.filter(({ kind }) => kind === 'attach').length, 'attached artifact', 'to copy'),
    ...(bytes === 0 ? [] : [`up to ${formatBytes(bytes)} to copy`]),
    ...(deletes === undefined || plan.executesDeletes !== true || totalsOf(deletes).deleted === 0
      ? []
      : [`${formatCount(totalsOf(deletes).deleted, 'image')} to delete`]),
    ...(refused.size === 0 ? [] : [`${refused.size} refused`]),
  ]
  const text = `Plan: ${counts.length === 0 ? 'no changes' : counts.join(', ')}.`
  return breakLines(text, width).map((line) => style.bold(line))
}
