import type { Descriptor } from '../oci/descriptor.ts'
import type { Placement, Plan, PlannedTag, Refusal, TagOverride } from '../plan/plan.ts'
import { renderConfigurationLine } from './configuration.ts'
import { renderErrorBelow } from './error.ts'
import { formatMinute, gateRows, isInGateRows } from './gates/gate-rows.ts'
import { escapeText } from './text/escape.ts'
import { formatBytes, formatCount, shortenDigest } from './text/format.ts'
import { operationTexts } from './operation.ts'
import { formatEndInEnvironment } from './placement-end.ts'
import { type PlacementState, stateOf } from './placement-state.ts'
import { breakLines, narrowPage, renderLabeledRows } from './text/section.ts'
import type { Page, Style } from './text/style.ts'
import type { Cell } from './text/table.ts'
import { displayWidth, pad } from './text/width.ts'

/**
 * Renders a plan: each image with its repositories, tags and attached artifacts, then the refusals
 * and the sum.
 * @param configuration name of the configuration file in use
 */
export function renderPlan(plan: Plan, page: Page, configuration?: string): string {
  const { style } = page
  const shown = new Map(plan.placements.map(({ id, gates }) => [id, gates]))
  const refusals = Map.groupBy(
    plan.refusals.filter(({ placement = '', error }) => !isInGateRows(error, shown.get(placement))),
    ({ image, placement }) => JSON.stringify([image, placement]),
  )
  const blocks = [
    ...plan.placements
      .filter((placement) => stateOf(placement, plan) !== 'refused' || placement.gates !== undefined)
      .map((placement) => renderPlacement(plan, placement, page)),
    ...[...refusals.values()].flatMap(([first, ...more]) =>
      first === undefined ? [] : [renderRefusals([first, ...more], plan, style)],
    ),
    [...summary(plan, page), ...renderConfigurationLine(configuration, style)].join('\n'),
  ]
  return blocks.join('\n\n')
}

const stateTexts: Readonly<Record<PlacementState, string>> = {
  changes: '',
  upToDate: 'up to date',
  refused: 'refused',
  notAttempted: 'not attempted: the image is refused at another target',
}

function renderPlacement(plan: Plan, placement: Placement, page: Page): string {
  const { style } = page
  const { image, root, size, from, to, evidence } = placement
  const { isInPlace, hasRelease } = operationTexts[plan.operation]
  const state = stateTexts[stateOf(placement, plan)]
  const head = [
    style.bold(escapeText(image)),
    style.cyan(shortenDigest(root.digest)),
    ...(size === undefined ? [] : [style.dim(formatBytes(size))]),
    ...(state === '' ? [] : [stateOf(placement, plan) === 'refused' ? style.red(state) : style.dim(state)]),
  ].join('  ')
  const { width } = narrowPage(page)
  const rows: Cell[][] = [
    ...(isInPlace
      ? [['in', formatEndInEnvironment(to)]]
      : [
          ['from', formatEndInEnvironment(from)],
          ['to', formatEndInEnvironment(to)],
        ]),
    ...(hasRelease ? [['release', escapeText(from.tag ?? '')]] : []),
    ...platformRows(placement),
    ...tagRows(placement, width),
    ...(evidence.found === 0 ? [] : [['attached', attachedCell(evidence)]]),
    ...(isAttested(plan, placement) ? [['attest', 'attach an attestation before the tags move']] : []),
    ...(needsRepair(plan, placement)
      ? [['repair', { text: 'content is missing: copy it again', tone: 'yellow' } as const]]
      : []),
    ...gateRows(placement.gates ?? [], width),
  ]
  return `${head}\n${renderLabeledRows(rows, page)}`
}

