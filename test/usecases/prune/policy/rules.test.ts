import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainReading } from '../../../../src/semver/version.ts'
import {
  decideSketch,
  globs,
  protection,
  range,
  regex,
  rule,
  taggedImages,
  taggedInOrder,
} from '../../../support/repository-graphs.ts'

const builds = regex(String.raw`build-(?<n>\d+)`)
const byNumber = { by: 'number', group: 'n' } as const

/** The deleted names, sorted. */
function deletedOf(...args: Parameters<typeof decideSketch>): readonly string[] {
  return decideSketch(...args).deleted.toSorted()
}

describe('the first rule that selects a tag', () => {
  it('keeps 1 of v*, 1 of develop-* and 1 of the rest by one policy', () => {
    const sketch = taggedInOrder(['v1.0.0', 'v1.0.1', 'develop-1', 'develop-2', 'x1', 'x2'])
    const rules = [
      rule('releases', { tags: globs('v*'), keepNewest: 1 }),
      rule('develop', { tags: globs('develop-*'), keepNewest: 1 }),
      rule('others', { keepNewest: 1 }),
    ]
    expect(deletedOf(sketch, { rules })).toEqual(['develop-1', 'v1.0.0', 'x1'])
  })

  it('decides although it keeps the tag for a missing value', () => {
    const sketch = taggedImages({ 'build-x': 50, other: 50 })
    const rules = [
      rule('builds', { tags: globs('build-*'), orderBy: { by: 'version' }, keepNewest: 1 }),
      rule('others', { days: 1 }),
    ]
    const { tag, deleted } = decideSketch(sketch, { rules })
    expect(tag('build-x').why).toEqual({
      kind: 'unparsable',
      by: 'builds',
      text: 'builds: it has no version',
    })
    expect(deleted).toEqual(['other'])
  })

  it('decides, for any policy: a rule after it changes nothing for its tags', () => {
    const names = ['a-1', 'a-2', 'a-3', 'b-1', 'b-2', 'c'] as const
    const anyRule = (name: string) =>
      fc
        .record({
          tags: fc.subarray(['a-*', 'b-*', '*-1', 'c', '*'], { minLength: 1 }),
          keepNewest: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
          days: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
        })
        .map(({ tags, keepNewest, days }) =>
          rule(name, {
            tags: globs(...tags),
            ...(keepNewest !== undefined && { keepNewest }),
            ...(days !== undefined && { days }),
          }),
        )
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(names.map((name) => [name, fc.integer({ min: 0, max: 90 })]))),
        anyRule('first'),
        anyRule('second'),
        (ages, first, second) => {
          const alone = decideSketch(taggedImages(ages), { rules: [first] })
          const both = decideSketch(taggedImages(ages), { rules: [first, second] })
          const selected = names.filter((name) => alone.tag(name).why.kind !== 'unmatched')
          const whys = (decided: typeof alone) => selected.map((name) => decided.tag(name).why)
          expect(whys(both)).toEqual(whys(alone))
        },
      ),
    )
  })
})

describe('exclude', () => {
  it('removes tags from the selection, and a later rule sees them', () => {
    const sketch = taggedImages({ 'pr-1': 50, 'pr-2-keep': 50, 'pr-3-keep': 2 })
    const pr = rule('pr', { tags: { ...globs('pr-*'), exclude: globs('pr-*-keep') } })
    expect(deletedOf(sketch, { rules: [pr] })).toEqual(['pr-1'])
    const rules = [pr, rule('others', { days: 14 })]
    expect(deletedOf(sketch, { rules })).toEqual(['pr-1', 'pr-2-keep'])
  })

  it('takes expressions and ranges; a range of a rule excludes pre-releases too', () => {
    const sketch = taggedImages({ 'pr-1': 50, 'pr-22': 50, '1.4.0': 50, '1.5.0-rc.1': 50, '0.9.0': 50 })
    const all = { kind: 'glob', globs: ['*'] } as const
    const digits = rule('a', { tags: { ...all, exclude: regex(String.raw`pr-\d`) } })
    expect(deletedOf(sketch, { rules: [digits] })).toEqual(['0.9.0', '1.4.0', '1.5.0-rc.1', 'pr-22'])
    const { tags: kept } = protection(range('>=1.0.0'))
    const versions = rule('b', { tags: { ...all, exclude: kept } })
    expect(deletedOf(sketch, { rules: [versions] })).toEqual(['0.9.0', 'pr-1', 'pr-22'])
  })

  it('removes tags from a protection', () => {
    const sketch = taggedImages({ 'prod-1': 50, 'prod-old': 50 })
    const protect = [protection({ ...globs('prod-*'), exclude: globs('prod-old') })]
    expect(deletedOf(sketch, { protect, rules: [rule('all', { days: 1 })] })).toEqual(['prod-old'])
  })
})

