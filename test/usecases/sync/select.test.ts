import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SyncRule, SyncSelector } from '../../../src/config/sync/sync-rule.ts'
import { LinearRegExp } from '../../../src/lib/linear-regexp.ts'
import { digestOf, type Digest } from '../../../src/oci/digest.ts'
import { parseRange } from '../../../src/semver/range/range.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { selectTags } from '../../../src/usecases/sync/select.ts'
import type { TimedImage } from '../../../src/usecases/sync/selection.ts'
import { globs, syncRule } from '../../support/syncing.ts'

const range = (text: string): SyncSelector['tags'] => ({ kind: 'semver', range: parseRange(text), text })
const regex = (source: string): SyncSelector['tags'] => ({ kind: 'regex', regex: LinearRegExp.parse(source) })
const all = globs('*')

type Images = Readonly<Record<string, readonly [image: string, time?: number | 'undated']>>

function imagesOf(images: Images): ReadonlyMap<string, TimedImage> {
  return new Map(
    Object.entries(images).map(([tag, [image, time]]) => [
      tag,
      { digest: digest(image), ...(time !== undefined && { time }) },
    ]),
  )
}

function digest(image: string): Digest {
  return digestOf(image)
}

function selected(
  rule: Partial<SyncRule>,
  tags: readonly string[],
  images?: ReadonlyMap<string, TimedImage>,
): readonly string[] {
  return selectTags(syncRule(rule), plainReading, tags, images).tags.map(({ tag }) => tag)
}

function newestOf(
  images: Images,
  entry: Partial<SyncSelector> & { readonly newest: number },
): readonly string[] {
  const rule = { include: [{ tags: all, ...entry }] }
  return selected(rule, Object.keys(images), imagesOf(images))
}

describe('the tags of a rule', () => {
  it('are all tags without include, in the order of the list, each once', () => {
    expect(selected({}, ['b', 'a', 'b'])).toEqual(['b', 'a'])
  })

  it('are those that one entry selects; the first entry that selects a tag is named', () => {
    const rule = syncRule({
      include: [{ tags: globs('latest', '3.2?') }, { tags: regex(String.raw`3\.\d+`) }],
    })
    expect(selectTags(rule, plainReading, ['latest', '3.20', '3.9', 'edge']).tags).toEqual([
      { tag: 'latest', entry: 0 },
      { tag: '3.20', entry: 0 },
      { tag: '3.9', entry: 1 },
    ])
  })

  it('do not have 11.0 by the expression 1.0, which has to match the whole tag (case 12)', () => {
    expect(selected({ include: [{ tags: regex('1.0') }] }, ['11.0', '1.0', '1.0.1', '21.0'])).toEqual(['1.0'])
  })

  it('are never those that exclude selects (case 13)', () => {
    const rule = { include: [{ tags: globs('3.*', 'latest') }], exclude: [globs('*-windows*', 'latest')] }
    expect(selected(rule, ['3.20', '3.20-windows-ltsc', 'latest'])).toEqual(['3.20'])
    expect(selected({ exclude: [globs('nightly-*')] }, ['nightly-1', '1.0'])).toEqual(['1.0'])
  })

  it('have no tags of attached artifacts, also with a prefix, and no tags of holds', () => {
    const hex = 'a'.repeat(64)
    const tags = [
      `sha256-${hex}`,
      `sha256-${hex}.sig`,
      `old-sha256-${hex}.att`,
      `hold-${'b'.repeat(12)}`,
      'app',
    ]
    expect(selected({}, tags)).toEqual(['app'])
    expect(selected({ include: [{ tags: all }] }, tags)).toEqual(['app'])
  })

  it('have a pre-release by a range only if the range names one', () => {
    const tags = ['1.5.0-rc.1', '1.5.0-rc.2', '1.5.0', '1.6.0-rc.1', '1.4.0']
    expect(selected({ include: [{ tags: range('>=1.4') }] }, tags)).toEqual(['1.5.0', '1.4.0'])
    expect(selected({ include: [{ tags: range('>=1.5.0-rc.2') }] }, tags)).toEqual(['1.5.0-rc.2', '1.5.0'])
    expect(selected({ exclude: [range('>=1.5.0-rc.1')] }, tags)).toEqual(['1.6.0-rc.1', '1.4.0'])
  })
})

