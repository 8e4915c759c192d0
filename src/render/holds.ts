import type { HoldItem, HoldOutcome, HoldPlan } from '../plan/holds/hold-plan.ts'
import type { HeldImage } from '../usecases/hold/list.ts'
import { renderErrorBelow } from './error.ts'
import { formatDestination, formatEndInEnvironment } from './placement-end.ts'
import { statusTexts as placementTexts } from './operation.ts'
import { escapeText } from './text/escape.ts'
import { formatCount, formatDigestOn, shortenDigest } from './text/format.ts'
import type { Page, Style } from './text/style.ts'
import { renderTable } from './text/table.ts'

/** Renders what a run would do with each image. */
export function renderHoldPlan(plan: HoldPlan, page: Page): string {
  const { images, refusals, decision } = plan
  const changed = images.filter(isChanged).length
  const verb = decision === 'hold' ? 'to hold' : 'to release'
  return [
    ...images.map((item) => renderItem(item, plan, page)),
    ...renderRefusals(refusals, page.style),
    `Plan: ${formatCount(changed, 'image')} ${verb}.`,
  ].join('\n\n')
}

function isChanged({ statement, tag }: HoldItem): boolean {
  return statement === 'attach' || tag.change !== 'unchanged'
}

function renderItem(item: HoldItem, plan: HoldPlan, { style }: Page): string {
  const { image, digest, tag, before, environment, repository } = item
  const end = { repository, ...(environment !== undefined && { environment }) }
  const rows = [
    ['in', formatEndInEnvironment(end)],
    ...(before === undefined ? [] : [['now', escapeText(before)]]),
    [plan.decision, statementText(item, plan)],
    ['tag', `${escapeText(tag.name)}  ${tagTexts[tag.change]}`],
  ]
  const head = `${style.bold(escapeText(image))}  ${style.cyan(shortenDigest(digest))}`
  const columns = [{ title: '' }, { title: '' }]
  const body = renderTable(columns, rows, { style, width: undefined })
  return [head, ...body.split('\n').map((line) => `  ${line}`)].join('\n')
}

const tagTexts: Readonly<Record<HoldItem['tag']['change'], string>> = {
  create: 'new',
  delete: 'delete',
  unchanged: 'up to date',
}

function statementText({ statement, subject }: HoldItem, plan: HoldPlan): string {
  if (statement === 'unchanged') return 'up to date'
  const { reason, ticket, expires } = plan
  const action = subject === null ? 'only in the audit log: the image does not exist' : 'attach a statement'
  return [
    action,
    `reason ${escapeText(JSON.stringify(reason))}`,
    ...(ticket === undefined ? [] : [`ticket ${escapeText(ticket)}`]),
    ...(expires === undefined ? [] : [`until ${escapeText(expires)}`]),
  ].join(', ')
}

const { unchanged, conflict, failed, notAttempted } = placementTexts
const statusTexts: Readonly<
  Record<HoldOutcome['status'], { readonly text: string; readonly tone: keyof Style }>
> = {
  held: { text: 'held', tone: 'green' },
  released: { text: 'released', tone: 'green' },
  unchanged,
  conflict,
  failed,
  notAttempted,
}

/** Renders the outcome of each image, and then the sum. */
export function renderHoldOutcome(plan: HoldPlan, outcomes: readonly HoldOutcome[], page: Page): string {
  const { style } = page
  const done = plan.decision === 'hold' ? 'held' : 'released'
  const count = outcomes.filter(({ status }) => status === done).length
  const upToDate = outcomes.filter(({ status }) => status === 'unchanged').length
  const ends = outcomes.map(({ image, environment, repository }) => ({
    image,
    to: { repository, ...(environment !== undefined && { environment }) },
  }))
  return [
    ...outcomes.map((one, i) => {
      const { text, tone } = statusTexts[one.status]
      const end = ends[i]
      const head = [
        style[tone](text),
        style.bold(escapeText(one.image)),
        ...(end === undefined ? [] : [formatDestination(end, ends)]),
        style.cyan(shortenDigest(one.digest)),
        escapeText(one.tag),
      ].join('  ')
      return one.error === undefined ? head : `${head}\n${renderErrorBelow(one.error, style, '  ')}`
    }),
    ...renderRefusals(plan.refusals, style),
    `${count} ${done}${upToDate === 0 ? '' : `, ${upToDate} up to date`}.`,
  ].join('\n')
}

function renderRefusals(refusals: HoldPlan['refusals'], style: Style): readonly string[] {
  return refusals.map(({ image, error }) => {
    const head = `${style.red(error.code === 'refused' ? 'refused' : 'failed')}  ${style.bold(escapeText(image))}`
    return `${head}\n${renderErrorBelow(error, style, '  ')}`
  })
}

/** Renders a line for each held image. */
export function renderHeldImages(images: readonly HeldImage[], page: Page): string {
  if (images.length === 0) return 'No image is held by a tag.'
  const columns = [
    { title: 'IMAGE' },
    { title: 'ENVIRONMENT' },
    { title: 'DIGEST' },
    { title: 'SINCE (UTC)' },
    { title: 'UNTIL' },
    { title: 'BY' },
    { title: 'REASON', flexible: true },
  ]
  const rows = images.map(({ image, environment, digest, since, expires, by, reason, ticket, text }) => [
    escapeText(image),
    escapeText(environment ?? '-'),
    formatDigestOn(page, digest),
    since?.slice(0, 10) ?? '-',
    escapeText(expires ?? '-'),
    escapeText(by ?? '-'),
    escapeText([...(ticket === undefined ? [] : [ticket]), reason ?? text].join(': ')),
  ])
  return renderTable(columns, rows, page)
}
