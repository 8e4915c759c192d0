import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TagProtection } from '../../../../src/config/retention/policy.ts'
import { plainReading, type VersionReading } from '../../../../src/semver/version.ts'
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

const all = rule('all', { tags: globs('*') })
const calver: VersionReading = { ...plainReading, scheme: 'calver' }
const loose: VersionReading = { ...plainReading, scheme: 'loose' }
const alpine: VersionReading = { ...plainReading, variants: ['alpine'] }

const newest = (
  count: number,
  per: NonNullable<TagProtection['newest']>['per'] = 'repository',
  versions = '>=1.0.0',
): TagProtection => protection(range(versions), { per, count })

/** The tags that a protection keeps if a rule deletes everything else. */
function keptBy(
  protect: TagProtection,
  tags: readonly string[],
  reading: VersionReading = plainReading,
): readonly string[] {
  const { tag } = decideSketch(taggedInOrder(tags), { protect: [protect], rules: [all], reading })
  return tags.filter((name) => tag(name).verdict === 'keep')
}

function warningsOf(
  protect: readonly TagProtection[],
  tags: readonly string[],
  reading: VersionReading = plainReading,
  rules = [all],
): readonly string[] {
  return decideSketch(taggedInOrder(tags), { protect, rules, reading }).warnings
}

const months = Array.from({ length: 40 }, (_, i) => {
  const month = `${((i + 5) % 12) + 1}`.padStart(2, '0')
  return `${2022 + Math.floor((i + 5) / 12)}.${month}.0`
})

describe('a protection by version', () => {
  it('keeps 40 calendar versions under semver with a warning, and under calver the highest 2', () => {
    expect(keptBy(newest(2), months)).toEqual(months)
    expect(warningsOf([newest(2)], months)).toEqual([
      expect.stringMatching(/semver does not read 40 version-like tags \(2022\.06\.0, .*scheme: calver/),
    ])
    expect(keptBy(newest(2), months, calver)).toEqual(['2025.08.0', '2025.09.0'])
    expect(warningsOf([newest(2)], months, calver)).toEqual([])
  })

  it('names the protection as the reason, and shows that the tag is not read', () => {
    const { tag } = decideSketch(taggedImages({ '2022.06.0': 50 }), { protect: [newest(1)], rules: [all] })
    expect(tag('2022.06.0').why).toEqual({
      kind: 'versionLike',
      by: 'protected',
      text: 'protected: protected (version-like tag)',
    })
  })

  it('keeps the highest with four numbers under loose', () => {
    const tags = ['27.3.4', '27.3.4.1', '27.3.4.2']
    expect(keptBy(newest(1), tags, loose)).toEqual(['27.3.4.2'])
    expect(keptBy(newest(1), tags)).toEqual(tags)
  })

  it('reads build metadata as the environment does, and keeps it if it does not', () => {
    const tags = ['1.3.0', '1.3.1', '1.4.1_build.2', '1.4.2_build.3']
    expect(keptBy(newest(1), tags, { ...plainReading, buildMetadata: true })).toEqual(['1.4.2_build.3'])
    expect(keptBy(newest(1), tags)).toEqual(['1.3.1', '1.4.1_build.2', '1.4.2_build.3'])
    expect(warningsOf([newest(1)], tags)).toEqual([expect.stringContaining('buildMetadata: true')])
  })

  it('does not keep tags of ignoreVersions, and warns about none', () => {
    const reading = { ...plainReading, ignoreVersions: ['2022.*', '9.*'] }
    expect(keptBy(newest(1), ['2022.06.0', '9.0.0', '1.0.0'], reading)).toEqual(['1.0.0'])
    expect(warningsOf([newest(1)], ['2022.06.0', '9.0.0', '1.0.0'], reading)).toEqual([])
  })

  it('keeps version-like tags with a plain range too, except those that it excludes', () => {
    const tags = ['2022.06.0', '2023.06.0', '0.9.0']
    const selector = protection(range('>=1.0.0'))
    expect(keptBy(selector, tags)).toEqual(['2022.06.0', '2023.06.0'])
    const except = { ...selector, tags: { ...selector.tags, exclude: globs('2022.*') } }
    expect(keptBy(except, tags)).toEqual(['2023.06.0'])
  })

  it('that is by name keeps no version-like tags, and warns about none', () => {
    expect(keptBy(protection(globs('1.*')), ['1.0.0', '2022.06.0'])).toEqual(['1.0.0'])
    expect(warningsOf([protection(globs('1.*'))], ['1.0.0', '2022.06.0'])).toEqual([])
  })

  it('matches something if it only keeps version-like tags', () => {
    const { tag } = decideSketch(taggedImages({ '2022.06.0': 9, x: 9 }), {
      protect: [newest(1)],
      rules: [all],
    })
    expect(tag('x').verdict).toBe('delete')
  })

  it('keeps every version-like tag and the highest release, in any repository', () => {
    const anyTag = fc.oneof(
      fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }), fc.nat({ max: 3 })).map((n) => n.join('.')),
      fc.constantFrom('2024.04.1', '1.04.0', '1.2.3.4', '1.0.0_a', '01.0.0-rc.1', 'v2024.10.15'),
      fc.constantFrom('main', '1.4', '20240101', 'v0.0.0-rc.2'),
    )
    fc.assert(
      fc.property(fc.uniqueArray(anyTag, { minLength: 1, maxLength: 12 }), (tags) => {
        const kept = keptBy(newest(1, 'repository', '*'), tags)
        const unread = tags.filter(
          (tag) => /^v?\d+\.\d+\.\d+/.test(tag) && !/^v?[0-3]\.[0-3]\.[0-3](-|$)/.test(tag),
        )
        expect(kept).toEqual(expect.arrayContaining(unread))
        const releases = tags.filter((tag) => /^\d\.\d\.\d$/.test(tag)).toSorted()
        expect(kept).toEqual(expect.arrayContaining(releases.slice(-1)))
      }),
    )
  })
})

