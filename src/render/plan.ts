import type { HeldTag, Placement, Plan, PlannedTag, Refusal, TagOverride } from '../plan/plan.ts'
import { renderErrorBelow } from './error.ts'
import { escapeText } from './escape.ts'
import { formatBytes, formatCount, shortDigest } from './format.ts'
import { isInPlace, operationWords } from './operation.ts'
import { formatPlace, nameOfPlace } from './place.ts'
import type { Page, Style } from './style.ts'
import { type Cell, renderTable } from './table.ts'
import { displayWidth } from './width.ts'

/** A plan for a person: what goes where, under which tags, with how much evidence, and what was refused. */
export function renderPlan(plan: Plan, page: Page): string {
  const { style } = page
  const refusedHere = new Set(plan.refusals.flatMap((refusal) => refusal.placement ?? []))
  const blocks = [
    ...plan.placements
      .filter((placement) => !refusedHere.has(placement.id))
      .map((placement) => renderPlacement(plan, placement, page)),
    ...plan.refusals.map((refusal) => renderRefusal(refusal, plan, style)),
    summary(plan, style),
  ]
  return blocks.join('\n\n')
}

function renderPlacement(plan: Plan, placement: Placement, page: Page): string {
  const { style } = page
  const { image, root, size, from, to, tags, held = [], evidence } = placement
  const isWork = plan.steps.some((step) => step.placement === placement.id)
  const head = [
    style.bold(escapeText(image)),
    style.cyan(shortDigest(root.digest)),
    ...(size === undefined ? [] : [style.dim(formatBytes(size))]),
    ...(isWork ? [] : [style.dim('nothing to do')]),
  ].join('  ')
  const rows: Cell[][] = [
    ...(isInPlace(plan.operation)
      ? [['in', placeCell(to)]]
      : [
          ['from', placeCell(from)],
          ['to', placeCell(to)],
        ]),
    ...tags.flatMap((tag) => tagRows(tagLine(tag, placement), page)),
    ...held.flatMap((tag) => tagRows(heldLine(tag), page)),
    ...(evidence.found === 0 ? [] : [['evidence', evidenceCell(evidence)]]),
    ...(isAttested(plan, placement) ? [['attest', 'a statement of it, before its tags are set']] : []),
    ...(needsRepair(plan, placement)
      ? [['repair', { text: 'pieces are missing: put there again', tone: 'yellow' } as const]]
      : []),
  ]
  const inner = { style, width: page.width === undefined ? undefined : page.width - 2 }
  const columns = [{ title: '' }, { title: '', flexible: true }]
  return `${head}\n${indent(renderTable(columns, rows, inner))}`
}

/** Whether something that should be there is not, as `--verify` found out. */
export function needsRepair(plan: Plan, placement: Placement): boolean {
  return plan.steps.some(
    (step) =>
      step.placement === placement.id &&
      (step.kind === 'copy' || step.kind === 'attach') &&
      step.repair === true,
  )
}

function isAttested(plan: Plan, placement: Placement): boolean {
  return plan.steps.some((step) => step.placement === placement.id && step.kind === 'attest')
}

function placeCell(place: Placement['to']): string {
  const where = formatPlace(place)
  return place.environment === undefined ? where : `${nameOfPlace(place)} (${where})`
}

/** What happens to a tag, and why, with a colon or a space before it. */
interface TagLine {
  readonly what: string
  readonly why: string
  readonly tone: 'green' | 'yellow' | 'dim'
}

/** What stands before the text of a row at most: the indent, and the longest title. */
const beforeText = '  evidence  '.length

/** The reason is not cut off where there is no room for it: it stands below. */
function tagRows({ what, why, tone }: TagLine, { width }: Page): readonly Cell[][] {
  const text = `${what}${why}`
  if (width === undefined || why === '' || beforeText + displayWidth(text) <= width)
    return [['tag', { text, tone }]]
  return [
    ['tag', { text: what, tone }],
    ['', { text: `  ${why.replace(/^[: ]+/, '')}`, tone }],
  ]
}

function tagLine({ tag, before, change, reason, override }: PlannedTag, { root }: Placement): TagLine {
  const name = escapeText(tag)
  const why = [
    ...(reason === undefined ? [] : [`: ${escapeText(reason)}`]),
    ...(override === undefined ? [] : [` (${overrides[override]})`]),
  ].join('')
  switch (change) {
    case 'create':
      return { what: `${name}  new`, why, tone: 'green' }
    case 'move': {
      const old = before === null ? 'none' : shortDigest(before)
      return { what: `${name}  moves from ${old} to ${shortDigest(root.digest)}`, why, tone: 'yellow' }
    }
    case 'unchanged':
      return { what: `${name}  unchanged`, why: '', tone: 'dim' }
  }
}

const overrides: Readonly<Record<TagOverride, string>> = {
  moveTag: 'by --move-tag',
  allowBackward: 'by --allow-backward',
  rollback: 'rolled back',
}

function heldLine({ tag, at, reason }: HeldTag): TagLine {
  const where = at === null ? 'not set' : `stays on ${shortDigest(at)}`
  return { what: `${escapeText(tag)}  ${where}`, why: `: ${escapeText(reason)}`, tone: 'dim' }
}

function evidenceCell({ found, missing }: Placement['evidence']): string {
  if (missing === 0) return `${found} found, all there`
  return `${found} found, ${missing} to carry`
}

function renderRefusal(refusal: Refusal, plan: Plan, style: Style): string {
  const placement = plan.placements.find(({ id }) => id === refusal.placement)
  const where = placement === undefined ? '' : `  to ${placeCell(placement.to)}`
  const head = `${style.red('refused')}  ${style.bold(escapeText(refusal.image))}${where}`
  return `${head}\n${renderErrorBelow(refusal.error, style, '  ')}`
}

function summary(plan: Plan, style: Style): string {
  const inWork = new Set(plan.steps.map((step) => step.placement))
  const working = new Set(plan.placements.flatMap(({ id, image }) => (inWork.has(id) ? [image] : []))).size
  const tags = plan.steps.filter((step) => step.kind === 'tag').length
  const attached = plan.steps.filter((step) => step.kind === 'attach').length
  const refused = plan.refusals.length === 0 ? [] : [`${plan.refusals.length} refused`]
  if (working === 0) return style.bold(['Nothing to do', ...refused].join(', ')) + '.'
  return `${style.bold(
    [
      `${operationWords[plan.operation].todo} ${formatCount(working, 'image')}`,
      `${formatCount(tags, 'tag')} to write`,
      ...(attached === 0 ? [] : [`${formatCount(attached, 'piece')} of evidence to carry`]),
      ...refused,
    ].join(', '),
  )}.`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
