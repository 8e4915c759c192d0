import type { PinnedFile, PinnedImage, PinResult } from '../../usecases/gitops/pin/pinned-file.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, formatDigestOn, formatFirst } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'

const columns: readonly Column[] = [
  { title: '', align: 'right' },
  { title: '', flexible: true, keep: 30 },
  { title: '' },
]

/** Positions in one line. */
const maxPositions = 5

/** Renders the images that get a digest, and those that failed, below the names of their files. */
export function renderPins(result: PinResult, page: Page): string {
  const sections = result.files.flatMap((file) => renderFile(file, page))
  return [...sections, renderSummary(result)].join('\n\n')
}

function renderFile(file: PinnedFile, page: Page): readonly string[] {
  const rows = file.images.flatMap((image) => renderRow(image, page))
  const name = page.style.bold(escapeText(file.file))
  if (rows.length > 0) return [`${name}\n${renderTable(columns, rows, page)}`]
  return file.status === 'failed' ? [`${name}\n${page.style.red('failed')}`] : []
}

function renderRow(image: PinnedImage, page: Page): readonly (readonly Cell[])[] {
  const { status, digest, line } = image
  if (status === 'unchanged' || status === 'skipped') return []
  const result: Cell =
    status === 'failed'
      ? { text: 'failed', tone: 'red' }
      : status === 'notWritten'
        ? { text: 'not written', tone: 'yellow' }
        : digest === undefined
          ? ''
          : formatDigestOn(page, digest)
  return [[{ text: line === undefined ? '' : String(line), tone: 'dim' }, escapeText(nameOf(image)), result]]
}

function nameOf({ image, place }: PinnedImage): string {
  return image ?? place
}

function renderSummary({ dryRun, files }: PinResult): string {
  const images = files.flatMap((file) => file.images)
  const count = (status: PinnedImage['status']): number =>
    images.filter((image) => image.status === status).length
  const changed = files.filter(({ status }) => status === 'changed').length
  const failed = files.filter(({ status }) => status === 'failed').length
  const verb = dryRun ? 'Would pin' : 'Pinned'
  const sentences = [
    changed === 0
      ? 'No file changes.'
      : `${verb} ${formatCount(count('pinned'), 'image')} in ${formatCount(changed, 'file')}.`,
    ...(count('unchanged') > 0 ? [`Already pinned: ${formatCount(count('unchanged'), 'image')}.`] : []),
    ...(count('skipped') > 0 ? [`Skipped: ${formatCount(count('skipped'), 'image')}.`] : []),
    ...(failed > 0 ? [`Failed: ${formatCount(failed, 'file')}.`] : []),
  ]
  return sentences.join(' ')
}

/** Renders why images and files failed: each reason once, with the positions that it affects. */
export function renderPinErrors({ files }: PinResult, style: Style): readonly string[] {
  const failures = files.flatMap((file) => [
    ...(file.error === undefined ? [] : [{ where: file.file, error: file.error }]),
    ...file.images.flatMap((image) =>
      image.error === undefined ? [] : [{ where: positionOf(file, image), error: image.error }],
    ),
  ])
  const reasons = Map.groupBy(failures, ({ error }) => [error.message, error.why].join('\n'))
  return [...reasons.values()].flatMap((same) => {
    const error = same[0]?.error
    const where = formatFirst(
      same.map((one) => one.where),
      maxPositions,
    )
    return error === undefined ? [] : [renderFailure(where, error, style)]
  })
}

/** Lists why images and files are skipped. */
export function listPinWarnings({ files }: PinResult): readonly string[] {
  return files.flatMap((file) => [
    ...(file.reason === undefined ? [] : [`skipped ${file.file}: ${file.reason}`]),
    ...file.images.flatMap((image) =>
      image.reason === undefined ? [] : [`skipped ${positionOf(file, image)}: ${image.reason}`],
    ),
  ])
}

/** `app.yaml:12`, or the path in the file if its line is unknown. */
function positionOf({ file }: PinnedFile, { line, place }: PinnedImage): string {
  return line === undefined ? `${file}: ${place}` : `${file}:${line}`
}

function renderFailure(where: string, { message, why, hint }: ErrorInfo, style: Style): string {
  const reason = why === undefined ? message : `${message}: ${why}`
  const lines = [style.red(escapeText(`${where}: ${reason}`))]
  if (hint !== undefined) lines.push(style.dim(`  ${escapeText(hint)}`))
  return lines.join('\n')
}
