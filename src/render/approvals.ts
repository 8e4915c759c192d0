import type { ApprovedImage, Decision } from '../usecases/approve/approval.ts'
import { renderErrorBelow } from './error.ts'
import { gateRows } from './gates/gate-rows.ts'
import { formatEndInEnvironment } from './placement-end.ts'
import { escapeText } from './text/escape.ts'
import { formatCount, formatDigestOn, formatShortTime, shortenDigest } from './text/format.ts'
import { narrowPage, renderLabeledRows } from './text/section.ts'
import type { Page } from './text/style.ts'
import type { Cell } from './text/table.ts'

const participles = { approve: 'approved', reject: 'rejected' } as const
const states = { planned: '', done: '', failed: 'failed', notAttempted: 'not attempted' } as const

/** Renders a decision about images, before or after it is attached, and then the sum. */
export function renderApprovals(images: readonly ApprovedImage[], decision: Decision, page: Page): string {
  return [
    ...images.map((image) => renderImage(image, decision, page)),
    renderSum(images, decision, page),
  ].join('\n\n')
}

function renderImage(image: ApprovedImage, decision: Decision, page: Page): string {
  const { style } = page
  const { result, error } = image
  const word = result === 'done' ? participles[decision.decision] : states[result]
  const head = [
    ...(word === '' ? [] : [result === 'done' ? style.green(word) : style.red(word)]),
    style.bold(escapeText(image.image)),
    style.cyan(formatDigestOn(page, image.digest)),
  ].join('  ')
  return [
    head,
    renderLabeledRows(rowsOf(image, decision, page), page),
    ...(error === undefined ? [] : [renderErrorBelow(error, style, '  ')]),
  ].join('\n')
}

function rowsOf({ from, artifact, gates = [] }: ApprovedImage, decision: Decision, page: Page): Cell[][] {
  const { environment, expires, reason, key } = decision
  const until = expires === undefined ? '' : ` until ${formatShortTime(expires)} UTC`
  const people = key.people.length === 0 ? '' : ` of ${key.people.join(', ')}`
  return [
    ['in', formatEndInEnvironment(from)],
    [decision.decision, `for ${escapeText(environment)}${until}`],
    ['key', escapeText(`${key.file}${people} (${shortenDigest(key.fingerprint)})`)],
    ...(reason === undefined ? [] : [['reason', escapeText(reason)]]),
    ...(artifact === undefined ? [] : [['attached', formatDigestOn(page, artifact)]]),
    ...gateRows(gates, narrowPage(page).width),
  ]
}

/** `Plan: 1 image to approve.` or `1 approved, 1 failed.` */
function renderSum(images: readonly ApprovedImage[], { decision }: Decision, { style }: Page): string {
  if (images.every(({ result }) => result === 'planned'))
    return style.bold(`Plan: ${formatCount(images.length, 'image')} to ${decision}.`)
  const counts = (['done', 'failed', 'notAttempted'] as const).flatMap((result) => {
    const count = images.filter((one) => one.result === result).length
    const word = result === 'done' ? participles[decision] : states[result]
    return count === 0 ? [] : [`${count} ${word}`]
  })
  return style.bold(`${counts.join(', ')}.`)
}
