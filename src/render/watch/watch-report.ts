import type { EventReport, RunReport, WatchReport } from '../../usecases/watch/watch-report.ts'
import { renderErrorBelow } from '../error.ts'
import { escapeText } from '../text/escape.ts'
import { formatDuration, formatFirst, formatShortTime } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'

/** Tags of one run that a line names. */
const maxTags = 5

/** Formats an event or a run on one line, with its errors below it. */
export function renderWatchReport(report: WatchReport, { style }: Page): string {
  return report.kind === 'event' ? eventLine(report, style) : runLines(report, style)
}

function eventLine({ at, source, result, repository, tag, rules }: EventReport, style: Style): string {
  const image = `${escapeText(repository)}:${escapeText(tag)}`
  const then = rules.length === 0 ? '' : ` (${rules.map(escapeText).join(', ')})`
  return `${timeOf(at, style)} event ${escapeText(source)} ${style.dim(result)} ${image}${then}`
}

function runLines(report: RunReport, style: Style): string {
  const { at, rule, subject, tags, result, attempt, durationMs, errors, warnings } = report
  const named = tags.length === 0 ? '' : ` ${formatFirst(tags.map(escapeText), maxTags)}`
  const again = attempt > 1 ? `, attempt ${attempt}` : ''
  const head = `${timeOf(at, style)} run ${escapeText(rule)} ${resultOf(report, style)} ${escapeText(subject)}${named}`
  return [
    `${head} (${formatDuration(durationMs)}${again})`,
    ...warnings.map((text) => `  ${style.yellow('warning:')} ${escapeText(text)}`),
    ...(result === 'absent' ? ['  The registry does not have the tag.'] : []),
    ...errors.map((error) => renderErrorBelow(error, style, '  ')),
  ].join('\n')
}

function resultOf({ result }: RunReport, style: Style): string {
  if (result === 'changed' || result === 'planned') return style.green(result)
  return result === 'unchanged' || result === 'absent' ? style.dim(result) : style.red(result)
}

function timeOf(at: string, style: Style): string {
  return style.dim(formatShortTime(at))
}
