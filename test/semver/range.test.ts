import * as fc from 'fast-check'
import Range from 'semver/classes/range.js'
import { describe, expect, it } from 'vitest'
import { isInRange, isSatisfiable, parseRange } from '../../src/semver/range/range.ts'
import { parseVersion, plainReading, type VersionReading } from '../../src/semver/version.ts'

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
    const all = parseRange('>=1.4 <2', { includePrerelease: true })
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
    '>27.3.4.1 <27.3.4.3',
  ])('%s can be satisfied', (range) => {
    expect(isSatisfiable(parseRange(range))).toBe(true)
    expect(isSatisfiable(parseRange(range, { includePrerelease: true }))).toBe(true)
  })

  it.each(['>2 <1', '<0.0.0-0', '>1.4.2 <1.4.2', '1.4.2 1.4.3', '^1.4 ^2', '>2 <1 || >4 <3'])(
    '%s cannot be satisfied',
    (range) => {
      expect(isSatisfiable(parseRange(range))).toBe(false)
      expect(isSatisfiable(parseRange(range, { includePrerelease: true }))).toBe(false)
    },
  )

  it.each([
    '>=1.0.0-rc.1 <1.0.0',
    '>1.0.0-rc10 <1.0.0-rc9',
    '>1.0.0-rc9 <1.0.0-rc10',
    '1.0.0-rc.1',
    '>1.0.0-rc.1 <1.0.0-rc.2',
    '<0.0.0',
  ])('%s can be satisfied by a pre-release only', (range) => {
    expect(isSatisfiable(parseRange(range))).toBe(false)
    expect(isSatisfiable(parseRange(range, { includePrerelease: true }))).toBe(true)
  })

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
        const every = parseRange(text, { includePrerelease: true })
        expect(isSatisfiable(plain)).toBe(stable.some((version) => isInRange(version, plain)))
        expect(isSatisfiable(every)).toBe(versions.some((version) => isInRange(version, every)))
      }),
      { numRuns: 2000 },
    )
  })

  it('has the versions that node-semver finds in it', () => {
    const number = fc.constantFrom('0', '0', '1', '2', '3', '10')
    const pre = fc.constantFrom('', '', '', '-0', '-rc.1', '-rc.2', '-rc.10', '-beta', '-1')
    const whole = fc.tuple(number, number, number, pre).map(([a, b, c, d]) => `${a}.${b}.${c}${d}`)
    const partial = fc.oneof(
      fc.constantFrom('*', 'x', 'X', '1.x', '0.x', '2.*', '1.2.x', '0.0.x', 'v1', 'x.x', '1.2.x-rc.1'),
      number,
      fc.tuple(number, number).map((numbers) => numbers.join('.')),
    )
    const operand = fc.oneof(whole, whole, partial)
    const operator = fc.constantFrom('', '=', '>', '>=', '<', '<=', '~', '^', '~>', '> ', '<= ', '^ ', '~ ')
    const comparator = fc.tuple(operator, operand).map(([a, b]) => a + b)
    const set = fc.oneof(
      fc.array(comparator, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' ')),
      fc.tuple(operand, operand).map((ends) => ends.join(' - ')),
    )
    const text = fc.array(set, { minLength: 1, maxLength: 2 }).map((sets) => sets.join(' || '))
    fc.assert(
      fc.property(
        text,
        fc.array(whole, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (range, all, preReleases) => {
          const oracle = new Range(range, { includePrerelease: preReleases })
          const parsed = parseRange(range, { includePrerelease: preReleases })
          for (const version of all) {
            const read = parseVersion(version, plainReading)
            if (read === undefined) throw new Error(`${version} is no version`)
            expect(`${version} ${isInRange(read, parsed)}`).toBe(`${version} ${oracle.test(version)}`)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('a range of other schemes', () => {
  const calver: VersionReading = { ...plainReading, scheme: 'calver' }
  const loose: VersionReading = { ...plainReading, scheme: 'loose', twoNumbers: true }

  it.each([
    [calver, '>=2024.04', '2024.04.0 2024.4.1 2024.12.1 2025.1.1', '2024.03.9 2023.12.1'],
    [calver, '2024.04.x', '2024.04.1 2024.4.20', '2024.05.1'],
    [calver, '2024', '2024.01.1 2024.52.3.1', '2025.01.1'],
    [calver, '>=2023.10 <2024.4', '2023.10.01 2024.3.9', '2024.04.1'],
    [calver, '2023.01.1 - 2023.06', '2023.1.1 2023.06.30', '2023.07.1'],
    [loose, '>=27.3.4.1', '27.3.4.1 27.3.4.10 27.3.5', '27.3.4 27.3.4.0'],
    [loose, '27.3.4', '27.3.4 27.3.4.0', '27.3.4.1'],
    [loose, '27.3.4.x', '27.3.4 27.3.4.1', '27.3.5 27.3.3.9'],
    [loose, '<=27.3.4.2 >27.3.4', '27.3.4.1 27.3.4.2', '27.3.4 27.3.4.3'],
    [loose, '~27.3.4.2', '27.3.4.2 27.3.9', '27.3.4.1 27.4.0'],
    [loose, '^0.0.4.1', '0.0.4.1 0.0.4.9', '0.0.4 0.0.5'],
    [loose, '>=7.02', '7.2 7.02.1 7.10', '7.01'],
    [loose, '>=1.0.0-rc9 <1.0.0', '1.0.0-rc9 1.0.0-rc10', '1.0.0-rc8'],
    [loose, '>20240105093000121', '20240105093000122.0.0', '20240105093000121.9.9'],
  ])('%o %s has %s and not %s', (reading, range, inside, outside) => {
    const parsed = parseRange(range)
    const isInside = (text: string): boolean => {
      const version = parseVersion(text, reading)
      if (version === undefined) throw new Error(`${text} is no version`)
      return isInRange(version, parsed)
    }
    expect(inside.split(' ').filter((text) => !isInside(text))).toEqual([])
    expect(outside.split(' ').filter(isInside)).toEqual([])
    expect(isSatisfiable(parseRange(range, { includePrerelease: true }))).toBe(true)
  })

  it('has versions of every variant', () => {
    const version = parseVersion('1.4.2-alpine', { ...plainReading, variants: ['alpine'] })
    expect(version !== undefined && isInRange(version, parseRange('>=1.4'))).toBe(true)
  })

  it.each(['1.2.3.4.5', '1..2', '1.x.3', '>=1.2.3.4 <1.2.3.4.5', '1.2-rc.1', '1.2 - >3'])(
    '%s is malformed',
    (text) => {
      expect(() => parseRange(text)).toThrowError(expect.objectContaining({ code: 'malformed' }))
    },
  )
})
