import type { Timeline } from '../../../usecases/report/timeline/timeline.ts'
import { formatBytes, formatCount, formatFirst } from '../../text/format.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { code, minuteOf, renderNote } from '../parts/texts.ts'

const verifyFix = markup`<p><b>Fix:</b> Find the problem: ${code('dray audit verify')}</p>`

/** Notes about a log that is absent, empty, damaged, or does not cover the period. */
export function renderLogNotes({ since, log, events }: Timeline): readonly Markup[] {
  const { isAbsent, path, records, span, problem, head, torn, mergedFrom } = log
  const notes: Markup[] = []
  if (problem !== undefined) {
    const text = markup`<p>
        <b>Why:</b> line ${problem.line} of ${path}: ${problem.why}. No change after line ${problem.line - 1}
        is shown.
      </p>
      ${verifyFix}`
    notes.push(renderNote('bad', 'The audit log is damaged', text))
  }
  if (isAbsent) {
    const text = markup`<p>
      ${path} does not exist. dray creates it with the first change. If the changes are in another log, pass
      it with ${code('--audit-file')}.
    </p>`
    notes.push(renderNote('notice', 'There is no audit log', text))
  } else if (records === 0 && problem === undefined) {
    notes.push(renderNote('notice', 'The audit log is empty', markup`<p>${path} has no record.</p>`))
  }
  if (span !== undefined && span.first > since) {
    const text = markup`<p>
      The first record is of ${minuteOf(span.first)}. Earlier changes may be in a log that was rotated or on
      another machine. Merge logs with ${code('dray audit merge')}.
    </p>`
    notes.push(renderNote('none', 'The audit log begins within the period', text))
  } else if (records > 0 && problem === undefined && events.length === 0) {
    notes.push(renderNote('none', 'The audit log has no promotion, rollback or tag in this period'))
  }
  if (mergedFrom.length > 0) {
    const text = markup`<p>
      The lines are in the order of the clocks of several machines: ${formatFirst(mergedFrom, 10)}.
    </p>`
    notes.push(renderNote('none', `The log was merged from ${formatCount(mergedFrom.length, 'log')}`, text))
  }
  if (!isAbsent && (head === 'missing' || head === 'damaged')) {
    const text = markup`<p>
        The file ${code(`${path}.head`)} is ${head}. Without it, dray does not notice if the end of the log
        was cut.
      </p>
      ${verifyFix}`
    notes.push(renderNote('notice', 'The end of the audit log is not confirmed', text))
  }
  if (torn > 0) {
    const text = markup`<p>
      The last ${formatBytes(torn)} are an incomplete record: a run was writing, or it crashed.
    </p>`
    notes.push(renderNote('notice', 'The last record is incomplete', text))
  }
  return notes
}

/** The identity of the log: with the hash of its last record, a copy of the log can be verified. */
export function renderLogFacts({ log }: Timeline): Content {
  const { isAbsent, path, records, hash, span, problem } = log
  if (isAbsent) return ''
  const state = problem === undefined ? 'the chain is intact' : `the chain is intact up to line ${records}`
  return markup`<dl class="facts small">
    <dt>Audit log</dt>
    <dd>${path}</dd>
    <dt>Verified</dt>
    <dd>${formatCount(records, 'record')}: ${state}</dd>
    ${
      span !== undefined &&
      markup`<dt>Records</dt>
        <dd>${minuteOf(span.first)} to ${minuteOf(span.last)} UTC</dd>`
    }${
      hash !== null &&
      markup`<dt>Hash of the last record</dt>
        <dd>${code(hash)}</dd>`
    }
  </dl>`
}