describe('newestPer', () => {
  const tags = ['1.2.2', '1.2.2-alpine', '1.2.3', '1.2.3-alpine']

  it('gives each declared variant lines of its own', () => {
    expect(keptBy(newest(1, 'minor'), tags, alpine)).toEqual(['1.2.3', '1.2.3-alpine'])
    expect(warningsOf([newest(1, 'minor')], tags, alpine)).toEqual([])
  })

  it('gives an undeclared suffix that looks like a variant lines of its own, with a warning', () => {
    expect(keptBy(newest(1, 'minor'), tags)).toEqual(['1.2.3', '1.2.3-alpine'])
    expect(warningsOf([newest(1, 'minor')], tags)).toEqual([
      'the suffix alpine looks like a variant, and protections by version read it as one: set variants: ["alpine"] under tags in dray.yaml, or list its tags under ignoreVersions',
    ])
  })

  it('suggests globs for suffixes that differ in a number', () => {
    const many = ['1.2.3-alpine', '1.2.4-alpine', '1.2.3-alpine3.20', '1.2.4-alpine3.20', '1.2.4']
    expect(warningsOf([newest(1, 'minor')], many)).toEqual([
      'the suffixes alpine, alpine3.20 look like variants, and protections by version read them as such: set variants: ["alpine*"] under tags in dray.yaml, or list their tags under ignoreVersions',
    ])
  })

  it('counts 1.2.3-alpine beside 1.2.3 as a variant, and as in the range that begins with 1.2.3', () => {
    expect(keptBy(newest(1, 'minor', '>=1.2.3'), ['1.2.3', '1.2.3-alpine'])).toEqual([
      '1.2.3',
      '1.2.3-alpine',
    ])
    expect(keptBy(protection(range('>=1.2.3')), ['1.2.3', '1.2.3-alpine'])).toEqual(['1.2.3', '1.2.3-alpine'])
  })

  it('counts a pre-release word, a number or a single commit as a pre-release', () => {
    const others = ['1.2.3-rc.1', '1.2.3-4', '1.2.3-gabc1234', '1.2.3-beta', '1.2.3']
    expect(keptBy(newest(1, 'minor'), others)).toEqual(['1.2.3'])
    expect(warningsOf([newest(1, 'minor')], others)).toEqual([])
  })

  it('keeps a pre-release of a variant in the lines of the variant', () => {
    const own = ['1.4.0-alpine', '1.5.0-rc.1-alpine', '1.4.0']
    expect(keptBy(newest(1), own, alpine)).toEqual(['1.5.0-rc.1-alpine', '1.4.0'])
  })

  it('keeps the newest of both orders if rc9 and rc10 disagree with their numbers', () => {
    const candidates = ['2.0.0-rc8', '2.0.0-rc9', '2.0.0-rc10', '2.0.0-rc11']
    expect(keptBy(newest(1), candidates)).toEqual(['2.0.0-rc9', '2.0.0-rc11'])
    expect(keptBy(newest(2), candidates)).toEqual(['2.0.0-rc8', '2.0.0-rc9', '2.0.0-rc10', '2.0.0-rc11'])
    expect(keptBy(newest(1), candidates, loose)).toEqual(['2.0.0-rc11'])
    expect(warningsOf([newest(1)], candidates)).toEqual([expect.stringContaining('rc.10')])
  })

  it.each([
    ['repository', ['2.1.0']],
    ['major', ['1.5.1', '2.1.0']],
    ['minor', ['1.4.9', '1.5.1', '2.0.0', '2.1.0']],
    ['patch', ['1.4.8', '1.4.9', '1.5.0', '1.5.1', '2.0.0', '2.1.0']],
  ] as const)('per %s orders by precedence', (per, kept) => {
    const versions = ['1.4.8', '1.4.9', '1.5.0', '1.5.1', '2.0.0', '2.1.0']
    expect(keptBy(newest(1, per), versions)).toEqual(kept)
  })
})

