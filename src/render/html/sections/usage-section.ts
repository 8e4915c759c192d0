import type { UsageReport } from '../../../usecases/usage/usage-report.ts'
import { formatBytes, formatCost, formatCount, formatFirst } from '../../text/format.ts'
import { markup, type Markup } from '../markup.ts'
import { renderNumbers } from '../parts/numbers.ts'
import { renderErrorNote, renderNote, renderSource } from '../parts/texts.ts'
import type { RenderedSection, RowLimits } from './section.ts'
import { renderGrowthOverTime } from './usage-history.ts'
import { formatChange, formatGrowth } from './usage-numbers.ts'
import { renderPolicyEffect } from './usage-policy.ts'
import { renderPulls } from './usage-pulls.ts'
import { renderUsageRepositories } from './usage-repositories.ts'

/** Renders the stored bytes, their growth, the last pulls and the effect of a policy. */
export function renderUsageSection(usage: UsageReport, limits: RowLimits): RenderedSection {
  const { totals, unreachable, repositories, notes } = usage
  const { bytes, growth } = totals
  const change =
    growth === 'unknown' ? '' : `, ${formatChange(growth.bytes)} in ${formatCount(growth.days, 'day')}`
  return {
    tone: unreachable.length > 0 ? 'bad' : 'good',
    headline:
      repositories.length > 0
        ? `${formatBytes(bytes.stored)} stored${change}`
        : unreachable.length > 0
          ? 'No repository read'
          : 'No repositories',
    detail: [
      formatCount(totals.repositories, 'repository', 'repositories'),
      formatCount(totals.images, 'image'),
      ...(unreachable.length > 0 ? [`${unreachable.length} not read`] : []),
    ].join(', '),
    body: markup`<p class="lead">
        Distinct content of the repositories: a layer that several images share counts once.
      </p>
      ${renderUnread(unreachable)}${notes.map((text) => renderNote('none', text))}
      ${repositories.length > 0 && renderContent(usage, limits)} ${renderSource(commandOf(usage))}`,
  }
}

/** The repositories of a note that are named. */
const maxNames = 10

/** One note for each error, with the repositories that it affects. */
function renderUnread(unreachable: UsageReport['unreachable']): readonly Markup[] {
  const same = Map.groupBy(unreachable, ({ repository, error }) =>
    JSON.stringify([repository.registry, error.code, error.why]),
  )
  return [...same.values()].flatMap((those) => {
    const [first] = those
    if (first === undefined) return []
    const names = formatFirst(
      those.map(({ image }) => image),
      maxNames,
    )
    const { subject: _subject, ...error } = first.error
    return [renderErrorNote(error, 'bad', `${names} not read`)]
  })
}

function renderContent(usage: UsageReport, limits: RowLimits): Markup {
  const sorted = usage.repositories.toSorted((a, b) => b.bytes.stored - a.bytes.stored)
  return markup`${renderTotals(usage)} ${renderUsageRepositories(sorted, usage, limits)}
  ${renderGrowthOverTime(usage)} ${renderPulls(usage)} ${renderPolicyEffect(sorted, usage, limits)}`
}

function renderTotals({ totals }: UsageReport): Markup {
  const { bytes, sumOfImages, growth, wouldFree, notPulled, cost } = totals
  const rows: readonly (readonly [string, string] | undefined)[] = [
    ['Stored', formatBytes(bytes.stored)],
    ['Sum of images', formatBytes(sumOfImages)],
    [growth === 'unknown' ? 'Growth' : `Growth in ${formatCount(growth.days, 'day')}`, formatGrowth(growth)],
    notPulled === undefined || notPulled === 'unknown'
      ? undefined
      : ['Not pulled', formatBytes(notPulled.bytes)],
    wouldFree === undefined ? undefined : ['Policy would free', formatBytes(wouldFree.bytes)],
    cost === undefined ? undefined : ['Cost per month', formatCost(cost)],
  ]
  return renderNumbers(
    rows.flatMap((row): readonly (readonly [string, string])[] => (row === undefined ? [] : [row])),
  )
}

function commandOf({ sinceDays, policy, notPulledFor }: UsageReport): string {
  const age = notPulledFor === undefined ? '' : ` --not-pulled ${Math.round(notPulledFor / 86_400_000)}d`
  const what = policy?.name === undefined ? '' : ` --policy ${policy.name}`
  return `dray usage --since ${sinceDays}d${age}${what}`
}
