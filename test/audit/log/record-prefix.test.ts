import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advance, formatLine, type Position, startOfChain } from '../../../src/audit/log/chain.ts'
import { canBeginLog, canBeTorn } from '../../../src/audit/log/record-prefix.ts'
import { record } from '../../support/audit-log.ts'

const positions: readonly Position[] = [
  startOfChain,
  advance(startOfChain, Buffer.from(formatLine(record(), startOfChain))),
]

/** A record with everything that JSON escapes and numbers of every form. */
const records = fc
  .tuple(fc.string({ unit: 'binary' }), fc.jsonValue({ noUnicodeString: false }))
  .map(([image, extra]) => record({ image, extra } as object))

const firstRun = '{"seq":1,"prev":null,"time":"2026-01-02T03:04:05.678Z","run":"'

describe('a torn record', () => {
  it('is every beginning of a record, cut at any byte (seed 7)', () => {
    fc.assert(
      fc.property(records, fc.constantFrom(...positions), (one, position) => {
        const line = Buffer.from(formatLine(one, position))
        const beginnings = Array.from({ length: line.byteLength + 1 }, (_, length) =>
          line.subarray(0, length),
        )
        expect(beginnings.filter((bytes) => !canBeTorn(bytes, position))).toEqual([])
        const first = position.seq === 0 ? beginnings : []
        expect(first.filter((bytes) => !canBeginLog(bytes))).toEqual([])
      }),
      { seed: 7, numRuns: 60 },
    )
  })

  it('is never a prefix with one more byte that JSON cannot have there (seed 7)', () => {
    fc.assert(
      fc.property(
        records,
        fc.nat(),
        fc.constantFrom('\n', ' ', '\u0001', '}x', '"\u0000'),
        (one, at, more) => {
          const line = formatLine(one, startOfChain)
          const cut = line.slice(0, 40 + (at % (line.length - 40)))
          const isInString = (cut.replaceAll(/\\./g, '').match(/"/g)?.length ?? 0) % 2 === 1
          fc.pre(!isInString && !cut.endsWith('\\'))
          expect(canBeTorn(Buffer.from(cut + more), startOfChain)).toBe(false)
        },
      ),
      { seed: 7 },
    )
  })

  it.each(['\\x', '\\u00g', '\\u12345"x', '\\"\n'])('has no escape such as %j', (escape) => {
    expect(canBeTorn(Buffer.from(`${firstRun}x`), startOfChain)).toBe(true)
    expect(canBeTorn(Buffer.from(firstRun + escape), startOfChain)).toBe(false)
  })

  it.each(['{"a":tru', '[1,-', '[1.5e', '{"a":[{}', '{"a"', '{', '"\\u00e', '[nul'])(
    'may end in %j',
    (end) => {
      const start = `${firstRun}x","more":`
      expect(canBeTorn(Buffer.from(start + end), startOfChain)).toBe(true)
    },
  )

  it.each(['{a', '[trux', '[}', '{"a",', '[1,]', '01', '::', 'undefined'])('does not end in %j', (end) => {
    const start = `${firstRun}x","more":`
    expect(canBeTorn(Buffer.from(start + end), startOfChain)).toBe(false)
  })
})
