import { describe, expect, it } from 'vitest'
import { startOfChain } from '../../../src/audit/log/chain.ts'
import type { Verification } from '../../../src/audit/verify/verification.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { renderVerification } from '../../../src/render/views/verification.ts'
import { record } from '../../support/audit-log.ts'

const page = { style: plainStyle, width: undefined }
const report: Verification['report'] = {
  end: { ...startOfChain, seq: 3, size: 300 },
  head: 'agrees',
  span: { first: '2026-11-23T00:00:00.000Z', last: '2026-11-23T01:02:03.000Z' },
  torn: 0,
  counts: { intent: 1, outcome: 1, refused: 1, recovered: 0 },
  open: { alive: [], lost: [] },
}
const checkpoint = { origin: 'ci/audit', size: 2, root: Buffer.alloc(32) }

function rendered(over: Partial<Verification['report']>, results: Verification['results'] = []): string {
  return renderVerification({ log: 'audit.jsonl', report: { ...report, ...over }, results }, page)
}

describe('the verification of a log', () => {
  it('is one line for an intact log', () => {
    expect(rendered({})).toBe(
      'audit.jsonl is whole: 3 records, from 2026-11-23 00:00:00 to 2026-11-23 01:02:03 UTC; each follows the one before, and the head agrees.',
    )
  })

  it('names the first bad line and the reason, and nothing after it', () => {
    const lost = [{ seq: 1, offset: 0, record: record() }]
    const problem = { kind: 'invalid', line: 4, offset: 300, why: 'it is not a record' } as const
    expect(rendered({ problem, open: { alive: [], lost } })).toBe(
      'Line 4 of audit.jsonl is bad: it is not a record. The 3 lines before hold.',
    )
  })

  it.each([
    [
      { kind: 'removed', line: 2, why: 'the log was cut' },
      'Line 2 of audit.jsonl is missing: the log was cut. The 1 line before holds.',
    ],
    [
      { kind: 'stray', line: 4, why: 'the run a wrote it', hint: 'The next change keeps it.' },
      'Line 4 of audit.jsonl is a stray line: the run a wrote it. The 3 lines before hold.\nThe next change keeps it.',
    ],
  ] as const)('names what kind of problem it is: %o', (problem, text) => {
    expect(rendered({ problem: { offset: 300, ...problem } })).toBe(text)
  })

  it('does not call an empty log whole', () => {
    const empty = { end: startOfChain, span: undefined, head: 'missing' } as const
    expect(rendered(empty)).toBe(
      'audit.jsonl is empty: it has no records. The file is created before the first record, and that was not written, for example because the disk was full; or records and head were removed.',
    )
    expect(rendered({ ...empty, torn: 12 })).toContain('The first record was not written completely; or')
  })

  it.each([
    [{ head: 'missing' }, 'The head is missing: if the end was cut off, it does not show.'],
    [{ head: 'behind' }, 'The head is behind the log'],
    [
      { counts: { intent: 1, outcome: 1, refused: 0, recovered: 1 } },
      '1 recovered record keeps what a crash or a suspended run left at an earlier end of the log.',
    ],
    [
      {
        backward: {
          count: 2,
          first: { line: 7, time: '2026-11-23T00:00:00.000Z', before: '2026-11-23T01:00:00.000Z' },
        },
      },
      '2 records have an earlier time than the record before, the first at line 7 (2026-11-23 00:00:00 after 2026-11-23 01:00:00 UTC): a clock was set back',
    ],
    [{ torn: 12 }, 'At the end are 12 B of a line that a crash left'],
    [
      { open: { alive: [], lost: [{ seq: 1, offset: 0, record: record() }] } },
      '1 intent of runs that died is open',
    ],
    [
      { open: { alive: [{ seq: 1, offset: 0, record: record() }], lost: [] } },
      '1 intent of runs at work is open',
    ],
  ] as const)('has a note for %o', (over, note) => {
    expect(rendered(over)).toContain(note)
  })

  it.each([
    [
      { state: 'kept', lines: 3 },
      'is whole',
      'The checkpoint of 2 records of ci/audit (c.txt) holds; 1 record came since.',
    ],
    [
      { state: 'cut', lines: 1, missing: 1 },
      'is not what was signed',
      'the log was cut, 1 record that it covers is gone.',
    ],
    [
      { state: 'changed', lines: 3, keptUpTo: 1, brokenAt: 2 },
      'is not what was signed',
      'a record that it covers was changed behind record 1. The chain breaks at line 2.',
    ],
  ] as const)('shows a checkpoint: %o', (finding, verdict, note) => {
    const text = rendered({}, [{ checkpoint, place: 'c.txt', ...finding }])
    expect(text.split('\n')[0]).toContain(`audit.jsonl ${verdict}:`)
    expect(text).toContain(note)
  })
})
