import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultTagPolicy, type TagPolicy } from '../../src/semver/tag-policy.ts'
import { parseVersion, type VersionReading } from '../../src/semver/version.ts'
import { versionTags } from '../../src/semver/version-tags.ts'

/**
 * Releases one after another, in every scheme and variant. The expectations use the numbers of the
 * releases, and no parser or comparison of `src/`.
 */
interface Release {
  readonly numbers: readonly number[]
  readonly variant: string
  /** with zero padding */
  readonly isPadded: boolean
}

const variants = ['', '', 'alpine', 'debian-12-slim']

function releases(
  numbers: fc.Arbitrary<readonly number[]>,
  mayPad: boolean,
): fc.Arbitrary<readonly Release[]> {
  const release = fc.record({
    numbers,
    variant: fc.constantFrom(...variants),
    isPadded: mayPad ? fc.boolean() : fc.constant(false),
  })
  return fc.array(release, { minLength: 1, maxLength: 12 })
}

const small = fc.integer({ min: 1, max: 3 })
const schemes: Readonly<Record<VersionReading['scheme'], fc.Arbitrary<readonly Release[]>>> = {
  semver: releases(fc.tuple(small, small, small), false),
  calver: releases(fc.tuple(fc.constantFrom(2023, 2024), fc.constantFrom(4, 10), small), true),
  loose: releases(fc.oneof(fc.tuple(small, small, small), fc.tuple(small, small, small, small)), true),
}

function textOf({ numbers, variant, isPadded }: Release): string {
  const digits = numbers.map((number) => (isPadded ? `${number}`.padStart(2, '0') : `${number}`))
  return `${digits.join('.')}${variant === '' ? '' : `-${variant}`}`
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const i of [0, 1, 2, 3]) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) - (b[i] ?? 0)
  return 0
}

/** Returns the numbers of a floating tag of a variant; undefined for another variant. */
function lineOfTag(tag: string, variant: string): readonly number[] | undefined {
  if (tag === (variant === '' ? 'latest' : variant)) return []
  const end = variant === '' ? '' : `-${variant}`
  const [, numbers] =
    /^(\d+(?:\.\d+)?)$/.exec(tag.endsWith(end) ? tag.slice(0, tag.length - end.length) : '') ?? []
  return numbers?.split('.').map(Number)
}

describe.each(Object.entries(schemes))('releases in the scheme %s', (scheme, arbitrary) => {
  const policy: TagPolicy = {
    ...defaultTagPolicy,
    scheme: scheme as VersionReading['scheme'],
    variants: ['alpine', 'debian-*', '*-slim'],
  }

  it('keep each floating tag on the highest version of its line and variant', () => {
    fc.assert(
      fc.property(arbitrary, (all) => {
        const exact = new Map<string, Release>()
        const floating = new Map<string, Release>()
        for (const release of all) {
          const text = textOf(release)
          const version = parseVersion(text, policy)
          if (version === undefined) throw new Error(`${text} is not a version`)
          const tags = versionTags(
            { tag: text, version, hasV: false },
            [...exact.keys(), ...floating.keys()],
            policy,
          )
          expect(tags.exact).toBe(text)
          exact.set(text, release)
          for (const { tag, moves } of tags.floating) {
            expect(lineOfTag(tag, release.variant)).toBeDefined()
            if (moves) floating.set(tag, release)
          }
        }
        const lines = [...floating].map(
          ([tag, { variant }]) => `${lineOfTag(tag, variant)?.join('.')} ${variant}`,
        )
        expect(new Set(lines).size).toBe(lines.length)
        for (const [tag, { numbers, variant }] of floating) {
          const line = lineOfTag(tag, variant) ?? []
          const inLine = [...exact.values()].filter(
            (one) => one.variant === variant && line.every((number, i) => one.numbers[i] === number),
          )
          expect(inLine.filter((one) => compare(one.numbers, numbers) > 0)).toEqual([])
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('floating tags of calendar versions', () => {
  const policy: TagPolicy = { ...defaultTagPolicy, scheme: 'calver' }
  const moved = (present: string, text: string): string => {
    const version = parseVersion(text, policy)
    if (version === undefined) throw new Error(`${text} is not a version`)
    const { floating } = versionTags({ tag: text, version, hasV: false }, present.split(' '), policy)
    return floating
      .filter(({ moves }) => moves)
      .map(({ tag }) => tag)
      .join(' ')
  }

  it.each([
    ['the padding of the existing one', '2024.04.1 2024.4', '2024.04.2', '2024.4 2024 latest'],
    ['the padding of the version if none exists', '2024.4.1', '2024.04.2', '2024.04 2024 latest'],
    [
      'the padding of the version if both exist',
      '2024.04.1 2024.04 2024.4',
      '2024.4.2',
      '2024.4 2024 latest',
    ],
    ['the v of the existing ones', 'v2024.04.1 v2024.4', '2024.04.2', 'v2024.4 v2024 latest'],
  ])('have %s', (_, present, text, tags) => {
    expect(moved(present, text)).toBe(tags)
  })
})

describe('a pre-release of a variant', () => {
  it('moves the channel of its variant', () => {
    const policy = { ...defaultTagPolicy, variants: ['alpine'], channels: ['beta'] }
    const version = parseVersion('1.5.0-beta.2-alpine', policy)
    if (version === undefined) throw new Error('it is a version')
    const given = { tag: '1.5.0-beta.2-alpine', version, hasV: false }
    const moves = (present: string): readonly string[] =>
      versionTags(given, present.split(' '), policy).floating.flatMap(({ tag, moves: does }) =>
        does ? [tag] : [],
      )
    expect(moves('1.4.0-alpine 1.5.0-beta.3')).toEqual(['beta-alpine'])
    expect(moves('1.5.0-beta.3-alpine')).toEqual([])
  })
})