describe('versions and variants (case 11)', () => {
  const highest = { per: 'repository', count: 1 } as const

  it('v1.10.0 is newer than v1.9.0', () => {
    const include = [{ tags: range('>=1'), newestVersions: highest }]
    expect(selected({ include }, ['v1.9.0', 'v1.10.0'])).toEqual(['v1.10.0'])
  })

  it('1.2.3-alpine is a pre-release, and with variant a release of alpine', () => {
    const tags = ['1.2.3-alpine', '1.2.3', '1.0-alpine']
    expect(selected({ include: [{ tags: range('>=1') }] }, tags)).toEqual(['1.2.3'])
    expect(selected({ include: [{ tags: range('>=1'), variant: ['alpine'] }] }, tags)).toEqual([
      '1.2.3-alpine',
    ])
  })

  it('a variant is declared for its entry only', () => {
    const include = [{ tags: range('>=1') }, { tags: range('>=2'), variant: ['alpine'] }]
    expect(selected({ include }, ['1.2.3-alpine', '2.0.0-alpine', '1.2.3'])).toEqual([
      '2.0.0-alpine',
      '1.2.3',
    ])
  })

  it('the highest versions are counted for each variant separately', () => {
    const include = [
      {
        tags: range('>=20 <23'),
        variant: ['alpine3.*'],
        newestVersions: { per: 'minor', count: 2 } as const,
      },
    ]
    const tags = ['20.11.3', '20.11.2', '20.11.1'].flatMap((one) => [
      `${one}-alpine3.19`,
      `${one}-alpine3.20`,
    ])
    expect(selected({ include }, tags)).toEqual(tags.slice(0, 4))
  })

  it('exclude reads the variants that the entries declare', () => {
    const include = [{ tags: range('>=0'), variant: ['alpine'] }]
    expect(selected({ include, exclude: [range('<1')] }, ['0.9.0-alpine', '1.0.0-alpine'])).toEqual([
      '1.0.0-alpine',
    ])
  })

  it('excluded versions use no slot', () => {
    const include = [{ tags: range('>=1'), newestVersions: highest }]
    expect(selected({ include, exclude: [globs('1.3.0')] }, ['1.2.0', '1.3.0'])).toEqual(['1.2.0'])
  })

  it('a warning names the tags that the scheme does not read, and no pre-releases', () => {
    const rule = syncRule({ include: [{ tags: range('>=1') }] })
    const { warnings } = selectTags(rule, plainReading, [
      '1.2.3',
      '2024.01.15',
      '1.2.3-alpine',
      '1.2.4-alpine',
    ])
    expect(warnings).toEqual([expect.stringMatching(/does not read 1 version-like tag \(2024\.01\.15\)/)])
  })
})