describe('orderBy', () => {
  it('number deletes 28 of 30 images of 1980 with keepNewest 2', () => {
    const ages = Array.from({ length: 30 }, (_, i) => [`build-${i + 1}`, undefined])
    const rules = [rule('builds', { tags: builds, orderBy: byNumber, keepNewest: 2 })]
    const { tag, deleted, warnings } = decideSketch(taggedImages(Object.fromEntries(ages)), { rules })
    expect(deleted).toHaveLength(28)
    expect(warnings).toEqual([])
    expect(tag('build-9').why.text).toBe('builds: not among the highest 2 by number n')
    expect(tag('build-30')).toMatchObject({
      verdict: 'keep',
      why: { kind: 'kept', text: 'builds: among the highest 2 by number n' },
    })
  })

  it('number compares numbers of any length, and ignores zero padding', () => {
    const sketch = taggedImages({
      'build-99999999999999999998': 1,
      'build-99999999999999999999': 9,
      'build-100000000000000000000': 9,
      'build-0100000000000000000000': 9,
    })
    const rules = [rule('builds', { tags: builds, orderBy: byNumber, keepNewest: 1 })]
    expect(deletedOf(sketch, { rules })).toEqual(['build-99999999999999999998', 'build-99999999999999999999'])
  })

  it('number keeps a tag without the number, which takes no slot', () => {
    const sketch = taggedImages({ 'build-1': 9, 'build-2': 9, 'build-x': 9, build: 9 })
    const tags = regex(String.raw`build(-(?<n>\d+|x))?`)
    const { tag, deleted } = decideSketch(sketch, {
      rules: [rule('builds', { tags, orderBy: byNumber, keepNewest: 1 })],
    })
    expect(deleted).toEqual(['build-1'])
    for (const name of ['build-x', 'build'])
      expect(tag(name).why).toEqual({
        kind: 'unparsable',
        by: 'builds',
        text: 'builds: it has no number n',
      })
  })

  it('name compares runs of digits as numbers', () => {
    const sketch = taggedImages({ 'b-9': 1, 'b-10': 9, 'b-100': 9, 'b-20240105093000121': 9 })
    const rules = [rule('all', { orderBy: { by: 'name' }, keepNewest: 2 })]
    expect(deletedOf(sketch, { rules })).toEqual(['b-10', 'b-9'])
  })

  it('version compares by precedence, exact at any length, and keeps tags that are no version', () => {
    const sketch = taggedImages({
      '1.0.0-20240105093000121': 1,
      '1.0.0-20240105093000122': 9,
      '1.0.0-rc.10': 9,
      '1.0.0-rc.9': 9,
      main: 9,
    })
    const { tag, deleted } = decideSketch(sketch, {
      rules: [rule('all', { orderBy: { by: 'version' }, keepNewest: 1 })],
    })
    expect(deleted.toSorted()).toEqual(['1.0.0-20240105093000121', '1.0.0-20240105093000122', '1.0.0-rc.9'])
    expect(tag('main').why.kind).toBe('unparsable')
    const dated = decideSketch(sketch, {
      rules: [rule('dated', { tags: globs('1.0.0-2*'), orderBy: { by: 'version' }, keepNewest: 1 })],
    })
    expect(dated.deleted).toEqual(['1.0.0-20240105093000121'])
  })

  it('version reads tags as the repository does', () => {
    const sketch = taggedImages({ '2024.04.1': 1, '2024.10.1': 9, '2024.9.1': 9 })
    const rules = [rule('all', { orderBy: { by: 'version' }, keepNewest: 1 })]
    expect(deletedOf(sketch, { rules, reading: { ...plainReading, scheme: 'calver' } })).toEqual([
      '2024.04.1',
      '2024.9.1',
    ])
    expect(deletedOf(sketch, { rules })).toEqual([])
  })

  it.each([
    ['time', taggedImages({ a: 3, b: 2, c: 2 }), { by: 'time' }],
    ['name', taggedImages({ 'b-1': 1, 'b-2': 1, 'b-02': 1 }), { by: 'name' }],
    ['number', taggedImages({ 'build-1': 1, 'build-2': 1, 'build-02': 1 }), byNumber],
    ['version', taggedImages({ '1.0.0': 1, '1.1.0': 1, 'v1.1.0': 1 }), { by: 'version' }],
  ] as const)('%s keeps ties', (_, sketch, orderBy) => {
    const tags = orderBy.by === 'number' ? { tags: builds } : {}
    const [lowest] = Object.keys(sketch.tags)
    expect(deletedOf(sketch, { rules: [rule('all', { ...tags, orderBy, keepNewest: 1 })] })).toEqual([lowest])
    expect(deletedOf(sketch, { rules: [rule('all', { ...tags, orderBy, keepNewest: 2 })] })).toEqual([lowest])
  })

  it('counts a digest with several tags once, at its highest position', () => {
    const { deleted, tag } = decideSketch(
      {
        tags: { 'build-1': 'a', 'build-9': 'a', 'build-5': 'b', 'build-7': 'c' },
        manifests: { a: {}, b: {}, c: {} },
      },
      { rules: [rule('builds', { tags: builds, orderBy: byNumber, keepNewest: 2 })] },
    )
    expect(deleted).toEqual(['b'])
    expect(tag('build-1').why.text).toBe('builds: among the highest 2 by number n')
  })

  it('gives no slot to protected images', () => {
    const sketch = taggedImages({ 'build-1': 9, 'build-2': 9, 'build-3': 9 })
    const rules = [rule('builds', { tags: builds, orderBy: byNumber, keepNewest: 1 })]
    expect(deletedOf(sketch, { rules, protect: [protection(globs('build-3'))] })).toEqual(['build-1'])
  })

  it('counts before age, and olderThan still needs a time', () => {
    const sketch = taggedImages({ 'build-1': undefined, 'build-2': 50, 'build-3': 2, 'build-4': undefined })
    const rules = [rule('builds', { tags: builds, orderBy: byNumber, keepNewest: 1, days: 14 })]
    const { tag, deleted } = decideSketch(sketch, { rules })
    expect(deleted).toEqual(['build-2'])
    expect(tag('build-1').why).toMatchObject({ kind: 'undated', by: 'builds' })
    expect(tag('build-3').why.text).toBe('builds: 2d old, not older than 14d')
    expect(tag('build-4').why.kind).toBe('kept')
  })

  it('keeps exactly the digests above the last place, in any order and group', () => {
    const anyTag = fc
      .tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 12 }))
      .map(([app, n]) => `${app}-${n}`)
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(anyTag, fc.integer({ min: 0, max: 8 })), {
          selector: ([tag]) => tag,
          minLength: 1,
          maxLength: 15,
        }),
        fc.integer({ min: 1, max: 4 }),
        (pairs, keepNewest) => {
          const digests = [...new Set(pairs.map(([, image]) => `${image}`))]
          const tags = regex(String.raw`(?<app>.)-(?<n>\d+)`)
          const { tag } = decideSketch(
            {
              tags: Object.fromEntries(pairs.map(([name, image]) => [name, `${image}`])),
              manifests: Object.fromEntries(digests.map((name) => [name, {}])),
            },
            { rules: [rule('r', { tags, groupBy: ['app'], orderBy: byNumber, keepNewest })] },
          )
          const highest = (app: string, image: number): number =>
            Math.max(
              ...pairs.filter(([t, i]) => i === image && t[0] === app).map(([t]) => Number(t.slice(2))),
            )
          for (const [name, image] of pairs) {
            const app = name[0] ?? ''
            const images = new Set(pairs.filter(([t]) => t[0] === app).map(([, i]) => i))
            const above = [...images].filter((other) => highest(app, other) > highest(app, image))
            const isKept = tag(name).why.kind === 'kept'
            expect(isKept).toBe(above.length < keepNewest)
          }
        },
      ),
    )
  })
})

