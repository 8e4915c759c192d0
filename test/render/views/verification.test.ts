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
    const problem = { line: 4, offset: 300, why: 'it is not a record' }
    expect(rendered({ problem, open: { alive: [], lost } })).toBe(
      'Line 4 of audit.jsonl is bad: it is not a record. The 3 lines before hold.',
    )
  })

  it.each([
    [{ head: 'missing' }, 'The head is missing: if the end was cut off, it does not show.'],
    [{ head: 'behind' }, 'The head is behind the log'],
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
