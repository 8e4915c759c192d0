import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Parser, parsers } from '../support/hostile/parsers.ts'
import { reportParsers } from '../support/hostile/report-parsers.ts'
import { complaintOfError } from '../support/hostile/complaints.ts'

const numRuns = 150
const all = [...parsers, ...reportParsers]

/** Changes bytes at one offset. Offsets count modulo the length. */
type Damage = (bytes: Buffer) => Buffer

const at = fc.nat(10_000)
const offset = (bytes: Buffer, n: number): number => n % (bytes.byteLength + 1)

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(at, fc.nat(7)).map(([n, bit]): Damage => (bytes) => {
    const flipped = Buffer.from(bytes)
    const i = n % Math.max(bytes.byteLength, 1)
    if (i < flipped.byteLength) flipped[i] = (flipped[i] ?? 0) ^ (1 << bit)
    return flipped
  }),
  at.map(
    (n): Damage =>
      (bytes) =>
        bytes.subarray(0, offset(bytes, n)),
  ),
  fc.tuple(at, at).map(([from, to]): Damage => (bytes) => {
    const [a, b] = [offset(bytes, from), offset(bytes, to)].sort((x, y) => x - y)
    return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b)])
  }),
  fc.tuple(at, at, fc.integer({ min: 2, max: 50 })).map(([from, to, times]): Damage => (bytes) => {
    const [a, b] = [offset(bytes, from), offset(bytes, to)].sort((x, y) => x - y)
    const chunk = bytes.subarray(a, b)
    return Buffer.concat([bytes.subarray(0, a), ...Array<Buffer>(times).fill(chunk), bytes.subarray(b)])
  }),
  fc
    .tuple(
      at,
      fc.constantFrom(
        '\0',
        '\u001b[2J',
        '\u202e',
        '"',
        '{',
        '[',
        '\\',
        '::',
        '%00',
        '1e999',
        'null',
        '__proto__',
        '\n',
        '/..',
        '@',
        '${',
      ),
    )
    .map(([n, text]): Damage => (bytes) => {
      const i = offset(bytes, n)
      return Buffer.concat([bytes.subarray(0, i), Buffer.from(text), bytes.subarray(i)])
    }),
)

async function complaintOf({ parse }: Parser, bytes: Uint8Array): Promise<string | undefined> {
  try {
    await parse(bytes)
    return undefined
  } catch (thrown) {
    return complaintOfError(thrown)
  }
}

describe('input that is nearly valid', () => {
  it.each(all)('is parsed by $name, or is one error that can be printed', async (parser) => {
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
        const bytes = damages.reduce<Buffer>((left, one) => one(left), Buffer.from(parser.sample))
        expect(await complaintOf(parser, bytes)).toBeUndefined()
      }),
      { numRuns },
    )
  })

  it('is generated from valid input', async () => {
    const refused: string[] = []
    for (const { name, parse, sample } of all) {
      try {
        await parse(Buffer.from(sample))
      } catch (thrown) {
        refused.push(`${name}: ${String(thrown)}`)
      }
    }
    expect(refused).toEqual([])
  })
})