/** The platforms of a sparse index: `linux/amd64, linux/arm64 of 6`. */
function platformRows({ platforms = [], ofPlatforms }: Placement): Cell[][] {
  if (platforms.length === 0) return []
  return [['platforms', `${escapeText(platforms.join(', '))} of ${ofPlatforms ?? 'more'}`]]
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

/** Returns a row for each tag with its change and the reason. A long reason goes below its row. */
function tagRows({ tags, keptTags = [], root, platforms }: Placement, page: number | undefined): Cell[][] {
  const label = platforms === undefined ? widestLabels.all : widestLabels.sparse
  const names = [...tags, ...keptTags].map(({ tag }) => displayWidth(escapeText(tag)))
  const width = Math.min(widestName, Math.max(0, ...names))
  const rows = (tag: string, change: string, why: string, tone: keyof Style): Cell[][] => {
    const start = `${pad(escapeText(tag), width)}  ${change}`
    const reason = escapeText(why)
    if (reason === '') return [['tag', { text: start, tone }]]
    const whole = `${start}  ${reason}`
    if (page === undefined || displayWidth(whole) <= page - label) return [['tag', { text: whole, tone }]]
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
    ...keptTags.flatMap(({ tag, at, reason }) =>
      rows(tag, at === null ? 'not set' : `stays on ${shortenDigest(at)}`, reason, 'dim'),
    ),
  ]
}

/** Tag names are padded up to this many columns. */
const widestName = 24
/** `attached`, or `platforms`, and the gap after it. */
const widestLabels = { all: 10, sparse: 11 } as const

const tones = { create: 'green', move: 'yellow', unchanged: 'dim' } as const

function changeOf({ before, change }: PlannedTag, root: Descriptor): string {
  switch (change) {
    case 'create':
      return 'new'
    case 'move':
      return `${before === null ? 'none' : shortenDigest(before)} -> ${shortenDigest(root.digest)}`
    case 'unchanged':
      return 'up to date'
  }
}

function whyOf({ change, reason, override, readAs }: PlannedTag): string {
  if (change === 'unchanged') return readAs ?? ''
  const by = override === undefined ? '' : `(${overrides[override]})`
  return [reason ?? readAs ?? '', by].filter((part) => part !== '').join(' ')
}

/** Returns the rows below a tag whose former image the registry deletes. */
function lossRows({ before, deletesBefore }: PlannedTag): Cell[][] {
  if (deletesBefore !== true || before === null) return []
  const lines = [
    `the registry deletes ${shortenDigest(before)}, which has no other tag`,
    'a rollback to it is then impossible',
  ]
  return lines.map((text) => ['', { text: `  ${text}`, tone: 'yellow' }])
}

const overrides: Readonly<Record<TagOverride, string>> = {
  moveTag: 'by --move-tag',
  allowBackward: 'by --allow-backward',
  rollback: 'by rollback',
  movedTags: 'by movedTags of the rule',
}

function attachedCell({ found, missing }: Placement['evidence']): string {
  if (missing === 0) return `${found} found, all up to date`
  return `${found} found, ${missing} to copy`
}

/** @param refusals of one image, at one target or at all of them */
function renderRefusals(
  refusals: readonly [Refusal, ...Refusal[]],
  { placements }: Plan,
  style: Style,
): string {
  const [first] = refusals
  const placement = placements.find(({ id }) => id === first.placement)
  const target = placement === undefined ? '' : `  to ${formatEndInEnvironment(placement.to)}`
  const head = `${style.red('refused')}  ${style.bold(escapeText(first.image))}${target}`
  return [head, ...refusals.map(({ error }) => renderErrorBelow(error, style, '  '))].join('\n')
}

/** `Plan: 2 images to promote, 6 tags to write, 1 image refused.` Each image is counted once. */
function summary(plan: Plan, { style, width }: Page): readonly string[] {
  const states = Map.groupBy(plan.placements, (placement) => stateOf(placement, plan))
  const imagesOf = (state: PlacementState): ReadonlySet<string> =>
    new Set(states.get(state)?.map(({ image }) => image))
  const refused = new Set(plan.refusals.map(({ image }) => image))
  const changing = imagesOf('changes')
  const upToDate = [...imagesOf('upToDate')].filter((image) => !changing.has(image) && !refused.has(image))
  const counts = [
    countPart(changing.size, 'image', operationTexts[plan.operation].todo),
    countPart(plan.steps.filter(({ kind }) => kind === 'tag').length, 'tag', 'to write'),
    countPart(plan.steps.filter(({ kind }) => kind === 'attach').length, 'attached artifact', 'to copy'),
    countPart(upToDate.length, 'image', 'up to date'),
    countPart(refused.size, 'image', 'refused'),
  ].flat()
  const text = `Plan: ${counts.length === 0 ? 'no changes' : counts.join(', ')}.`
  return [
    ...breakLines(text, width).map((line) => style.bold(line)),
    ...validityLine(plan).flatMap((line) => breakLines(line, width)),
  ]
}

/** Names the end of the first pass that ends. A single end is in the row of its gate already. */
function validityLine({ placements, steps }: Plan): readonly string[] {
  const written = new Set(steps.map(({ placement }) => placement))
  const ends = placements
    .filter(({ id }) => written.has(id))
    .flatMap(({ gates = [] }) => gates.flatMap(({ validUntil }) => validUntil ?? []))
  const [first] = ends.toSorted()
  if (first === undefined || new Set(ends).size === 1) return []
  return [`The results of gates are valid until ${formatMinute(first)}.`]
}

function countPart(count: number, noun: string, state: string): readonly string[] {
  return count === 0 ? [] : [`${formatCount(count, noun)} ${state}`]
}
