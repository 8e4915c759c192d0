import * as fc from 'fast-check'
import semver from 'semver'
import { describe, expect, it } from 'vitest'
import {
  classifyTag,
  compareByDigits,
  compareVersions,
  formatVersion,
  formatVersionTag,
  isSameVersion,
  parseVersion,
  parseVersionTag,
  plainReading,
  type Version,
  versionKey,
  type VersionReading,
} from '../../src/semver/version.ts'

const calver: VersionReading = { ...plainReading, scheme: 'calver' }
const loose: VersionReading = { ...plainReading, scheme: 'loose' }
const readings: Readonly<Record<string, VersionReading>> = {
  semver: plainReading,
  calver,
  loose,
  'loose with two numbers': { ...loose, twoNumbers: true },
  buildMetadata: { ...plainReading, buildMetadata: true },
  variants: { ...plainReading, variants: ['alpine', 'debian-*', '*-slim'] },
  ignoreVersions: { ...plainReading, ignoreVersions: ['9.*', '*_amd64'], buildMetadata: true },
}

function kinds(tags: string, reading: VersionReading): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.split(' ').map((tag) => [tag, classifyTag(tag, reading)]))
}

function read(text: string, reading: VersionReading): Version {
  const version = parseVersion(text, reading)
  if (version === undefined) throw new Error(`${text} is not a version`)
  return version
}

describe('classifyTag', () => {
  it('does not read a tag of an attached artifact whose prefix has the form of a version', () => {
    const tag = `sha256-${'0a'.repeat(32)}.att`
    expect(kinds(`${tag} cve-${tag} 1.4.2-${tag} 2024.04.1-${tag}`, plainReading)).toEqual({
      [tag]: 'plain',
      [`cve-${tag}`]: 'plain',
      [`1.4.2-${tag}`]: 'plain',
      [`2024.04.1-${tag}`]: 'plain',
    })
  })

  it.each([
    [
      'semver',
      '1.4.2 v1.4.2 1.4.2-rc.1 1969.0.0 0.0.0 1.4.20240105093000122 1.0.0-0',
      '1970.0.0 2024.10.15 2024.09.30 v2024.10.15 01.4.2 1.04.2 1.4.2-01 27.3.4.1 1.2.3.4.5 1.4.1_build.7 1.2.3- 1.2.3-a..b',
      '1.4 1 v1 7.02 99 20240101 latest abc1234 1.2.3x app-1.2.3 vv1.2.3 V1.2.3 x1.2.3 1.2.3+',
    ],
    [
      'calver',
      '2024.04.1 24.04.1.2 v2024.4.1 1970.1.0 2099.53.0 00.01.0 2024.04.1-rc.1 2024.04.1-01 2024.10.20240105093000122',
      '5.8.1 1969.1.1 2100.1.1 02024.1.1 2024.0.1 2024.54.1 2024.00.1 2024.04.1.2.3 2024.04.1_b 124.1.1',
      '20240101 2024.04 2024 24.04',
    ],
    [
      'loose',
      '27.3.4.1 1.4.2 7.02.1 2024.09.30 0027.3.4 1.4.2-01 123456789012345678901234.1.2',
      '1.2.3.4.5 1.4.1_build.7',
      '7.02 99 20240101 1.4',
    ],
    ['loose with two numbers', '7.02 v7.2 7.02-rc1 27.3.4.1 1.4.2', '1.2.3.4.5', '99 20240101'],
    ['buildMetadata', '1.4.1_build.7 1.4.1-rc.1_b', '1.4.1_a_b 2024.09.30_b 1.4.1_', '1.4_b'],
    [
      'variants',
      '1.4.2-debian-12_b 1.4.2-alpine 1.4.2-debian-12-slim 1.5.0-rc.1-alpine 1.4.2',
      '1.4.2_b-alpine 2024.09.30-alpine 1.4.2--12-slim',
      '1.4-alpine alpine 1-alpine',
    ],
    [
      'ignoreVersions',
      '1.4.2 1.4.2_b',
      '2024.09.30',
      '9.0.0 9.0.0-dev 9.99.99 9.1.2.3 1.4.1_amd64 2024.09.30_amd64',
    ],
  ])('with %s', (name, versions, versionLike, plain) => {
    const reading = readings[name]
    if (reading === undefined) throw new Error(name)
    const all = (tags: string, kind: string): object =>
      Object.fromEntries(tags.split(' ').map((tag) => [tag, kind]))
    expect(kinds(versions, reading)).toEqual(all(versions, 'version'))
    expect(kinds(versionLike, reading)).toEqual(all(versionLike, 'versionLike'))
    expect(kinds(plain, reading)).toEqual(all(plain, 'plain'))
  })
})

