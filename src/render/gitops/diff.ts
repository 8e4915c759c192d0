import type {
  DeclaredImage,
  GitOpsDiff,
  GitOpsRow,
  GitOpsState,
  RunningContainer,
} from '../../usecases/gitops/diff/gitops-diff.ts'
import { joinCounts } from '../text/counts.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, formatDigestOn } from '../text/format.ts'
import { narrowPage, renderSection } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'

const tones: Readonly<Record<GitOpsState, keyof Style>> = {
  unmanaged: 'yellow',
  'declared-behind': 'red',
  'running-behind': 'red',
  unknown: 'yellow',
  'in-sync': 'green',
  unused: 'dim',
}

/** The order of a summary. */
const states: readonly GitOpsState[] = [
  'declared-behind',
  'running-behind',
  'unmanaged',
  'unknown',
  'in-sync',
  'unused',
]

/** Renders a line for each image, then each position and container that is not in sync. */
export function renderGitOpsDiff(diff: GitOpsDiff, page: Page): string {
  const sections = diff.images.flatMap((row) => {
    const details = detailsOf(row, page)
    return details === '' ? [] : [renderSection(escapeText(row.image), details, page)]
  })
  const unread = (diff.unread ?? []).map(({ file, why }) =>
    page.style.yellow(`not read: ${escapeText(file)} (${escapeText(why)})`),
  )
  return [renderOverview(diff, page), ...sections, unread.join('\n')]
    .filter((text) => text !== '')
    .join('\n\n')
}

function renderOverview(diff: GitOpsDiff, page: Page): string {
  const { environment, images, unread, clusters } = diff
  const columns = [
    { title: 'IMAGE', flexible: true },
    { title: escapeText(environment).toUpperCase(), flexible: true },
    ...(unread === null ? [] : [{ title: 'FILES', flexible: true }]),
    ...(clusters.length === 0 ? [] : [{ title: 'CLUSTERS', flexible: true }]),
    { title: 'STATE' },
  ]
  const rows = images.map((row): readonly Cell[] => [
    escapeText(row.image),
    deployedText(row, page),
    ...(unread === null
      ? []
      : [
          countText(
            row.declared.map(({ state }) => [state, 1]),
            'place',
          ),
        ]),
    ...(clusters.length === 0
      ? []
      : [
          countText(
            row.running.map(({ state, pods }) => [state, pods]),
            'pod',
          ),
        ]),
    { text: stateText(row.state), tone: tones[row.state] },
  ])
  return renderTable(columns, rows, page)
}

/** The version of each target, once. */
function deployedText({ desired }: GitOpsRow, page: Page): string {
  const texts = desired.map(({ version, digest, error }) => {
    if (error !== undefined) return 'unreachable'
    return version ?? (digest === null ? 'not deployed' : formatDigestOn(page, digest))
  })
  return texts.length === 0 ? '-' : escapeText([...new Set(texts)].join(', '))
}

/** `2 places in sync, 1 behind` */
function countText(counted: readonly (readonly [GitOpsState, number])[], noun: string): string {
  const sums = new Map<GitOpsState, number>()
  for (const [state, count] of counted) sums.set(state, (sums.get(state) ?? 0) + count)
  const parts = states.flatMap((state) => {
    const count = sums.get(state)
    return count === undefined ? [] : [{ count, word: wordOf(state) }]
  })
  return parts.length === 0
    ? '-'
    : parts
        .map(({ count, word }, i) => (i === 0 ? `${formatCount(count, noun)} ${word}` : `${count} ${word}`))
        .join(', ')
}

function wordOf(state: GitOpsState): string {
  return state === 'declared-behind' || state === 'running-behind' ? 'behind' : stateText(state)
}

function stateText(state: GitOpsState): string {
  return state === 'in-sync' ? 'in sync' : state
}

function detailsOf({ declared, running }: GitOpsRow, page: Page): string {
  const rows = [
    ...declared.filter(({ state }) => state !== 'in-sync').map((one) => declaredRow(one, page)),
    ...running.filter(({ state }) => state !== 'in-sync').map((one) => runningRow(one, page)),
  ]
  if (rows.length === 0) return ''
  const columns = [
    { title: '', flexible: true },
    { title: '', flexible: true },
    { title: '', flexible: true },
  ]
  return renderTable(columns, rows, narrowPage(page))
}

function declaredRow({ by, tag, digest, state, why }: DeclaredImage, page: Page): readonly Cell[] {
  const image = [tag ?? '', digest === null ? '' : formatDigestOn(page, digest)].filter((text) => text !== '')
  return [escapeText(by), escapeText(image.join(' ')), stateCell(state, why)]
}

function runningRow(container: RunningContainer, page: Page): readonly Cell[] {
  const { context, namespace, workload, container: name, image, digest, pods, state, why } = container
  const where = `cluster ${context}: ${namespace} ${workload.kind}/${workload.name}, container ${name}`
  const shown = digest === null ? image : formatDigestOn(page, digest)
  return [escapeText(where), escapeText(`${shown} (${formatCount(pods, 'pod')})`), stateCell(state, why)]
}

function stateCell(state: GitOpsState, why: string | undefined): Cell {
  const text = why === undefined ? stateText(state) : `${stateText(state)}: ${why}`
  return { text: escapeText(text), tone: tones[state] }
}

/** Summarises the comparison on one line. */
export function renderGitOpsSummary(
  { environment, images, clusters, summary }: GitOpsDiff,
  page: Page,
): string {
  const counts = states.flatMap((state) =>
    summary[state] === 0 ? [] : [{ text: `${summary[state]} ${stateText(state)}`, tone: tones[state] }],
  )
  const unread = clusters.filter(({ error }) => error !== undefined).length
  const parts =
    unread === 0
      ? counts
      : [...counts, { text: `${formatCount(unread, 'cluster')} not read`, tone: 'red' as const }]
  return joinCounts(`${escapeText(environment)}, ${formatCount(images.length, 'image')}:`, parts, page)
}
