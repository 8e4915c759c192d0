import type { UsageReport, UsageTotals } from '../../usecases/usage/usage-report.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCost, formatCount } from '../text/format.ts'
import { breakLines } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { renderImages } from './usage-images.ts'
import { renderLayers } from './usage-layers.ts'
import { renderRepositoryUsage } from './usage-repositories.ts'
import { growthText, formatWholeAge } from './usage-cells.ts'

/** Renders a report: the table of its grouping, and the totals. */
export function renderUsage(report: UsageReport, page: Page): string {
  return [renderTableOf(report, page), ...totalLines(report, page)].join('\n')
}

function renderTableOf(report: UsageReport, page: Page): string {
  const { by, images = [], layers = [] } = report
  if (by === 'tag') return images.length === 0 ? 'No images.' : renderImages(images, report, page)
  if (by === 'layer') return layers.length === 0 ? 'No layers.' : renderLayers(layers, page)
  const isEmpty = report.repositories.length + report.unreachable.length === 0
  return isEmpty ? 'No repositories.' : renderRepositoryUsage(report, page)
}

function totalLines({ totals, policy, pulls, notPulledFor }: UsageReport, page: Page): readonly string[] {
  if (totals.repositories === 0) return []
  const { bytes, sumOfImages, growth, cost } = totals
  const sentences = [
    `${formatBytes(bytes.stored)} stored (${formatBytes(sumOfImages)} as the sum of images).`,
    ...(growth === 'unknown'
      ? []
      : [`${growthText(growth, growth.days)} in ${formatCount(growth.days, 'day')}.`]),
    ...(pulls === undefined ? [] : [`Last pulls: ${pulls.sources.map(escapeText).join(', ')}.`]),
    ...(notPulledFor === undefined ? [] : unpulledSentences(totals, notPulledFor)),
    ...(policy === undefined ? [] : [freedSentence(totals, policy)]),
    ...(cost === undefined ? [] : [`A month of storage costs ${formatCost(cost)}.`]),
  ]
  return breakLines(sentences.join(' '), page.width)
}

function unpulledSentences({ notPulled }: UsageTotals, age: number): readonly string[] {
  if (notPulled === undefined || notPulled === 'unknown') return []
  const { images, bytes, kept, unknown } = notPulled
  const reasons = [
    ...(kept.inUse > 0 ? [`${kept.inUse} in use`] : []),
    ...(kept.protection > 0 ? [`${kept.protection} protected`] : []),
    ...(kept.hold > 0 ? [`${kept.hold} on hold`] : []),
  ]
  const idle = `${formatCount(images, 'image')} (${formatBytes(bytes)}) not pulled for ${formatWholeAge(age)}`
  return [
    `${idle}${reasons.length === 0 ? '' : `, of which ${reasons.join(', ')}`}.`,
    ...(unknown === 0 ? [] : [`The last pull of ${formatCount(unknown, 'image')} is unknown.`]),
  ]
}

function freedSentence({ wouldFree }: UsageTotals, policy: NonNullable<UsageReport['policy']>): string {
  const name = policy.name === undefined ? 'The policy' : `The policy ${escapeText(policy.name)}`
  if (policy.refused !== undefined) return `${name} is refused: ${escapeText(policy.refused.message)}.`
  const { bytes = 0, images = 0 } = wouldFree ?? {}
  return `${name} would delete ${formatCount(images, 'image')} and free ${formatBytes(bytes)}.`
}

/** The lines of the notes of a report, for stderr. */
export function renderUsageNotes(
  { notes, totals, by, images, layers }: UsageReport,
  page: Page,
): readonly string[] {
  const { rows = 0 } = totals
  const shown = images?.length ?? layers?.length ?? rows
  const more = rows - shown
  const noun = by === 'tag' ? 'image' : 'layer'
  const omitted = more > 0 ? [`${formatCount(more, `more ${noun}`)}. Pass --all to show all.`] : []
  return [...omitted, ...notes].flatMap((note) =>
    breakLines(escapeText(note), page.width).map((line) => page.style.dim(line)),
  )
}
