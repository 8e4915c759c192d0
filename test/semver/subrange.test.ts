import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInRange, parseRange } from '../../src/semver/range/range.ts'
import { isSubrange } from '../../src/semver/range/subrange.ts'
import { parseVersion, plainReading } from '../../src/semver/version.ts'

const isPart = (inner: string, outer: string): boolean => isSubrange(parseRange(inner), parseRange(outer))

describe('a range that is part of another one', () => {
  it.each([
    ['>=1.4 <2', '>=1'],
    ['^1.4.2', '1.x'],
    ['1.4.2', '>=1.4.2'],
    ['1.2 || 1.4', '>=1.0.0'],
    ['>=27.3.4.1', '>=27.3.4.1'],
  ])('%s is part of %s', (inner, outer) => {
    expect(isPart(inner, outer)).toBe(true)
  })

  it.each([
    ['>=1', '>=1.4'],
    ['1.x', '^1.4.2'],
    ['<2.0.0', '<2.0.0-0'],
    ['>=27.3.4.1', '>=27'],
  ])('%s is not known to be part of %s', (inner, outer) => {
    expect(isPart(inner, outer)).toBe(false)
  })

  it('has pre-releases only if the other one has them', () => {
    const all = parseRange('1.x', { includePrerelease: true })
    expect(isSubrange(all, parseRange('1.x'))).toBe(false)
    expect(isSubrange(parseRange('1.x'), all)).toBe(true)
  })

  it('has no version that the other one lacks, in any scheme', () => {
    const number = fc.constantFrom('0', '1', '2')
    const whole = fc
      .tuple(number, number, number, fc.constantFrom('', '', '-0', '-rc.1'))
      .map(([a, b, c, d]) => {
        return `${a}.${b}.${c}${d}`
      })
    const partial = fc.oneof(fc.constantFrom('*', '1.x', '1.2.x'), number)
    const comparator = fc
      .tuple(fc.constantFrom('', '>', '>=', '<', '<=', '~', '^'), fc.oneof(whole, partial))
      .map(([operator, operand]) => operator + operand)
    const set = fc.array(comparator, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(' '))
    const range = fc.array(set, { minLength: 1, maxLength: 2 }).map((sets) => sets.join(' || '))
    const version = fc.oneof(
      whole,
      fc.tuple(number, number, number, number).map((numbers) => numbers.join('.')),
    )
    fc.assert(
      fc.property(
        range,
        range,
        fc.boolean(),
        fc.array(version, { minLength: 5 }),
        (a, b, preReleases, all) => {
          const [inner, outer] = [
            parseRange(a, { includePrerelease: preReleases }),
            parseRange(b, { includePrerelease: preReleases }),
          ]
          const isClaimed = isSubrange(inner, outer)
          const lacking = all.filter((text) => {
            const read = parseVersion(text, { ...plainReading, scheme: 'loose' })
            if (read === undefined) return false
            // A rule selects no pre-releases, whatever its range names.
            const isSelected = preReleases || read.prerelease.length === 0
            return isSelected && isInRange(read, inner) && !isInRange(read, outer)
          })
          expect(isClaimed ? lacking : []).toEqual([])
        },
      ),
      { numRuns: 3000 },
    )
  })
})
