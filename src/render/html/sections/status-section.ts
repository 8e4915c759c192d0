import type { SyncState } from '../../../usecases/views/status/compare-sides.ts'
import type { StatusCell, StatusView } from '../../../usecases/views/status/status.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { formatAge, formatCount } from '../../text/format.ts'
import { listBases, listReasons, targetName } from '../../views/status.ts'
import { listUnreachable, type Unreachable } from '../../views/unreachable.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { renderDataTable } from '../parts/data-table.ts'
import { type ReportTone, toneWords } from '../parts/icons.ts'
import { code, minuteOf, renderErrorNote, renderNote, renderSource, shortDigest } from '../parts/texts.ts'
import type { RenderedSection, RowLimits } from './section.ts'

type ImageState = 'unreachable' | SyncState | 'not-compared' | 'not-deployed'
type StatusImage = StatusView['images'][number]

/** From the gravest to the least grave. */
const states: readonly ImageState[] = [
  'unreachable',
  'drifted',
  'behind',
  'unknown',
  'not-deployed',
  'not-compared',
  'in-sync',
]
const stateWords: Readonly<Record<ImageState, string>> = {
  unreachable: 'unreachable',
  drifted: 'drifted',
  behind: 'behind',
  unknown: 'unknown',
  'not-deployed': 'not deployed',
  'not-compared': 'not compared',
  'in-sync': 'in sync',
}
const tones: Readonly<Record<ImageState, ReportTone>> = {
  unreachable: 'bad',
  drifted: 'bad',
  behind: 'notice',
  unknown: 'notice',
  'not-deployed': 'none',
  'not-compared': 'none',
  'in-sync': 'good',
}

/** Renders images against environments, those with differences first. */
export function renderStatusSection(
  view: StatusView,
  now: number,
  { rows: most }: RowLimits,
): RenderedSection {
  const { environments, images } = view
  const ranked = images.map((row) => ({ row, state: stateOf(row) }))
  const counts = Map.groupBy(ranked, ({ state }) => state)
  const count = (state: ImageState): number => counts.get(state)?.length ?? 0
  const sorted = states.flatMap((state) => counts.get(state) ?? []).map(({ row }) => row)
  const gravest = states.find((state) => count(state) > 0) ?? 'in-sync'
  const scale = `${formatCount(images.length, 'image')}, ${formatCount(environments.length, 'environment')}`
  return {
    tone: images.length === 0 ? 'none' : tones[gravest],
    headline: headlineOf(count, images.length),
    detail: `${scale}, ${count('in-sync')} in sync`,
    body: markup`<p class="lead">
        The version of each image in each environment, compared with the environments that promote to it.
      </p>
      ${renderProblems(listUnreachable(view))}${renderReasons(view)}
      ${images.length > 0 && renderMatrix(sorted, now, most)}
      ${renderBasis(view)}${images.length > 0 && renderReferences(sorted, most)}
      ${renderSource('dray status --ages')}`,
  }
}

function headlineOf(count: (state: ImageState) => number, all: number): string {
  if (all === 0) return 'No images'
  if (count('in-sync') === all) return all === 1 ? 'The image is in sync' : `All ${all} images are in sync`
  const parts = (['unreachable', 'drifted', 'behind', 'unknown'] as const).filter((one) => count(one) > 0)
  if (parts.length === 0) {
    const alone = count('not-compared')
    return alone > 0
      ? `${formatCount(alone, 'image')} not compared`
      : `${formatCount(all, 'image')} not deployed`
  }
  return parts
    .map((state, i) =>
      i === 0 ? `${formatCount(count(state), 'image')} ${state}` : `${count(state)} ${state}`,
    )
    .join(', ')
}

/** The gravest state of an image. */
function stateOf({ cells, steps }: StatusImage): ImageState {
  if (cells.some(({ state }) => state === 'unreachable')) return 'unreachable'
  if (cells.every(({ state }) => state === 'not-deployed')) return 'not-deployed'
  const found = new Set(steps.map(({ state }) => state))
  return states.find((state) => found.has(state as SyncState)) ?? 'not-compared'
}

function renderMatrix(rows: readonly StatusImage[], now: number, most: number): Markup {
  const targets = rows[0]?.cells ?? []
  const hidden = rows.slice(most)
  return renderDataTable({
    caption: 'Versions by environment',
    columns: [{ title: 'Image' }, ...targets.map((cell) => ({ title: targetName(cell, targets) }))],
    rows: rows
      .slice(0, most)
      .map(({ image, cells }) => [image, ...cells.map((cell) => renderCell(cell, now))]),
    ...(hidden.length > 0 && { others: renderOthers(hidden, targets.length) }),
  })
}

