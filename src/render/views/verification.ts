import type { LogProblem } from '../../audit/log/record-problems.ts'
import type { ComparedCheckpoint, Verification } from '../../audit/verify/verification.ts'
import type { LogReport } from '../../audit/verify/verify-log.ts'
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
  if (problem !== undefined) return problemText(problem, name, style)
  const isKept = results.every(({ state }) => state === 'kept')
  // Without the head, an end that was removed is not detected.
  const good = hasNoHead(report) ? style.yellow('is consistent') : style.green('is intact')
  const verdictText = isKept ? good : style.red('does not match a checkpoint')
  if (span === undefined) return emptyText(verification, style)
  const from = `from ${formatShortTime(span.first)} to ${formatShortTime(span.last)} UTC`
  const agrees = head === 'agrees' ? ', and the head matches' : ''
  return `${name} ${verdictText}: ${formatCount(end.seq, 'record')}, ${from}. The chain is unbroken${agrees}.`
}

function problemText({ kind, line, why, hint }: LogProblem, name: string, style: Style): string {
  const good = line - 1
  const before = good === 0 ? '' : ` The ${formatCount(good, 'line')} before it ${isAre(good)} valid.`
  const states: Partial<Record<LogProblem['kind'], string>> = { removed: 'missing', stray: 'a stray line' }
  const bad = style.red(`Line ${line} of ${name} is ${states[kind] ?? 'invalid'}`)
  return `${bad}: ${escapeText(why)}.${before}${hint === undefined ? '' : `\n${hint}`}`
}

/** An empty log proves nothing. */
function emptyText({ log, report, results }: Verification, style: Style): string {
  const isKept = results.every(({ state }) => state === 'kept')
  const state = isKept ? style.yellow('is empty') : style.red('does not match a checkpoint')
  const cause =
    report.torn > 0
      ? 'The first record was not written completely'
      : 'The file was created, but the first record was not written, for example because the disk was full'
  return `${escapeText(log)} ${state}: it has no records. ${cause}. Or the records and the head were removed.`
}

function notes({ report }: Verification, style: Style): readonly string[] {
  const { head, span, torn } = report
  // The text for an empty log says it.
  const isUnknownEnd = span !== undefined && hasNoHead(report)
  return [
    ...(isUnknownEnd
      ? [style.yellow(`The head is ${head}. Without it, a removed end of the log is not detected.`)]
      : []),
    ...(head === 'behind' ? ['The head is behind the log. This is normal after a crash.'] : []),
    ...(torn > 0
      ? [`The last ${formatBytes(torn)} are an incomplete line, after a crash or from an active run.`]
      : []),
    ...recordNotes(report, style),
    ...intentNotes(report, style),
  ]
}

function hasNoHead({ head }: LogReport): boolean {
  return head === 'missing' || head === 'damaged'
}

function recordNotes({ backward, counts }: LogReport, style: Style): readonly string[] {
  const kept = counts.recovered
  const notesOfRecords: string[] = []
  if (kept > 0) {
    const keep = kept === 1 ? 'keeps' : 'keep'
    notesOfRecords.push(
      `${formatCount(kept, 'recovered record')} ${keep} lines that a crash or a suspended run wrote at an earlier end of the log.`,
    )
  }
  if (backward !== undefined) {
    const { count, first } = backward
    const has = count === 1 ? 'has' : 'have'
    const times = `${formatShortTime(first.time)} after ${formatShortTime(first.before)} UTC`
    notesOfRecords.push(
      style.yellow(
        `${formatCount(count, 'record')} ${has} an earlier time than the record before, first at line ${first.line} (${times}). A clock was set back, or a run was suspended before it wrote.`,
      ),
    )
  }
  return notesOfRecords
}

function intentNotes({ open }: LogReport, style: Style): readonly string[] {
  const { alive, lost } = open
  return [
    ...(lost.length > 0
      ? [
          style.yellow(
            `${formatCount(lost.length, 'intent')} of ended runs ${isAre(lost.length)} open. The next change with this log resolves them.`,
          ),
        ]
      : []),
    ...(alive.length > 0
      ? [`${formatCount(alive.length, 'intent')} of active runs ${isAre(alive.length)} open.`]
      : []),
  ]
}

function resultText(found: ComparedCheckpoint, style: Style): string {
  const { checkpoint, lines, source, state } = found
  const name = `The checkpoint of ${formatCount(checkpoint.size, 'record')} of ${escapeText(checkpoint.origin)} (${escapeText(source)})`
  switch (state) {
    case 'kept': {
      const since = lines - checkpoint.size
      return `${name} ${style.green('is valid')}${since === 0 ? '.' : `; ${formatCount(since, 'record')} ${since === 1 ? 'was' : 'were'} added since.`}`
    }
    case 'cut':
      return `${name} ${style.red('is not valid')}: the log was cut. ${formatCount(found.missing, 'record')} that it covers ${isAre(found.missing)} missing.${broken(found)}`
    case 'changed': {
      const where = found.keptUpTo === 0 ? '' : ` after record ${found.keptUpTo}`
      return `${name} ${style.red('is not valid')}: a record that it covers was changed${where}.${broken(found)}`
    }
  }
}

function broken({ brokenAt }: { readonly brokenAt?: number }): string {
  return brokenAt === undefined ? '' : ` The chain breaks at line ${brokenAt}.`
}

function isAre(count: number): string {
  return count === 1 ? 'is' : 'are'
}
