import type { ImageUsage, UsageReport } from '../../usecases/usage/usage-report.ts'
import { escapeText } from '../text/escape.ts'
import { formatAge, formatBytes, formatDigestOn } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'
import { bytesCell, nothingCell, unknownCell } from './usage-cells.ts'

const verdictTones: Readonly<Record<'keep' | 'delete' | 'untag', keyof Style>> = {
  keep: 'dim',
  delete: 'red',
  untag: 'yellow',
}

interface ImageColumn extends Column {
  readonly cell: (image: ImageUsage) => Cell
}

/** Renders one line for each image. Columns without a value in any row are omitted. */
export function renderImages(images: readonly ImageUsage[], { at, policy }: UsageReport, page: Page): string {
  const now = Date.parse(at)
  const has = (of: (image: ImageUsage) => unknown): boolean => images.some((one) => of(one) !== undefined)
  const ageOf = (time: string): string => formatAge(now - Date.parse(time))
  const columns: readonly ImageColumn[] = [
    { title: 'IMAGE', flexible: true, keep: 20, cell: (image) => nameOf(image, page) },
    { title: 'UNIQUE', align: 'right', cell: ({ bytes }) => bytesCell(bytes.unique) },
    { title: 'SHARED', align: 'right', cell: ({ bytes }) => bytesCell(bytes.shared) },
    { title: 'CROSS-REPO', align: 'right', cell: ({ bytes }) => bytesCell(bytes.crossRepository) },
    { title: 'SIZE', align: 'right', cell: ({ size }) => formatBytes(size) },
    ...(has(({ pushedAt }) => pushedAt)
      ? [
          {
            title: 'PUSHED',
            align: 'right' as const,
            cell: ({ pushedAt }: ImageUsage) => (pushedAt === undefined ? unknownCell : ageOf(pushedAt)),
          },
        ]
      : []),
    ...(has(({ lastPulledAt }) => lastPulledAt)
      ? [
          {
            title: 'PULLED',
            align: 'right' as const,
            cell: ({ lastPulledAt: pulled = 'unknown' }: ImageUsage) => {
              if (pulled === 'unknown') return unknownCell
              return pulled === 'never' ? pulled : ageOf(pulled)
            },
          },
        ]
      : []),
    ...(policy === undefined ? [] : [verdictColumn]),
    ...(has(({ why }) => why) ? [whyColumn] : []),
  ]
  return renderTable(
    columns,
    images.map((image) => columns.map(({ cell }) => cell(image))),
    page,
  )
}

const verdictColumn: ImageColumn = {
  title: 'VERDICT',
  cell: ({ verdict }) =>
    verdict === undefined ? nothingCell : { text: verdict, tone: verdictTones[verdict] },
}

const whyColumn: ImageColumn = {
  title: 'WHY',
  flexible: true,
  keep: 24,
  cell: ({ why }) => (why === undefined ? nothingCell : escapeText(why.text)),
}

/** The first tag, and the number of the others. */
function nameOf({ image, tags, digest }: ImageUsage, page: Page): string {
  const [tag, ...more] = tags
  const others = more.length === 0 ? '' : ` (+${more.length})`
  const at = tag === undefined ? `@${formatDigestOn(page, digest)}` : `:${escapeText(tag)}`
  return `${escapeText(image)}${at}${others}`
}
