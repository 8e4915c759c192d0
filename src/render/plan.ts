import type { Descriptor } from '../oci/descriptor.ts'
import type { Placement, Plan, PlannedTag, Refusal, TagOverride } from '../plan/plan.ts'
import { renderConfigurationLine } from './configuration.ts'
import { renderErrorBelow } from './error.ts'
import { escapeText } from './text/escape.ts'
import { formatBytes, formatCount, shortenDigest } from './text/format.ts'
import { operationTexts } from './operation.ts'
import { formatEnd, formatEndName } from './placement-end.ts'
import type { Page, Style } from './text/style.ts'
import { type Cell, renderTable } from './text/table.ts'
import { displayWidth, pad } from './text/width.ts'

/**
 * Renders a plan: each image with its repositories, tags and attached artifacts, then the refusals
 * and the sum.
 * @param configuration name of the configuration file in use
 */
export function renderPlan(plan: Plan, page: Page, configuration?: string): string {
  const { style } = page
  const refused = new Set(plan.refusals.flatMap((refusal) => refusal.placement ?? []))
  const blocks = [
    ...plan.placements
      .filter((placement) => !refused.has(placement.id))
      .map((placement) => renderPlacement(plan, placement, page)),
    ...plan.refusals.map((refusal) => renderRefusal(refusal, plan, style)),
    [summary(plan, style), ...renderConfigurationLine(configuration, style)].join('\n'),
  ]
  return blocks.join('\n\n')
}

function renderPlacement(plan: Plan, placement: Placement, page: Page): string {
  const { style } = page
  const { image, root, size, from, to, evidence } = placement
  const { isInPlace, hasRelease } = operationTexts[plan.operation]
  const isWork = plan.steps.some((step) => step.placement === placement.id)
  const head = [
    style.bold(escapeText(image)),
    style.cyan(shortenDigest(root.digest)),
    ...(size === undefined ? [] : [style.dim(formatBytes(size))]),
    ...(isWork ? [] : [style.dim('nothing to do')]),
  ].join('  ')
  const indented = { style, width: page.width === undefined ? undefined : page.width - 2 }
  const rows: Cell[][] = [
    ...(isInPlace
      ? [['in', endCell(to)]]
      : [
          ['from', endCell(from)],
          ['to', endCell(to)],
        ]),
    ...(hasRelease ? [['release', escapeText(from.tag ?? '')]] : []),
    ...tagRows(placement, indented.width),
    ...(evidence.found === 0 ? [] : [['evidence', evidenceCell(evidence)]]),
    ...(isAttested(plan, placement) ? [['attest', 'a statement of it, before its tags are set']] : []),
    ...(needsRepair(plan, placement)
      ? [['repair', { text: 'pieces are missing: put there again', tone: 'yellow' } as const]]
      : []),
  ]
  const columns = [{ title: '' }, { title: '', flexible: true }]
  return `${head}\n${indent(renderTable(columns, rows, indented))}`
}

/** Whether `--verify` found something missing. */
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

function endCell(end: Placement['to']): string {
  const repository = formatEnd(end)
  return end.environment === undefined ? repository : `${formatEndName(end)} (${repository})`
}

/** Returns a row for each tag with its change and the reason. A long reason goes below its row. */
function tagRows({ tags, held = [], root }: Placement, page: number | undefined): Cell[][] {
  const names = [...tags, ...held].map(({ tag }) => displayWidth(escapeText(tag)))
  const width = Math.min(widestName, Math.max(0, ...names))
  const rows = (tag: string, change: string, why: string, tone: keyof Style): Cell[][] => {
    const start = `${pad(escapeText(tag), width)}  ${change}`
    const reason = escapeText(why)
    if (reason === '') return [['tag', { text: start, tone }]]
    const whole = `${start}  ${reason}`
    if (page === undefined || displayWidth(whole) <= page - widestLabel)
      return [['tag', { text: whole, tone }]]
    return [
      ['tag', { text: start, tone }],
      ['', { text: `${' '.repeat(width)}  ${reason}`, tone }],
    ]
  }
  return [
    ...tags.flatMap((one) => [
      ...rows(one.tag, changeOf(one, root), whyOf(one), tones[one.change]),
      ...lossRows(one),
    ]),
    ...held.flatMap(({ tag, at, reason }) =>
      rows(tag, at === null ? 'not set' : `stays on ${shortenDigest(at)}`, reason, 'dim'),
    ),
  ]
}

/** Tag names are padded up to this many columns. */
const widestName = 24
/** `evidence` and the gap after it. */
const widestLabel = 10

const tones = { create: 'green', move: 'yellow', unchanged: 'dim' } as const

function changeOf({ before, change }: PlannedTag, root: Descriptor): string {
  switch (change) {
    case 'create':
      return 'new'
    case 'move':
      return `${before === null ? 'none' : shortenDigest(before)} -> ${shortenDigest(root.digest)}`
    case 'unchanged':
      return 'unchanged'
  }
}

function whyOf({ change, reason, override }: PlannedTag): string {
  if (change === 'unchanged') return ''
  const by = override === undefined ? '' : `(${overrides[override]})`
  return [reason ?? '', by].filter((part) => part !== '').join(' ')
}

/** Returns the rows below a tag whose former image the registry deletes. */
function lossRows({ before, deletesBefore }: PlannedTag): Cell[][] {
  if (deletesBefore !== true || before === null) return []
  const lines = [
    `the registry deletes ${shortenDigest(before)}: no other tag is on it`,
    'and no rollback to it is possible',
  ]
  return lines.map((text) => ['', { text: `  ${text}`, tone: 'yellow' }])
}

const overrides: Readonly<Record<TagOverride, string>> = {
  moveTag: 'by --move-tag',
  allowBackward: 'by --allow-backward',
  rollback: 'rolled back',
}

function evidenceCell({ found, missing }: Placement['evidence']): string {
  if (missing === 0) return `${found} found, all there`
  return `${found} found, ${missing} to carry`
}

function renderRefusal(refusal: Refusal, plan: Plan, style: Style): string {
  const placement = plan.placements.find(({ id }) => id === refusal.placement)
  const where = placement === undefined ? '' : `  to ${endCell(placement.to)}`
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
      `${operationTexts[plan.operation].todo} ${formatCount(working, 'image')}`,
      `${formatCount(tags, 'tag')} to write`,
      ...(attached === 0 ? [] : [`${formatCount(attached, 'piece')} of evidence to carry`]),
      ...refused,
    ].join(', '),
  )}.`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