describe('the newest images', () => {
  it('all tags of a digest use one slot (case 9)', () => {
    const tags = Array.from({ length: 10 }, (_, i) => [`a${i}`, ['a', 50]] as const)
    const images: Images = Object.fromEntries([...tags, ['b', ['b', 40]], ['c', ['c', 30]], ['d', ['d', 20]]])
    expect(newestOf(images, { newest: 3 })).toEqual([...tags.map(([tag]) => tag), 'b', 'c'])
  })

  it('images without a believable time are selected, use no slot and have a flag (case 10)', () => {
    const images: Images = { a: ['a', 3], x: ['x', 'undated'], b: ['b', 2], y: ['y', 'undated'], c: ['c', 1] }
    const rule = syncRule({ include: [{ tags: all, newest: 2 }] })
    const { tags, warnings } = selectTags(rule, plainReading, Object.keys(images), imagesOf(images))
    expect(tags).toEqual([
      { tag: 'a', entry: 0 },
      { tag: 'x', entry: 0, isUndated: true },
      { tag: 'b', entry: 0 },
      { tag: 'y', entry: 0, isUndated: true },
    ])
    expect(warnings).toEqual([
      'the rule "hub" selects 2 tags whose images have no believable time, in addition to the newest: x, y. Add a source of their time to timeFrom of the rule, or exclude them.',
    ])
  })

  it('images of equal times are all selected', () => {
    expect(newestOf({ a: ['a', 2], b: ['b', 1], c: ['c', 1], d: ['d', 0] }, { newest: 2 })).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  it('are counted in each group', () => {
    const entry = { tags: regex(String.raw`(?<variant>alpine|slim)-\d+`), groupBy: ['variant'], newest: 1 }
    const images: Images = {
      'alpine-1': ['a1', 1],
      'alpine-2': ['a2', 2],
      'slim-1': ['s1', 1],
      'slim-2': ['s2', 0],
      other: ['o', 9],
    }
    expect(newestOf(images, entry)).toEqual(['alpine-2', 'slim-1'])
  })

  it('a tag without the value of a group is selected, with a warning', () => {
    const rule = syncRule({ include: [{ tags: all, groupBy: ['minor'], newest: 1 }] })
    const images = imagesOf({ '1.4.1': ['a', 1], '1.4.2': ['b', 2], edge: ['e', 0] })
    const { tags, warnings } = selectTags(rule, plainReading, [...images.keys()], images)
    expect(tags.map(({ tag }) => tag)).toEqual(['1.4.2', 'edge'])
    expect(warnings.at(-1)).toMatch(/selects 1 tag without the value minor of groupBy, .*: edge\./)
  })

  it('are undecided without digests and times, unless all tags fit', () => {
    const rule = syncRule({ include: [{ tags: globs('latest') }, { tags: all, newest: 2 }] })
    const few = selectTags(rule, plainReading, ['latest', 'a'])
    expect(few).toMatchObject({ tags: [{ tag: 'latest' }, { tag: 'a' }], undecided: [] })
    const many = selectTags(rule, plainReading, ['latest', 'a', 'b'])
    expect(many).toMatchObject({ tags: [{ tag: 'latest', entry: 0 }], undecided: ['latest', 'a', 'b'] })
  })

  it('need no times if the tags are on few digests', () => {
    const images = imagesOf({ a: ['x'], b: ['x'], c: ['y'] })
    const rule = syncRule({ include: [{ tags: all, newest: 2 }] })
    expect(selectTags(rule, plainReading, ['a', 'b', 'c'], images)).toMatchObject({
      tags: [{ tag: 'a' }, { tag: 'b' }, { tag: 'c' }],
      undecided: [],
    })
  })

  it('do not have a tag that was deleted since the list, and have one whose image cannot be read', () => {
    const images = new Map([
      ...imagesOf({ a: ['a', 3], b: ['b', 2] }),
      ['unreadable', { digest: undefined }] as const,
    ])
    const rule = { include: [{ tags: all, newest: 1 }] }
    expect(selected(rule, ['a', 'b', 'gone', 'unreadable'], images)).toEqual(['a', 'unreadable'])
  })

  it('excluded images use no slot', () => {
    const images: Images = { a: ['a', 3], b: ['b', 2], c: ['c', 1] }
    const rule = { include: [{ tags: all, newest: 1 }], exclude: [globs('a')] }
    expect(selected(rule, Object.keys(images), imagesOf(images))).toEqual(['b'])
  })

  it('if tags of the list are missing, every other selected tag is still selected', () => {
    const image = fc.record({ name: fc.constantFrom('p', 'q', 'r', 's', 't'), keep: fc.boolean() })
    const times = fc.dictionary(
      fc.constantFrom('p', 'q', 'r', 's', 't'),
      fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant('undated' as const)),
    )
    fc.assert(
      fc.property(
        fc.array(image, { maxLength: 12 }),
        times,
        fc.integer({ min: 1, max: 3 }),
        (list, at, newest) => {
          const images: Images = Object.fromEntries(
            list.map(({ name }, i) => [`t${i}`, [name, at[name] ?? 'undated'] as const]),
          )
          const rule = { include: [{ tags: all, newest }] }
          const whole = selected(rule, Object.keys(images), imagesOf(images))
          const rest = Object.keys(images).filter((_, i) => list[i]?.keep)
          const part = new Set(selected(rule, rest, imagesOf(images)))
          expect(whole.filter((tag) => rest.includes(tag) && !part.has(tag))).toEqual([])
        },
      ),
    )
  })
})
