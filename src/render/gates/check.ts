import type { CheckedImage } from '../../usecases/check/check.ts'
import { renderErrorBelow } from '../error.ts'
import { formatEndInEnvironment, isSameEnd } from '../placement-end.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, formatDigestOn, formatFirst } from '../text/format.ts'
import { narrowPage, renderLabeledRows } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import type { Cell } from '../text/table.ts'
import { gateRows } from './gate-rows.ts'

/** Tags of an image that are named. */
const shownTags = 5

/** Renders each image with its gates, and then the sum. */
export function renderCheck(images: readonly CheckedImage[], page: Page): string {
  return [...images.map((image) => renderImage(image, page)), page.style.bold(formatCheckSum(images))].join(
    '\n\n',
  )
}

const results = {
  pass: { text: 'pass', tone: 'green' },
  fail: { text: 'refused', tone: 'red' },
  error: { text: 'unknown', tone: 'red' },
} as const

function renderImage(checked: CheckedImage, page: Page): string {
  const { image, tags, digest, from, to, gates, violations, error, result } = checked
  const { style } = page
  const { text, tone } = results[result]
  const head = [
    style[tone](text),
    style.bold(escapeText(image)),
    ...(digest === undefined ? [] : [style.cyan(formatDigestOn(page, digest))]),
  ].join('  ')
  const rows: Cell[][] = [
    ...(isSameEnd(from, to)
      ? [['in', formatEndInEnvironment(to)]]
      : [
          ['from', formatEndInEnvironment(from)],
          ['to', formatEndInEnvironment(to)],
        ]),
    ...(tags.length > 1 ? [['tags', escapeText(formatFirst(tags, shownTags))]] : []),
    ...(gates.length === 0 && error === undefined
      ? [['gate', { text: 'none: no environment of this repository has gates', tone: 'dim' } as const]]
      : []),
    ...gateRows(gates, narrowPage(page).width),
  ]
  return [
    head,
    renderLabeledRows(rows, page),
    ...[...violations, ...(error === undefined ? [] : [error])].map((one) =>
      renderErrorBelow(one, style, '  '),
    ),
  ].join('\n')
}

/** `Checked 3 images: 2 pass, 1 refused.` */
export function formatCheckSum(images: readonly CheckedImage[]): string {
  const counts = (['pass', 'fail', 'error'] as const).flatMap((result) => {
    const count = images.filter((one) => one.result === result).length
    return count === 0 ? [] : [`${count} ${results[result].text}`]
  })
  return images.length === 0
    ? 'There is no tagged image to check.'
    : `Checked ${formatCount(images.length, 'image')}: ${counts.join(', ')}.`
}