describe('a rule by version', () => {
  const unread = { kind: 'versionLike', by: 'r' }
  it.each([
    ['with a range', rule('r', { tags: range('<5') })],
    ['that orders by version', rule('r', { orderBy: { by: 'version' }, keepNewest: 1 })],
    ['that groups by a part of the version', rule('r', { groupBy: ['minor'], keepNewest: 1 })],
    ['that excludes a range', rule('r', { tags: { ...globs('*'), exclude: range('>=3') } })],
  ])('%s keeps version-like tags, and no later rule sees them', (_, first) => {
    const sketch = taggedInOrder(['1.0.0', '1.0.1', '2022.06.0'])
    const { tag, warnings } = decideSketch(sketch, { rules: [first, rule('others', { days: 1 })] })
    expect(tag('2022.06.0')).toMatchObject({ verdict: 'keep', why: unread })
    expect(warnings).toEqual([expect.stringContaining('2022.06.0')])
  })

  it('does not keep version-like tags that it does not select otherwise', () => {
    const sketch = taggedInOrder(['1.0.0', 'v2022.06.0'])
    const tags = { ...globs('1.*'), exclude: range('>=3') }
    const { tag } = decideSketch(sketch, { rules: [rule('r', { tags }), rule('others', { days: 1 })] })
    expect(tag('v2022.06.0')).toMatchObject({ verdict: 'delete', why: { by: 'others' } })
  })

  it('does not decide about version-like tags that an earlier rule selects by name', () => {
    const sketch = taggedInOrder(['1.0.0', '2022.06.0'])
    const dates = rule('dates', { tags: regex(String.raw`\d{4}\..*`) })
    expect(
      decideSketch(sketch, { rules: [dates, rule('r', { tags: range('<5') })] }).tag('2022.06.0').verdict,
    ).toBe('delete')
  })

  it('never selects pre-releases by a range', () => {
    const { tag } = decideSketch(taggedInOrder(['1.5.0', '1.5.0-rc.1', '1.4.0-rc.1']), {
      rules: [rule('r', { tags: range('<2.0.0') })],
    })
    expect(tag('1.5.0').verdict).toBe('delete')
    expect(tag('1.5.0-rc.1').why.kind).toBe('unmatched')
    expect(tag('1.4.0-rc.1').why.kind).toBe('unmatched')
  })
})

describe('a protection that keeps pre-releases without the releases is reported', () => {
  it('if the release is at the end of the range', () => {
    const protect = [protection(range('>=1.0.0 <2.0.0'))]
    expect(warningsOf(protect, ['1.9.0', '2.0.0-rc.1', '2.0.0'])).toEqual([
      'the protection "protected" keeps pre-releases without their releases: 2.0.0-rc.1 and not 2.0.0. To exclude such pre-releases, end the range with <2.0.0-0.',
    ])
    expect(warningsOf(protect, ['1.9.0', '2.0.0-rc.1'])).toEqual([])
    expect(warningsOf([...protect, protection(globs('2.0.0'))], ['1.9.0', '2.0.0-rc.1', '2.0.0'])).toEqual([])
    expect(warningsOf([protection(range('1.x'))], ['1.9.0', '2.0.0-rc.1', '2.0.0'])).toEqual([])
  })

  it('unless no rule selects the releases', () => {
    const rules = [rule('pr', { tags: globs('pr-*') })]
    const protect = [protection(range('>=1.0.0 <2.0.0')), newest(1)]
    expect(warningsOf(protect, ['1.9.0', '2.0.0-rc.1', '2.0.0', '3.0.0-rc.1'], plainReading, rules)).toEqual(
      [],
    )
  })

  it('if pre-releases take all places of a line', () => {
    const tags = ['1.8.0', '1.9.0', '2.0.0-rc.1']
    expect(warningsOf([newest(1)], tags)).toEqual([
      'the protection "protected" keeps pre-releases and no release of the same line, because pre-releases take all of its places: 2.0.0-rc.1 and not 1.9.0. Raise its count.',
    ])
    expect(warningsOf([newest(2)], tags)).toEqual([])
    expect(warningsOf([newest(1, 'minor')], tags)).toEqual([])
  })

  it('if the releases have two numbers or a prefix and are not read as versions', () => {
    const tags = ['1.4', '1.5', '1.6.0-rc.1']
    expect(warningsOf([newest(1)], tags)).toEqual([
      'the protection "protected" keeps only pre-releases, because the scheme semver does not read 1.4, 1.5 as versions. If they are releases, set scheme: loose and omit minor from semver under tags in dray.yaml.',
    ])
    expect(warningsOf([newest(1)], [...tags, '1.5.0'])).toHaveLength(1)
    expect(warningsOf([newest(1)], ['api-1.4.2', 'v1.6.0-rc.1'])).toEqual([
      'the protection "protected" keeps only pre-releases, because the scheme semver does not read api-1.4.2 as versions. If they are releases, protect them by a glob or a regular expression under tags.',
    ])
    expect(warningsOf([newest(1)], ['1.6.0-rc.1'])).toEqual([])
  })
})