describe('parseVersion', () => {
  it.each([
    ['1.4.2-alpine', 'alpine', [], []],
    ['1.4.2-debian-12-slim', 'debian-12-slim', [], []],
    ['1.4.2-12-slim', '12-slim', [], []],
    ['1.5.0-rc.1-alpine', 'alpine', ['rc', '1'], []],
    ['1.5.0-rc.1-debian-12-slim', 'debian-12-slim', ['rc', '1'], []],
    ['1.5.0-beta-slim', '', ['beta-slim'], []],
    ['1.4.2-fat', '', ['fat'], []],
    ['1.4.2--slim', '', ['-slim'], []],
    ['1.4.2-debian-12+build', '', ['debian-12'], ['build']],
    ['1.4.1+build.7-alpine', 'alpine', [], ['build', '7']],
    ['1.4.2-alpine.3', '', ['alpine', '3'], []],
  ])('%s has the variant "%s", the pre-release %j and the build metadata %j', (text, variant, pre, build) => {
    const version = parseVersion(text, readings['variants'] ?? plainReading)
    expect(version).toMatchObject({ variant, prerelease: pre, build })
  })

  it('accepts a variant that begins with a pre-release word if a glob names it', () => {
    const reading = { ...plainReading, variants: ['next-js', '*'] }
    expect(parseVersion('1.4.2-next-js', reading)?.variant).toBe('next-js')
    expect(parseVersion('1.4.2-next.1', reading)?.variant).toBe('')
  })

  it('refuses texts that are longer than a version can be', () => {
    expect(parseVersion(`1.4.${'2'.repeat(252)}`, plainReading)).toBeDefined()
    expect(parseVersion(`1.4.${'2'.repeat(253)}`, plainReading)).toBeUndefined()
  })

  it('reads the versions of semver.org with numbers below the first year, and no others', () => {
    const number = fc.constantFrom('0', '1', '9', '10', '01', '1969', '')
    const identifier = fc.stringMatching(/^[0-9a-zA-Z-]{0,3}$/)
    const suffix = fc.array(identifier, { maxLength: 3 }).map((all) => all.join('.'))
    const text = fc
      .tuple(
        fc.constantFrom('', 'v', 'V', ' '),
        fc.array(number, { minLength: 2, maxLength: 4 }).map((all) => all.join('.')),
        fc.option(suffix, { nil: undefined }),
        fc.option(suffix, { nil: undefined }),
      )
      .map(([v, numbers, pre, build]) => [v, numbers, pre && `-${pre}`, build && `+${build}`].join(''))
    fc.assert(
      fc.property(text, (candidate) => {
        const isRead = parseVersion(candidate, plainReading) !== undefined
        const oracle = /^v?\d/.test(candidate) && semver.parse(candidate) !== null
        expect(`${candidate} ${isRead}`).toBe(`${candidate} ${oracle}`)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('compareVersions', () => {
  it.each<readonly [string, VersionReading]>([
    ['1.0.0-1.0 1.0.0-20240105093000121 1.0.0-20240105093000122 1.0.0-a 1.0.0', plainReading],
    ['1.0.9007199254740993 1.0.9007199254740994 1.0.90071992547409930', plainReading],
    ['1.0.0-rc10 1.0.0-rc9', plainReading],
    ['1.0.0-rc9 1.0.0-rc10 1.0.0-rc10.1 1.0.0-rc10a', loose],
    ['1.0.0-rc9 1.0.0-rc10 1.0.0-rc10a2 1.0.0-rc10a10', loose],
    ['2022.06.9 2022.06.10 2022.6.11 2022.06.11.1 2023.01.0', calver],
    ['27.3.4 27.3.4.1 27.3.4.2 27.3.4.10 27.3.5', loose],
    ['7.2-rc1 7.02 7.2.0.1 7.3 7.10', { ...loose, twoNumbers: true }],
  ])('%s are in order', (texts, reading) => {
    const versions = texts.split(' ').map((text) => read(text, reading))
    for (const [i, version] of versions.entries())
      for (const [j, other] of versions.entries())
        expect([
          formatVersion(version),
          formatVersion(other),
          Math.sign(compareVersions(version, other)),
        ]).toEqual([formatVersion(version), formatVersion(other), Math.sign(i - j)])
  })

  it('agrees with semver.org', () => {
    const number = fc.constantFrom('0', '1', '9', '10', '99999999999')
    const identifier = fc.oneof(number, fc.constantFrom('a', 'rc', 'rc1', 'rc10', 'RC', '-', '0a', '1-1'))
    const version = fc
      .tuple(
        number.filter((one) => one.length < 3),
        number,
        number,
        fc.array(identifier, { maxLength: 3 }),
      )
      .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre.length === 0 ? '' : `-${pre.join('.')}`}`)
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = Math.sign(compareVersions(read(a, plainReading), read(b, plainReading)))
        expect(`${a} ${b} ${order}`).toBe(`${a} ${b} ${semver.compare(a, b)}`)
      }),
      { numRuns: 2000 },
    )
  })

  const digits = fc.constantFrom(
    '0',
    '1',
    '2',
    '01',
    '9',
    '10',
    '010',
    '1234567890123456',
    '12345678901234567',
  )
  const anyVersion = fc
    .tuple(
      fc.array(digits, { minLength: 2, maxLength: 4 }),
      fc.array(fc.stringMatching(/^[019ab-]{1,4}$/), { maxLength: 2 }),
      fc.constantFrom('', '-alpine'),
    )
    .map(([numbers, pre, variant]) => {
      const text = `${numbers.join('.')}${pre.length === 0 ? '' : `-${pre.join('.')}`}${variant}`
      return read(text, { ...loose, twoNumbers: true, variants: ['alpine'] })
    })

  it.each([
    ['precedence', compareVersions],
    ['digits', compareByDigits],
  ])('is a total order by %s', (_, compare) => {
    fc.assert(
      fc.property(anyVersion, anyVersion, anyVersion, (a, b, c) => {
        expect(Math.sign(compare(a, b))).toBe(-Math.sign(compare(b, a)) || 0)
        const [low, middle, high] = [a, b, c].toSorted(compare)
        if (low === undefined || middle === undefined || high === undefined) throw new Error('none')
        expect(
          [compare(low, middle), compare(middle, high), compare(low, high)].filter((one) => one > 0),
        ).toEqual([])
        expect(compare(a, a)).toBe(0)
      }),
      { numRuns: 2000 },
    )
  })

  it('two versions have one key if and only if they are the same', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, (a, b) => {
        expect(versionKey(a) === versionKey(b)).toBe(isSameVersion(a, b))
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['2024.4.1', '2024.04.1', calver, true],
    ['27.3.4', '27.3.4.0', loose, true],
    ['1.0.0-rc09', '1.0.0-rc9', loose, true],
    ['1.4.0+a', '1.4.0+b', plainReading, true],
    ['1.4.2', '1.4.2-alpine', readings['variants'] ?? plainReading, false],
    ['1.0.0-rc-09', '1.0.0-rc-9', plainReading, false],
  ])('%s and %s are the same version: with %o %s', (a, b, reading, isSame) => {
    expect(isSameVersion(read(a, reading), read(b, reading))).toBe(isSame)
    expect(versionKey(read(a, reading)) === versionKey(read(b, reading))).toBe(isSame)
  })
})

describe('a tag of a version', () => {
  const numbers = fc
    .array(fc.constantFrom('0', '1', '24', '2024', '04', '12', '53', '007'), { minLength: 2, maxLength: 5 })
    .map((all) => all.join('.'))
  const suffix = fc.constantFrom(
    '',
    '-rc.1',
    '-beta.01',
    '-alpine',
    '-rc.1-alpine',
    '-debian-12-slim',
    '-a-b',
  )
  const build = fc.constantFrom('', '_build.7', '_7')
  const tag = fc
    .tuple(fc.constantFrom('', 'v'), numbers, suffix, build, fc.constantFrom('', '-alpine'))
    .map((parts) => parts.join(''))
  const reading = fc.record({
    scheme: fc.constantFrom('semver' as const, 'calver' as const, 'loose' as const),
    variants: fc.constantFrom([], ['alpine'], ['*-slim', 'debian-*', 'alpine']),
    ignoreVersions: fc.constantFrom([], ['9.*']),
    buildMetadata: fc.boolean(),
    twoNumbers: fc.boolean(),
  })

  it('is read and written without a change', () => {
    fc.assert(
      fc.property(tag, reading, (text, one) => {
        const parsed = parseVersionTag(text, one)
        if (parsed === undefined) return
        expect(formatVersionTag(parsed.version, parsed.hasV)).toBe(text)
        expect(parseVersion(formatVersion(parsed.version), one)).toEqual(parsed.version)
      }),
      { numRuns: 2000 },
    )
  })
})