describe('groupBy', () => {
  it('keeps the newest 2 per minor and variant by one rule', () => {
    const sketch = taggedInOrder([
      '1.4.0',
      '1.4.0-alpine',
      '1.4.1',
      '1.4.1-alpine',
      '1.4.2',
      '1.4.2-alpine',
      '1.5.0-alpine',
      '1.5.0',
    ])
    const rules = [rule('all', { groupBy: ['minor', 'variant'], orderBy: { by: 'version' }, keepNewest: 2 })]
    const reading = { ...plainReading, variants: ['alpine'] }
    const { deleted, tag } = decideSketch(sketch, { rules, reading })
    expect(deleted.toSorted()).toEqual(['1.4.0', '1.4.0-alpine'])
    expect(tag('1.4.0').why.text).toBe('all: not among the highest 2 by version of minor 1.4, variant (none)')
    expect(tag('1.4.2-alpine').why.text).toBe(
      'all: among the highest 2 by version of minor 1.4, variant alpine',
    )
  })

  it('counts in each combination of a named group and a part of the version', () => {
    const sketch = taggedInOrder(['web-1', 'web-2', 'api-1', 'api-2', 'api-3'])
    const tags = regex(String.raw`(?<app>.+)-\d+`)
    expect(deletedOf(sketch, { rules: [rule('all', { tags, groupBy: ['app'], keepNewest: 1 })] })).toEqual([
      'api-1',
      'api-2',
      'web-1',
    ])
  })

  it('patch counts versions with four numbers together', () => {
    const sketch = taggedImages({ '27.3.4': 9, '27.3.4.1': 9, '27.3.4.2': 9, '27.3.5': 9 })
    const rules = [rule('all', { groupBy: ['patch'], orderBy: { by: 'version' }, keepNewest: 1 })]
    const reading = { ...plainReading, scheme: 'loose' as const }
    expect(deletedOf(sketch, { rules, reading })).toEqual(['27.3.4', '27.3.4.1'])
  })

  it('keeps a tag that lacks a value, also a tag without a version for variant', () => {
    const sketch = taggedImages({ '1.4.0': 9, '1.4.1': 8, main: 9 })
    const { deleted, tag } = decideSketch(sketch, {
      rules: [rule('all', { groupBy: ['variant'], keepNewest: 1 })],
    })
    expect(deleted).toEqual(['1.4.0'])
    expect(tag('main').why).toEqual({ kind: 'unparsable', by: 'all', text: 'all: it has no variant' })
  })

  it('prefers a named group to a part of the version', () => {
    const sketch = taggedInOrder(['1.4.0-web', '1.5.0-web', '1.4.0-api'])
    const tags = regex(String.raw`\d+\.\d+\.\d+-(?<minor>.+)`)
    expect(deletedOf(sketch, { rules: [rule('all', { tags, groupBy: ['minor'], keepNewest: 1 })] })).toEqual([
      '1.4.0-web',
    ])
  })
})

