import type { ComparedCheckpoint, Verification } from '../../audit/verify/verification.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCount, formatShortTime } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'

/** Formats the verification of a log, verdict first, or its first bad line. */
export function renderVerification(verification: Verification, { style }: Page): string {
  const { results, report } = verification
  return [
    verdict(verification, style),
    // Nothing after a bad line was verified.
    ...(report.problem === undefined ? notes(verification, style) : []),
    ...results.map((found) => resultText(found, style)),
  ].join('\n')
}

function verdict(verification: Verification, style: Style): string {
  const { results, log, report } = verification
  const { end, head, problem, span } = report
  const name = escapeText(log)
  if (problem !== undefined) {
    const good = problem.line - 1
    const before = good === 0 ? '' : ` The ${formatCount(good, 'line')} before hold.`
    return `${style.red(`Line ${problem.line} of ${name} is bad`)}: ${escapeText(problem.why)}.${before}`
  }
  const isKept = results.every(({ state }) => state === 'kept')
  const verdictText = isKept ? style.green('is whole') : style.red('is not what was signed')
  if (span === undefined) return `${name} ${verdictText}: it has no records.`
  const from = `from ${formatShortTime(span.first)} to ${formatShortTime(span.last)} UTC`
  const agrees = head === 'agrees' ? ', and the head agrees' : ''
  return `${name} ${verdictText}: ${formatCount(end.seq, 'record')}, ${from}; each follows the one before${agrees}.`
}

function notes({ report }: Verification, style: Style): readonly string[] {
  const { head, open, torn } = report
  return [
    ...(head === 'missing' || head === 'damaged'
      ? [style.yellow(`The head is ${head}: if the end was cut off, it does not show.`)]
      : []),
    ...(head === 'behind' ? ['The head is behind the log, as after a crash.'] : []),
    ...(torn > 0
      ? [`At the end are ${formatBytes(torn)} of a line that a crash left or that is being written.`]
      : []),
    ...(open.lost.length > 0
      ? [
          style.yellow(
            `${formatCount(open.lost.length, 'intent')} of runs that died ${isAre(open.lost.length)} open: the next change with this log finds out what became of them.`,
          ),
        ]
      : []),
    ...(open.alive.length > 0
      ? [`${formatCount(open.alive.length, 'intent')} of runs at work ${isAre(open.alive.length)} open.`]
      : []),
  ]
}

function resultText(found: ComparedCheckpoint, style: Style): string {
  const { checkpoint, lines, place, state } = found
  const name = `The checkpoint of ${formatCount(checkpoint.size, 'record')} of ${escapeText(checkpoint.origin)} (${escapeText(place)})`
  switch (state) {
    case 'kept': {
      const since = lines - checkpoint.size
      return `${name} ${style.green('holds')}${since === 0 ? '.' : `; ${formatCount(since, 'record')} came since.`}`
    }
    case 'cut':
      return `${name} ${style.red('does not hold')}: the log was cut, ${formatCount(found.missing, 'record')} that it covers ${isAre(found.missing)} gone.${broken(found)}`
    case 'changed': {
      const where = found.keptUpTo === 0 ? '' : ` behind record ${found.keptUpTo}`
      return `${name} ${style.red('does not hold')}: a record that it covers was changed${where}.${broken(found)}`
    }
  }
}

function broken({ brokenAt }: { readonly brokenAt?: number }): string {
  return brokenAt === undefined ? '' : ` The chain breaks at line ${brokenAt}.`
}

function isAre(count: number): string {
  return count === 1 ? 'is' : 'are'
}
