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
      'audit.jsonl is intact: 3 records, from 2026-11-23 00:00:00 to 2026-11-23 01:02:03 UTC. The chain is unbroken, and the head matches.',
    )
  })

  it('names the first bad line and the reason, and nothing after it', () => {
    const lost = [{ seq: 1, offset: 0, record: record() }]
    const problem = { kind: 'invalid', line: 4, offset: 300, why: 'it is not a record' } as const
    expect(rendered({ problem, open: { alive: [], lost } })).toBe(
      'Line 4 of audit.jsonl is invalid: it is not a record. The 3 lines before it are valid.',
    )
  })

  it.each([
    [
      { kind: 'removed', line: 2, why: 'the log was cut' },
      'Line 2 of audit.jsonl is missing: the log was cut. The 1 line before it is valid.',
    ],
    [
      { kind: 'stray', line: 4, why: 'the run a wrote it', hint: 'The next change keeps it.' },
      'Line 4 of audit.jsonl is a stray line: the run a wrote it. The 3 lines before it are valid.\nThe next change keeps it.',
    ],
  ] as const)('names what kind of problem it is: %o', (problem, text) => {
    expect(rendered({ problem: { offset: 300, ...problem } })).toBe(text)
  })

  it('does not call an empty log intact', () => {
    const empty = { end: startOfChain, span: undefined, head: 'missing' } as const
    expect(rendered(empty)).toBe(
      'audit.jsonl is empty: it has no records. The file was created, but the first record was not written, for example because the disk was full. Or the records and the head were removed.',
    )
    expect(rendered({ ...empty, torn: 12 })).toContain('The first record was not written completely. Or')
  })

  it('calls a log without a head consistent, not intact', () => {
    for (const head of ['missing', 'damaged'] as const)
      expect(rendered({ head })).toContain('audit.jsonl is consistent: 3 records')
  })

  it.each([
    [{ head: 'missing' }, 'The head is missing. Without it, a removed end of the log is not detected.'],
    [{ head: 'behind' }, 'The head is behind the log'],
    [
      { counts: { intent: 1, outcome: 1, refused: 0, recovered: 1 } },
      '1 recovered record keeps lines that a crash or a suspended run wrote at an earlier end of the log.',
    ],
    [
      {
        backward: {
          count: 2,
          first: { line: 7, time: '2026-11-23T00:00:00.000Z', before: '2026-11-23T01:00:00.000Z' },
        },
      },
      '2 records have an earlier time than the record before, first at line 7 (2026-11-23 00:00:00 after 2026-11-23 01:00:00 UTC). A clock was set back',
    ],
    [{ torn: 12 }, 'The last 12 B are an incomplete line, after a crash or from an active run.'],
    [
      { open: { alive: [], lost: [{ seq: 1, offset: 0, record: record() }] } },
      '1 intent of ended runs is open',
    ],
    [
      { open: { alive: [{ seq: 1, offset: 0, record: record() }], lost: [] } },
      '1 intent of active runs is open',
    ],
  ] as const)('has a note for %o', (over, note) => {
    expect(rendered(over)).toContain(note)
  })

  it.each([
    [
      { state: 'kept', lines: 3 },
      'is intact',
      'The checkpoint of 2 records of ci/audit (c.txt) is valid; 1 record was added since.',
    ],
    [
      { state: 'cut', lines: 1, missing: 1 },
      'does not match a checkpoint',
      'the log was cut. 1 record that it covers is missing.',
    ],
    [
      { state: 'changed', lines: 3, keptUpTo: 1, brokenAt: 2 },
      'does not match a checkpoint',
      'a record that it covers was changed after record 1. The chain breaks at line 2.',
    ],
  ] as const)('shows a checkpoint: %o', (finding, verdict, note) => {
    const text = rendered({}, [{ checkpoint, source: 'c.txt', ...finding }])
    expect(text.split('\n')[0]).toContain(`audit.jsonl ${verdict}:`)
    expect(text).toContain(note)
  })
})
