import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sortBySemver } from '../../src/semver/order.ts'
import { plainReading } from '../../src/semver/version.ts'

const number = fc.integer({ min: 0, max: 3 }).map(String)
const suffix = fc.constantFrom('', '', '-rc.1', '-rc.2', '-beta')
const tag = fc.oneof(
  fc.tuple(number, number, number, suffix).map(([a, b, c, pre]) => `${a}.${b}.${c}${pre}`),
  fc.tuple(number, number).map(([a, b]) => `v${a}.${b}`),
  number,
  fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
)

describe('sortBySemver', () => {
  it.each([
    ['versions by precedence', ['1.10.0', '1.9.0', 'v1.9.1'], '1.10.0 v1.9.1 1.9.0'],
    [
      'pre-releases below their version',
      ['1.0.0-rc.2', '1.0.0', '1.0.0-rc.10'],
      '1.0.0 1.0.0-rc.10 1.0.0-rc.2',
    ],
    ['latest first', ['2.0.0', 'latest', 'zebra'], 'latest 2.0.0 zebra'],
    [
      'floating tags above the versions of their line',
      ['1.4.2', '1', '1.4', '2.0.0', '2', '1.3.9', '1.3', '1.4.3-rc.1'],
      '2 2.0.0 1 1.4 1.4.3-rc.1 1.4.2 1.3 1.3.9',
    ],
    [
      'numbers without a matching version among the other tags',
      ['20240101', '99', '1.0.0'],
      '1.0.0 20240101 99',
    ],
    ['digits in other tags as numbers', ['pr-9', 'pr-10', 'pr-0100'], 'pr-0100 pr-10 pr-9'],
  ])('%s', (_, tags, ordered) => {
    expect(sortBySemver(tags, plainReading).join(' ')).toBe(ordered)
  })

  it('reads build metadata if it is configured', () => {
    const tags = ['1.4.0', '1.4.1_b.7', 'abc']
    expect(sortBySemver(tags, plainReading)).toEqual(['1.4.0', 'abc', '1.4.1_b.7'])
    expect(sortBySemver(tags, { ...plainReading, buildMetadata: true })).toEqual([
      '1.4.1_b.7',
      '1.4.0',
      'abc',
    ])
  })

  it('does not depend on the order of the list, and loses no tag', () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(tag, { maxLength: 30 })
          .chain((tags) =>
            fc.tuple(fc.constant(tags), fc.shuffledSubarray(tags, { minLength: tags.length })),
          ),
        ([tags, shuffled]) => {
          const ordered = sortBySemver(tags, plainReading)
          expect(sortBySemver(shuffled, plainReading)).toEqual(ordered)
          expect([...ordered].sort()).toEqual([...tags].sort())
        },
      ),
    )
  })

  it('parses each of 10,000 tags once', () => {
    const tags = Array.from({ length: 10_000 }, (_, i) => `${i % 7}.${i % 101}.${i}`)
    expect(sortBySemver(tags, plainReading)[0]).toBe('6.100.9897')
  })
})