describe('images without a time', () => {
  const ages = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`build-${i + 1}`, undefined]))

  it('are kept by a rule that counts by time, with a warning that has their number and the fix', () => {
    const { deleted, warnings } = decideSketch(taggedImages(ages), {
      rules: [rule('builds', { tags: builds, keepNewest: 2 })],
    })
    expect(deleted).toEqual([])
    expect(warnings).toEqual([
      'the rule "builds" keeps 30 images only because they have no time. Set orderBy to count them by version, name or number, or add a source of their time to timeFrom.',
    ])
  })

  it('are kept by a rule with olderThan, whose warning does not advise orderBy alone', () => {
    const { warnings } = decideSketch(taggedImages({ a: undefined, b: 50 }), {
      rules: [rule('old', { days: 14 })],
    })
    expect(warnings).toEqual([
      'the rule "old" keeps 1 image only because it has no time. In dray.yaml, add a source of its time to timeFrom, or count them with orderBy and keepNewest, without olderThan.',
    ])
  })

  it('are no warning if keepNewest keeps all images of the group, or a protection does', () => {
    const few = decideSketch(taggedImages({ 'build-1': undefined, 'build-2': 50 }), {
      rules: [rule('builds', { tags: builds, keepNewest: 2 })],
    })
    expect(few.warnings).toEqual([])
    expect(few.tag('build-1').why).toMatchObject({ kind: 'kept', text: 'builds: among the newest 2' })
    const guarded = decideSketch(taggedImages({ prod: undefined, x: 50 }), {
      rules: [rule('old', { days: 14 })],
      protect: [protection(globs('prod'))],
    })
    expect(guarded.warnings).toEqual([])
  })

  it('are counted once for each image and only by the rule that decides', () => {
    const { warnings } = decideSketch(
      { tags: { a: 'x', b: 'x', c: 'y' }, manifests: { x: {}, y: {} } },
      { rules: [rule('one', { tags: globs('a', 'b'), days: 1 }), rule('two', { days: 1 })] },
    )
    expect(warnings.map((text) => text.slice(0, 30))).toEqual([
      'the rule "one" keeps 1 image o',
      'the rule "two" keeps 1 image o',
    ])
  })
})
