import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInRange, isSatisfiable, parseRange } from '../../src/semver/range.ts'
import { parseVersion, plainReading } from '../../src/semver/version.ts'

const isIn = (version: string, range: string): boolean => {
  const parsed = parseVersion(version, plainReading)
  if (parsed === undefined) throw new Error(`${version} is no version`)
  return isInRange(parsed, parseRange(range))
}

describe('a range of versions', () => {
  it.each([
    ['>=1.4 <2', '1.4.0 1.9.9', '1.3.9 2.0.0'],
    ['^1.4', '1.4.2 v1.9.0', '2.0.0 1.3.0'],
    ['1.x || 3.0.1', '1.0.0 3.0.1', '2.0.0 3.0.0'],
    ['1.2 - 1.4', '1.2.0 1.4.9', '1.5.0'],
  ])('%s has %s and not %s', (range, inside, outside) => {
    expect(inside.split(' ').filter((version) => !isIn(version, range))).toEqual([])
    expect(outside.split(' ').filter((version) => isIn(version, range))).toEqual([])
  })

  it('includes pre-releases only of versions that it names a pre-release of', () => {
    expect(isIn('1.5.0-rc.1', '>=1.4')).toBe(false)
    expect(isIn('2.0.0-rc.1', '>=1.4 <2')).toBe(false)
    expect(isIn('1.5.0-rc.2', '>=1.5.0-rc.1')).toBe(true)
    expect(isIn('1.6.0-rc.1', '>=1.5.0-rc.1')).toBe(false)
  })

  it.each(['', '  ', 'latest', '>=', 'x'.repeat(1000), '1.2.3 &&', '||', '1.x ||', '|| 1.x'])(
    'is malformed if it is %j, with an example in the error',
    (text) => {
      expect(() => parseRange(text)).toThrowError(
        expect.objectContaining({ code: 'malformed', hint: expect.stringContaining('>=1.4 <2') as string }),
      )
    },
  )

  it('includes every pre-release between its bounds if the caller requests that', () => {
    const all = parseRange('>=1.4 <2', { preReleases: true })
    const isInAll = (text: string): boolean => {
      const version = parseVersion(text, plainReading)
      return version !== undefined && isInRange(version, all)
    }
    expect(['1.4.0', '1.5.0-rc.1', '1.9.9-0'].filter((version) => !isInAll(version))).toEqual([])
    expect(['1.3.9', '2.0.0'].filter(isInAll)).toEqual([])
  })

  it.each([
    '1.4.2',
    '*',
    'x',
    '<0.0.1',
    '<=0.0.0',
    '>1.0.0 <1.0.2',
    '>1.0.0-rc.1',
    '>=1.0.0-rc.1 <=1.0.0',
    '>2 <1 || 5.x',
    '5.x || >2 <1',
    '>=1 <2 || >=3 <4',
    '>1.2.9007199254740991',
    '~1.4 >=1.4.7',
  ])('%s can be satisfied', (range) => {
    expect(isSatisfiable(parseRange(range))).toBe(true)
    expect(isSatisfiable(parseRange(range, { preReleases: true }))).toBe(true)
  })

  it.each(['>2 <1', '<0.0.0-0', '>1.4.2 <1.4.2', '1.4.2 1.4.3', '^1.4 ^2', '>2 <1 || >4 <3'])(
    '%s cannot be satisfied',
    (range) => {
      expect(isSatisfiable(parseRange(range))).toBe(false)
      expect(isSatisfiable(parseRange(range, { preReleases: true }))).toBe(false)
    },
  )

  it.each(['>=1.0.0-rc.1 <1.0.0', '1.0.0-rc.1', '>1.0.0-rc.1 <1.0.0-rc.2', '<0.0.0'])(
    '%s can be satisfied by a pre-release only',
    (range) => {
      expect(isSatisfiable(parseRange(range))).toBe(false)
      expect(isSatisfiable(parseRange(range, { preReleases: true }))).toBe(true)
    },
  )

  it('is satisfiable if and only if it includes a version', () => {
    const numbers = [0, 1, 2, 3, 4]
    const ends = ['', '-0', '-rc.1', '-rc.1.0', '-rc.2', '-rc.2.0']
    const all = numbers.flatMap((minor) =>
      numbers.flatMap((patch) => ends.map((end) => `1.${minor}.${patch}${end}`)),
    )
    // A matching version lies between the bounds or just above one of them.
    const bound = fc.constantFrom(...all.filter((text) => /^1\.[12]\.[12](-rc\.[12])?$/.test(text)))
    const comparator = fc
      .tuple(fc.constantFrom('>', '>=', '<', '<=', '=', '~', '^'), bound)
      .map(([a, b]) => a + b)
    const set = fc.array(comparator, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' '))
    const range = fc.array(set, { minLength: 1, maxLength: 2 }).map((sets) => sets.join(' || '))
    const versions = all.flatMap((text) => parseVersion(text, plainReading) ?? [])
    const stable = versions.filter(({ prerelease }) => prerelease.length === 0)
    fc.assert(
      fc.property(range, (text) => {
        const plain = parseRange(text)
        const every = parseRange(text, { preReleases: true })
        expect(isSatisfiable(plain)).toBe(stable.some((version) => isInRange(version, plain)))
        expect(isSatisfiable(every)).toBe(versions.some((version) => isInRange(version, every)))
      }),
      { numRuns: 2000 },
    )
  })
})
