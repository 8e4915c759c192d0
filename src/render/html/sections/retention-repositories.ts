import { formatRepository } from '../../../oci/reference.ts'
import type { RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import type { PolicyPlan } from '../../../usecases/report/report.ts'
import { countSteps, Refused } from '../../prune/prune-totals.ts'
import { formatBytes, formatCount } from '../../text/format.ts'
import { renderView } from '../charts/chart.ts'
import { type Bar, renderBarChart } from '../charts/bar-chart.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { renderDataTable } from '../parts/data-table.ts'
import { toneWords } from '../parts/icons.ts'
import { renderReasonList } from './retention-reasons.ts'
import type { RowLimits } from './section.ts'

/** The numbers of one repository. */
interface RepositoryNumbers {
  readonly plan: RepositoryPlan
  readonly isRefused: boolean
  readonly deleted: number
  readonly untagged: number
  readonly stored: number
  /** 0 if it is refused */
  readonly freed: number
}

/** Renders the repositories as a table and as bars, those that free the most bytes first. */
export function renderRepositories(policy: PolicyPlan, id: string, limits: RowLimits): Content {
  const refused = new Refused(policy.plan)
  const all = numbersOf(policy, refused)
  if (all.length === 0) return ''
  const shown = all.slice(0, limits.rows)
  const hidden = all.slice(limits.rows)
  const table = renderDataTable({
    caption: 'Repositories, the largest deletes first',
    columns: [
      { title: 'Repository' },
      { title: 'Verdict' },
      { title: 'Images', isNumber: true },
      { title: 'Keep', isNumber: true },
      { title: 'Delete', isNumber: true },
      { title: 'Untag', isNumber: true },
      { title: 'Kept', isNumber: true },
      { title: 'Freed', isNumber: true },
    ],
    rows: shown.map((one) => [
      markup`${one.plan.image}
        <details>
          <summary class="only small">rules and protections</summary>
          ${renderReasonList(one.plan, refused)}
        </details>`,
      verdictOf(one),
      ...countCells([one]),
    ]),
    ...(hidden.length > 0 && {
      others: [
        formatCount(hidden.length, 'other repository', 'other repositories'),
        '',
        ...countCells(hidden),
      ],
    }),
    ...(all.length > 1 && { total: ['All repositories', '', ...countCells(all)] }),
  })
  return renderView(table, renderBars(all, id, limits.bars))
}

function numbersOf({ plan, sizes }: PolicyPlan, refused: Refused): readonly RepositoryNumbers[] {
  const bySize = new Map(sizes.map((one) => [formatRepository(one.repository), one]))
  const all = plan.repositories.map((one): RepositoryNumbers => {
    const isRefused = refused.has(one.repository)
    return {
      plan: one,
      isRefused,
      deleted: isRefused ? 0 : deletedOf(one),
      untagged: countSteps(one, 'deleteTag'),
      stored: bySize.get(formatRepository(one.repository))?.stored ?? 0,
      freed: isRefused ? 0 : one.freed,
    }
  })
  return all.toSorted(
    (a, b) => Number(b.isRefused) - Number(a.isRefused) || b.freed - a.freed || b.stored - a.stored,
  )
}

/** Images, and superseded and untagged digests, which have no tag. */
function deletedOf({ count: { deleted, superseded = 0, untaggedManifests = 0 } }: RepositoryPlan): number {
  return deleted + superseded + untaggedManifests
}

function verdictOf({ isRefused, plan, deleted, untagged }: RepositoryNumbers): Markup {
  if (isRefused) return toneWords('notice', 'refused')
  const isIdle = deleted + untagged + plan.steps.length === 0
  return isIdle ? toneWords('good', 'keeps all') : toneWords('bad', 'deletes')
}

function countCells(all: readonly RepositoryNumbers[]): readonly Content[] {
  const sum = (of: (one: RepositoryNumbers) => number): number =>
    all.reduce((total, one) => total + of(one), 0)
  const images = sum(({ plan }) => plan.count.images)
  return [
    images,
    images - sum(({ plan, isRefused }) => (isRefused ? 0 : plan.count.deleted)),
    sum(({ deleted }) => deleted),
    sum(({ untagged }) => untagged),
    formatBytes(sum(({ stored, freed }) => Math.max(0, stored - freed))),
    formatBytes(sum(({ freed }) => freed)),
  ]
}

function renderBars(all: readonly RepositoryNumbers[], id: string, most: number): Markup {
  const shown = all.length > most ? all.slice(0, most - 1) : all
  const rest = all.slice(shown.length)
  const bars = [
    ...shown.map((one) => barOf(one.plan.image, [one])),
    ...(rest.length === 0 ? [] : [barOf(`${rest.length} others`, rest)]),
  ]
  const text = {
    id,
    title: 'Kept and freed bytes by repository',
    description: `One bar for each repository with the kept bytes, then the bytes that the policy frees. The table before has the numbers.`,
  }
  const series = [
    { name: 'kept', className: 's1' },
    { name: 'freed', className: 'free' },
  ]
  return renderBarChart(text, bars, series)
}

function barOf(label: string, all: readonly RepositoryNumbers[]): Bar {
  const freed = all.reduce((sum, one) => sum + one.freed, 0)
  const kept = all.reduce((sum, one) => sum + Math.max(0, one.stored - one.freed), 0)
  const text = freed === 0 ? formatBytes(kept) : `${formatBytes(freed)} of ${formatBytes(kept + freed)}`
  return {
    label,
    text,
    tracks: [
      [
        { series: 0, value: kept },
        { series: 1, value: freed },
      ],
    ],
  }
}