function renderOthers(hidden: readonly StatusImage[], targets: number): readonly Content[] {
  const byState = Map.groupBy(hidden, stateOf)
  const texts = states.flatMap((state) => {
    const those = byState.get(state)
    return those === undefined ? [] : [`${those.length} ${stateWords[state]}`]
  })
  return [
    `${hidden.length} other images`,
    texts.join(', '),
    ...Array.from({ length: Math.max(0, targets - 1) }, () => ''),
  ]
}

function renderCell(cell: StatusCell, now: number): Markup {
  const state = compareState(cell)
  const words = state === undefined ? '' : toneWords(tones[state], describeStep(cell, state))
  switch (cell.state) {
    case 'unreachable':
      return markup`<div>${toneWords('bad', 'unreachable')}</div>`
    case 'not-deployed':
      return markup`<div><span class="muted">not deployed</span>${state === 'behind' && markup` ${words}`}</div>`
    case 'no-current-tag':
      return markup`<div>
        ${cell.highest ?? 'unknown'} ${words}<br /><span class="muted">no ${cell.currentTag}</span
        >${renderFacts(cell, now)}
      </div>`
    case 'present':
      return markup`<div>
        <span class="ver">${cell.version ?? 'unknown version'}</span> ${words}${renderFacts(cell, now)}
      </div>`
  }
}

/** Digest and age. */
function renderFacts({ digest, created }: StatusCell, now: number): Content {
  if (digest === null) return markup`<br />`
  const age = created === null ? '' : ` · ${formatAge(now - Date.parse(created))}`
  return markup`<small>${shortDigest(digest)}${age}</small>`
}

function compareState({ against }: StatusCell): SyncState | undefined {
  return (['drifted', 'behind', 'unknown', 'in-sync'] as const).find((state) =>
    against.some((one) => one.state === state),
  )
}

/** With several environments before this one, the state has the names of those that differ. */
function describeStep({ against }: StatusCell, state: SyncState): string {
  const those = against.filter((one) => one.state === state).map(({ from }) => from)
  const isOne = against.length === 1 || state === 'in-sync'
  return isOne ? stateWords[state] : `${stateWords[state]} (${those.join(', ')})`
}

function renderProblems(all: readonly Unreachable[]): readonly Markup[] {
  const reasons = Map.groupBy(all, ({ repository: { registry }, error }) =>
    JSON.stringify([registry, error.code, error.message, error.why]),
  )
  return [...reasons.values()].flatMap((those) => {
    const [first] = those
    if (first === undefined) return []
    const { subject: _subject, ...error } = first.error
    const size = new Set(those.map(({ repository }) => formatRepository(repository))).size
    const count = formatCount(size, 'repository', 'repositories')
    return [renderErrorNote(error, 'bad', `${first.repository.registry}: ${count} unreachable`)]
  })
}

function renderReasons(view: StatusView): readonly Markup[] {
  return listReasons(view).map((text) => renderNote('notice', text))
}

function renderBasis({ images }: StatusView): Content {
  const bases = new Set(images.flatMap(({ cells }) => cells.flatMap((cell) => listBases(cell, cells))))
  return bases.size > 0 && markup`<p class="small muted">Compared by: ${[...bases].join(', ')}.</p>`
}

/** The whole digests with their references, for a person who verifies them. */
function renderReferences(rows: readonly StatusImage[], most: number): Markup {
  const all = rows.flatMap(({ image, cells }) =>
    cells.flatMap((cell) => (cell.digest === null ? [] : [{ image, cell, cells, digest: cell.digest }])),
  )
  const hidden = all.length - most
  const table = renderDataTable({
    caption: 'References and digests',
    columns: [{ title: 'Image' }, { title: 'Environment' }, { title: 'Reference' }, { title: 'Built (UTC)' }],
    rows: all.slice(0, most).map(({ image, cell, cells, digest }) => {
      const { repository, state, currentTag, highest, created } = cell
      const tag = state === 'present' ? currentTag : (highest ?? currentTag)
      return [
        image,
        targetName(cell, cells),
        markup`<div>${code(`${formatRepository(repository)}:${tag}`)}<br />${code(digest)}</div>`,
        created === null ? '' : minuteOf(created),
      ]
    }),
    ...(hidden > 0 && { others: [`${hidden} others`, '', '', ''] }),
  })
  return markup`<details>
    <summary>References and digests</summary>
    ${table}
  </details>`
}
