import { isUtf8 } from 'node:buffer'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advance, formatLine, isNext, parseEntry, startOfChain } from '../../../src/audit/log/chain.ts'
import { stepKey } from '../../../src/audit/log/open-intents.ts'
import type { AuditRecord, LogEntry } from '../../../src/audit/log/record.ts'
import { findRecordProblem } from '../../../src/audit/log/record-problems.ts'
import { skimRecord } from '../../../src/audit/verify/skim-record.ts'
import { outcome, record, refusal, tagStep } from '../../support/audit-log.ts'

const end = advance(startOfChain, Buffer.from('line'))
const lineOf = (one: AuditRecord): string => formatLine(one, end)

/** What a verification keeps of a record. */
function kept(entry: LogEntry): unknown {
  const { time, run, phase, id } = entry
  const resolvedBy = entry.phase === 'recovered' ? undefined : entry.resolvedBy
  return { time, run, phase, id, resolvedBy, step: stepKey(entry) }
}

const deletion = {
  ...tagStep(),
  kind: 'deleteTag' as const,
  digest: tagStep().target.digest,
} as unknown as NonNullable<AuditRecord['step']>

const usual: readonly AuditRecord[] = [
  record({ before: null, image: 'api:1.4.2', environment: { from: 'dev', to: 'prod' }, reason: 'größer' }),
  outcome({ before: null, after: tagStep().target.digest, resolvedBy: 'run2', policy: '' }),
  refusal({ ticket: 'ABC-1' }),
  record({ step: deletion, actor: { user: 'ci', host: 'h', ci: { service: 'github', run: 'https://h/1' } } }),
]
const parts: readonly string[] = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\n',
  '\\u0041',
  ' ',
  '\n',
  '\0',
  '\u00e9',
  '-',
  '0',
  '01',
  '1.5',
  '1e3',
  'null',
  'true',
  'nul',
  '""',
  '{}',
  '[]',
  '"seq":1,',
  '"id":"x",',
  '"run":"","time":"x"',
  '"phase":"recovered"',
  '"torn":""',
  '"step":null,',
  '"error":{"code":"x"},',
  '"host":"x",',
  'sha256:',
  '"__proto__":{"id":"y"},',
  '"kind":"deleteManifest",',
  '"repository":{},',
  '"resolvedBy":"",',
]

describe('a record that is read without being parsed', () => {
  it.each(usual.map((one) => [one.phase, one]))('has the fields of the parsed one: %s', (_, one) => {
    const raw = Buffer.from(lineOf(one))
    const skimmed = skimRecord(raw)
    expect(skimmed === undefined ? undefined : kept(skimmed)).toEqual(kept(one as LogEntry))
  })

  it('is a record in which nothing is wrong, whatever the bytes are (seed 3)', () => {
    let accepted = 0
    const change = fc.record({
      at: fc.nat(),
      length: fc.constantFrom(0, 0, 1, 1, 2, 8, 70),
      part: fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 3 })),
    })
    fc.assert(
      fc.property(fc.constantFrom(...usual), fc.array(change, { maxLength: 2 }), (one, changes) => {
        let line = lineOf(one)
        for (const { at, length, part } of changes) {
          const start = at % (line.length + 1)
          line = line.slice(0, start) + part + line.slice(start + length)
        }
        const raw = Buffer.from(line)
        const skimmed = isNext(raw, end) ? skimRecord(raw) : undefined
        if (skimmed === undefined) return
        accepted++
        const parsed = parseEntry({ raw, state: 'whole' })
        expect(findRecordProblem(parsed)).toBeUndefined()
        expect(parsed === undefined ? undefined : kept(parsed)).toEqual(kept(skimmed))
        expect(parsed).toMatchObject({ seq: 2, prev: end.hash })
      }),
      { seed: 3, numRuns: 5_000 },
    )
    expect(accepted).toBeGreaterThan(1_000)
  })

  it('is a record in which nothing is wrong if any one byte was changed', () => {
    for (const one of usual) {
      const raw = Buffer.from(lineOf(one))
      for (let at = 0; at < raw.byteLength; at++) {
        const before = raw[at] ?? 0
        for (const byte of [before ^ 1, before ^ 0x80, 0x22]) {
          raw[at] = byte
          const skimmed = isUtf8(raw) ? skimRecord(raw) : undefined
          if (skimmed === undefined) continue
          const parsed = parseEntry({ raw, state: 'whole' })
          expect(findRecordProblem(parsed)).toBeUndefined()
          expect(parsed === undefined ? undefined : kept(parsed)).toEqual(kept(skimmed))
        }
        raw[at] = before
      }
    }
  })
})
