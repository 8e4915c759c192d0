import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/parse.ts'
import { findPolicy, retentionOf } from '../../../src/config/retention/retention.ts'
import type { RetentionPolicy } from '../../../src/config/retention/policy.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { isInRange } from '../../../src/semver/range/range.ts'
import { parseVersion, plainReading } from '../../../src/semver/version.ts'

const head = `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  prod: { registry: r.example.com, path: "prod/{image}" }
images: { api: {}, web: { name: frontend/web } }
`
const day = 86_400_000

const load = (retention: string) =>
  parseConfig({ file: '/etc/dray/dray.yaml', content: `${head}${retention}` }, 'dray.yaml')

const read = (retention: string): readonly RetentionPolicy[] => retentionOf(load(retention))

/** One policy with these rules and protections, in YAML's flow form. */
const policy = (rules: string, protect?: string): string =>
  `retention:\n  rules: [${rules}]\n${protect === undefined ? '' : `  protect: [${protect}]\n`}`

const only = (text: string): RetentionPolicy => findPolicy(read(text))

/** The problems in the file, one per line, without the name of the file. */
function problems(text: string): readonly string[] {
  try {
    read(text)
    return []
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
    return thrown.details ?? [thrown.message]
  }
}

const whole = `retention:
  protect:
    - tags: [latest, "prod-*"]
    - semver: { range: ">=1.0.0", newestPer: minor, count: 2 }
    - { name: running, inUse: { files: ["gitops/**/*.yaml"], kubectl: { contexts: [eu, us] } }, optional: true }
    - { repositories: [ "@prod" ], tags: { regex: 'r-\\d+' } }
  rules:
    - name: pull-requests
      repositories: ["@dev/*"]
      tags: { regex: 'pr-(?<number>\\d+)-.*' }
      groupBy: number
      keepNewest: 3
      olderThan: 14d
    - name: nightlies
      repositories: ["@dev/**"]
      tags: { glob: ["nightly-*"] }
      olderThan: 8w
    - { name: old, tags: { semver: "<1" }, groupBy: minor, keepNewest: 1 }
  limits: { maxDeletes: 200, maxPercent: 20, minRemaining: 1 }
`

describe('the section retention', () => {
  it('has its short forms expanded and its ages in milliseconds', () => {
    const { name, protect, rules, limits, timeFrom } = only(whole)
    expect(name).toBeUndefined()
    expect(limits).toEqual({ maxDeletes: 200, maxPercent: 20, minRemaining: 1 })
    expect(timeFrom).toEqual(['promoted', 'annotation', 'config'])
    expect(protect.map((one) => [one.name, one.kind, one.optional])).toEqual([
      ['tags latest, prod-*', 'tags', false],
      ['versions >=1.0.0, the highest 2 of each minor', 'tags', false],
      ['running', 'inUse', true],
      [String.raw`tags /r-\d+/ in @prod`, 'tags', false],
    ])
    expect(protect[0]).toMatchObject({ tags: { kind: 'glob', globs: ['latest', 'prod-*'] } })
    expect(protect[1]).toMatchObject({ newest: { per: 'minor', count: 2 }, tags: { kind: 'semver' } })
    expect(protect[2]).toMatchObject({
      inUse: {
        files: { globs: ['gitops/**/*.yaml'], folder: '/etc/dray' },
        kubectl: { contexts: ['eu', 'us'] },
      },
    })
    expect(rules).toMatchObject([
      {
        name: 'pull-requests',
        repositories: [{ text: '@dev/*' }],
        tags: { kind: 'regex', regex: { groups: ['number'] } },
        groupBy: ['number'],
        keepNewest: 3,
        olderThan: 14 * day,
      },
      { name: 'nightlies', tags: { kind: 'glob', globs: ['nightly-*'] }, olderThan: 56 * day },
      { name: 'old', tags: { kind: 'semver', text: '<1' }, groupBy: ['minor'], keepNewest: 1 },
    ])
    expect(rules[0]).toMatchObject({ kind: 'tags', orderBy: { by: 'time' } })
    expect(Object.keys(rules[1] ?? {})).toEqual([
      'name',
      'kind',
      'repositories',
      'tags',
      'orderBy',
      'olderThan',
    ])
  })

  it('has kinds, orders, groups and exceptions of rules', () => {
    const { rules, timeFrom } = only(`retention:
  rules:
    - { name: broken, kind: broken, olderThan: 30d }
    - name: pull-requests
      tags: { regex: 'pr-(?<number>\\d+)-.*', exclude: ["pr-*-keep"] }
      groupBy: [number, variant]
      keepNewest: 3
    - { name: builds, tags: { regex: 'build-(?<n>\\d+)' }, orderBy: { number: n }, keepNewest: 20 }
    - { name: superseded, kind: superseded, tags: [stable], keepNewest: 3, olderThan: 14d }
    - { name: others, tags: { exclude: { semver: ">=1" } }, orderBy: version, keepNewest: 20 }
  timeFrom: [pushed, promoted]
`)
    expect(timeFrom).toEqual(['pushed', 'promoted'])
    expect(rules).toMatchObject([
      { kind: 'broken', orderBy: { by: 'time' } },
      {
        kind: 'tags',
        tags: { kind: 'regex', exclude: { kind: 'glob', globs: ['pr-*-keep'] } },
        groupBy: ['number', 'variant'],
      },
      { orderBy: { by: 'number', group: 'n' } },
      { kind: 'superseded', tags: { globs: ['stable'] } },
      { tags: { kind: 'glob', globs: ['*'], exclude: { kind: 'semver' } }, orderBy: { by: 'version' } },
    ])
  })

  it('has rules about untagged manifests and about pulls', () => {
    const { rules } = only(`retention:
  rules:
    - { name: untagged, repositories: ["@dev/**"], untagged: true, olderThan: 14d }
    - { name: unused, tags: ["*"], notPulledFor: 90d }
    - { name: idle, untagged: true, olderThan: 1d, notPulledFor: 12h }
    - { name: all, notPulledFor: 90d }
`)
    expect(rules).toMatchObject([
      { kind: 'untagged', olderThan: 14 * day },
      { kind: 'tags', notPulledFor: 90 * day },
      { kind: 'untagged', olderThan: day, notPulledFor: day / 2 },
      { kind: 'tags', notPulledFor: 90 * day },
    ])
  })

  it('has one policy, or several with names, of which one is selected', () => {
    const two = read(`retention:
  nightly: { rules: [{ name: a, olderThan: 1d }] }
  weekly: { rules: [{ name: a, olderThan: 1w }], timeFrom: [config] }
`)
    expect(two.map(({ name }) => name)).toEqual(['nightly', 'weekly'])
    expect(findPolicy(two, 'weekly').timeFrom).toEqual(['config'])
    const refusal = (name: string | undefined, message: string, hint: string) => {
      expect(() => findPolicy(two, name)).toThrowError(
        expect.objectContaining({
          code: 'usage',
          message: expect.stringContaining(message) as unknown,
          hint: expect.stringContaining(hint) as unknown,
        }),
      )
    }
    refusal(undefined, 'several', 'nightly, weekly')
    refusal('nightlies', 'no retention policy "nightlies"', 'Did you mean "nightly"?')
    expect(() => findPolicy(read(whole), 'x')).toThrowError('no retention policy "x"')
    const isMissing = (hint: string) =>
      expect.objectContaining({ message: 'no retention policy is configured', hint })
    expect(() => findPolicy([])).toThrowError(isMissing('Write a dray.yaml: dray config init'))
    expect(() => findPolicy([], undefined, '/p/my.yaml')).toThrowError(
      isMissing('Add a retention section to my.yaml. To print one, run: dray config init --print'),
    )
  })

  it('has one policy with a name if it has one', () => {
    expect(only('retention:\n  x: { rules: [{ name: a, olderThan: 15m }] }\n')).toMatchObject({
      name: 'x',
      rules: [{ olderThan: 900_000 }],
    })
  })

  it('includes pre-releases in the ranges of protections', () => {
    const [protection] = only(
      policy('{ name: a, olderThan: 1d }', '{ semver: { range: ">=1.4 <2" } }'),
    ).protect
    const rc = parseVersion('1.5.0-rc.1', plainReading)
    if (protection?.kind !== 'tags' || protection.tags.kind !== 'semver' || rc === undefined)
      throw new Error('no range')
    expect(isInRange(rc, protection.tags.range)).toBe(true)
  })

  it('has the same hash if and only if just the order of keys differs', () => {
    const rules = (text: string) => only(policy(text)).hash
    const one = rules('{ name: a, tags: ["x-*", y], olderThan: 1d }')
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(rules('{ olderThan: 1d, tags: ["x-*", y], name: a }')).toBe(one)
    expect(only(`retention: { n: { rules: [{ name: a, tags: ["x-*", y], olderThan: 1d }] } }`).hash).toBe(one)
    expect(rules('{ name: a, tags: ["x-*", y], olderThan: 2d }')).not.toBe(one)
    expect(rules('{ name: a, tags: ["x-*", z], olderThan: 1d }')).not.toBe(one)
    expect(rules('{ name: b, tags: ["x-*", y], olderThan: 1d }')).not.toBe(one)
  })

  it('has only its shape checked for commands that do not use it', () => {
    const loaded = load(policy('{ name: a, tags: { regex: "(" } }'))
    expect(loaded.retention).toBeDefined()
    expect(() => retentionOf(loaded)).toThrowError('is not a regular expression')
  })
})

describe('the shape of a policy', () => {
  it.each([
    ['nothing', 'retention:\n', '6:11: retention: must be a map'],
    ['no policy', 'retention: {}\n', '6:12: retention: it contains no policy'],
    ['no rules', 'retention: { protect: [{ tags: [a] }] }\n', '6:12: retention.rules: the key is missing'],
    ['no rule', 'retention: { rules: [] }\n', 'retention.rules: must have at least one entry'],
    ['rules that are a map', 'retention: { rules: { name: a } }\n', 'rules: must be a list of rules'],
    [
      'a misspelled key',
      'retention: { rulse: [{ name: a }] }\n',
      '6:14: retention.rulse: unknown key "rulse"; did you mean "rules"?',
    ],
    [
      'a name beside the keys of one policy',
      'retention: { rules: [{ name: a, olderThan: 1d }], nightly: {} }\n',
      'unknown key "nightly"',
    ],
    [
      'a misspelled key in one of several policies',
      'retention: { nightly: { rules: [{ name: a, olderThan: 1d }], limit: {} } }\n',
      '6:62: retention.nightly.limit: unknown key "limit"; did you mean "limits"?',
    ],
    ['a policy that is nothing', 'retention: { nightly: }\n', 'retention.nightly: must be a map'],
    [
      'a name in upper case',
      'retention: { Nightly: { limits: {} } }\n',
      'must consist of lower-case letters',
    ],
    ['a name of JavaScript', 'retention: { constructor: {} }\n', 'cannot be used as a name'],
    [
      'a rule without a name',
      policy('{ olderThan: 1d }'),
      '7:11: retention.rules[0].name: the key is missing',
    ],
    ['a mistyped condition', policy('{ name: a, keepNewset: 1 }'), 'did you mean "keepNewest"?'],
    ['a mistyped selector', policy('{ name: a, tags: { regexp: a } }'), 'did you mean "regex"?'],
    [
      'tags that are a string',
      policy('{ name: a, tags: a }'),
      'tags: must be a list of globs, or a map with `glob`',
    ],
    ['no tags', policy('{ name: a, tags: [] }'), 'tags: must have at least one entry'],
    ['a glob that is a number', policy('{ name: a, tags: [1.4] }'), 'tags[0]: must be a glob of tags'],
    ['no globs', policy('{ name: a, tags: { glob: [] } }'), 'tags.glob: must have at least one entry'],
    [
      'no repositories',
      policy('{ name: a, repositories: [], olderThan: 1d }'),
      'must have at least one entry',
    ],
    ['a number of days', policy('{ name: a, olderThan: 14 }'), 'olderThan: must be an age'],
    ['months', policy('{ name: a, olderThan: 3M }'), 'olderThan: must be an age'],
    ['seconds', policy('{ name: a, olderThan: 30s }'), 'olderThan: must be an age'],
    ['a sum of ages', policy('{ name: a, olderThan: 1d12h }'), 'olderThan: must be an age'],
    ['a negative age', policy('{ name: a, olderThan: -1d }'), 'olderThan: must be an age'],
    ['a fraction of a day', policy('{ name: a, olderThan: 1.5d }'), 'olderThan: must be an age'],
    ['an age with a space', policy('{ name: a, olderThan: 14 d }'), 'olderThan: must be an age'],
    ['keepNewest: 0', policy('{ name: a, keepNewest: 0 }'), 'keepNewest: must be at least 1; omit the key'],
    ['keepNewest: -1', policy('{ name: a, keepNewest: -1 }'), 'keepNewest: must be at least 1'],
    ['half a digest', policy('{ name: a, keepNewest: 1.5 }'), 'keepNewest: must be a whole number'],
    ['all digests', policy('{ name: a, keepNewest: .inf }'), 'keepNewest: must be a whole number'],
    ['text for a count', policy('{ name: a, keepNewest: "3" }'), 'keepNewest: must be a whole number'],
    [
      'an unknown line',
      policy('{ name: a, olderThan: 1d }', '{ semver: { range: "1", newestPer: patches, count: 1 } }'),
      'must be repository, major, minor or patch',
    ],
    [
      'no versions',
      policy('{ name: a, olderThan: 1d }', '{ semver: { range: "1", newestPer: major, count: 0 } }'),
      'count: must be at least 1',
    ],
    [
      'no contexts',
      policy('{ name: a, olderThan: 1d }', '{ inUse: { kubectl: { contexts: [] } } }'),
      'contexts: must have at least one entry',
    ],
    [
      'no files',
      policy('{ name: a, olderThan: 1d }', '{ inUse: { files: [] } }'),
      'files: must have at least one entry',
    ],
    [
      'files that are a string',
      policy('{ name: a, olderThan: 1d }', '{ inUse: { files: a } }'),
      'files: must be a list of globs of files',
    ],
    [
      'a protection without a condition',
      policy('{ name: a, olderThan: 1d }', '~'),
      'protect[0]: must be a map with `tags`, `semver` or `inUse`',
    ],
    [
      'more than 100 percent',
      'retention: { limits: { maxPercent: 101 }, rules: [{ name: a, olderThan: 1d }] }\n',
      'maxPercent: must be from 0 to 100',
    ],
    [
      'a negative number',
      'retention: { limits: { maxDeletes: -1 }, rules: [{ name: a, olderThan: 1d }] }\n',
      'maxDeletes: must be at least 0',
    ],
    [
      'a percent sign',
      'retention: { limits: { maxPercent: 20% }, rules: [{ name: a, olderThan: 1d }] }\n',
      'maxPercent: must be a number',
    ],
    [
      'no number',
      'retention: { limits: { maxPercent: .nan }, rules: [{ name: a, olderThan: 1d }] }\n',
      'maxPercent: must be a number',
    ],
    [
      'no times',
      'retention: { timeFrom: [], rules: [{ name: a, olderThan: 1d }] }\n',
      'timeFrom: must have at least one entry',
    ],
    [
      'another time',
      'retention: { timeFrom: [built], rules: [{ name: a, olderThan: 1d }] }\n',
      'timeFrom[0]: must be promoted, annotation, config or pushed',
    ],
    [
      'a time twice',
      'retention: { timeFrom: [config, config], rules: [{ name: a, olderThan: 1d }] }\n',
      '6:24: retention.timeFrom: it lists a source twice',
    ],
  ])('with %s is refused with its position', (_, text, message) => {
    const found = problems(text)
    expect(found.join('\n')).toContain(message)
    for (const line of found) expect(line).toMatch(/^dray\.yaml:\d+:\d+: /)
  })
})

describe('a policy', () => {
  const aged = 'olderThan: 1d'
  it.each([
    ['deletes everything', '{ name: a }', 'rules[0]: it deletes everything'],
    ['deletes everything in some repositories', '{ name: a, repositories: ["@dev"] }', 'deletes everything'],
    ['has a lookahead', `{ name: a, tags: { regex: 'pr-(?=x)' } }`, 'RE2 has no look-around'],
    ['has a lookbehind', `{ name: a, tags: { regex: '(?<!x)pr' } }`, 'RE2 has no look-around'],
    ['refers back', String.raw`{ name: a, tags: { regex: '(a)\1' } }`, 'RE2 has no look-around'],
    [
      'has a named backreference',
      String.raw`{ name: a, tags: { regex: '(?<n>a)\k<n>' } }`,
      'RE2 has no look-around',
    ],
    ['counts possessively', `{ name: a, tags: { regex: 'a*+' } }`, 'RE2 has no look-around'],
    [
      'has an invalid regex',
      `{ name: a, tags: { regex: '(' } }`,
      '7:37: retention.rules[0].tags.regex: "(" is not',
    ],
    [
      'has a huge regex',
      `{ name: a, tags: { regex: '((a{100}){100}){100}' } }`,
      'is not a regular expression',
    ],
    ['has a glob with alternatives', '{ name: a, tags: ["pr-(a|b)"] }', 'matches no tag: a glob consists of'],
    ['has a glob with classes', '{ name: a, tags: ["[a-z]*"] }', 'write a regular expression under `regex`'],
    [
      'has a glob with a slash',
      '{ name: a, tags: { glob: [x, "pr/*"] } }',
      '7:40: retention.rules[0].tags.glob[1]: "pr/*" matches no tag',
    ],
    ['has a glob that begins as no tag does', '{ name: a, tags: ["-*"] }', 'matches no tag'],
    ['has a glob longer than any tag', `{ name: a, tags: ["${'a'.repeat(129)}*"] }`, 'matches no tag'],
    [
      'has two selectors in one rule',
      '{ name: a, tags: { glob: a, semver: "1" } }',
      'one of `glob`, `regex` and `semver`, not several',
    ],
    ['has a selector of nothing', '{ name: a, tags: {} }', 'must have one of `glob`, `regex` and `semver`'],
    ['has an invalid range', '{ name: a, tags: { semver: latest } }', '"latest" is not a range of versions'],
    ['has a range with a gap', '{ name: a, tags: { semver: "1.x ||" } }', 'is not a range of versions'],
    ['has a range without versions', '{ name: a, tags: { semver: ">2 <1" } }', 'matches no version'],
    [
      'has a range of pre-releases only',
      '{ name: a, tags: { semver: ">=1.0.0-rc.1 <1.0.0" } }',
      'matches only pre-releases',
    ],
    [
      'has groupBy without keepNewest',
      `{ name: a, tags: { semver: "1" }, groupBy: major, ${aged} }`,
      '`groupBy` needs `keepNewest`',
    ],
    [
      'groups by an unknown group',
      `{ name: a, tags: { regex: '(?<number>x)' }, groupBy: numbr, keepNewest: 1 }`,
      'no group "numbr"; did you mean "number"?',
    ],
    [
      'groups globs by a group of a regex',
      '{ name: a, tags: [a], groupBy: number, keepNewest: 1 }',
      'no group "number"; known: major, minor, patch, variant',
    ],
    [
      'groups versions by build',
      '{ name: a, tags: { semver: "1" }, groupBy: build, keepNewest: 1 }',
      'no group "build"; known: major, minor, patch, variant',
    ],
    [
      'lists a group twice',
      '{ name: a, tags: { semver: "1" }, groupBy: [minor, variant, minor], keepNewest: 1 }',
      '7:71: retention.rules[0].groupBy[2]: "minor" is listed twice',
    ],
    [
      'groups by a known and an unknown group',
      '{ name: a, tags: { semver: "1" }, groupBy: [minor, varient], keepNewest: 1 }',
      'groupBy[1]: there is no group "varient"; did you mean "variant"?',
    ],
    ['lists no group', '{ name: a, groupBy: [], keepNewest: 1 }', 'groupBy: must have at least one entry'],
    [
      'has orderBy without keepNewest',
      `{ name: a, orderBy: version, ${aged} }`,
      '7:22: retention.rules[0].orderBy: `orderBy` needs `keepNewest`',
    ],
    [
      'orders by an unknown value',
      '{ name: a, orderBy: semver, keepNewest: 1 }',
      'orderBy: must be time, version or name, or a map with `number`',
    ],
    [
      'orders by a list',
      '{ name: a, orderBy: [time], keepNewest: 1 }',
      'orderBy: must be time, version or name, or a map with `number`',
    ],
    ['orders by no number', '{ name: a, orderBy: {}, keepNewest: 1 }', 'orderBy.number: the key is missing'],
    [
      'orders by an unknown group',
      `{ name: a, tags: { regex: 'b-(?<num>.*)' }, orderBy: { number: nun }, keepNewest: 1 }`,
      'orderBy.number: there is no group "nun"; did you mean "num"?',
    ],
    [
      'orders by a group of a regex without groups',
      `{ name: a, tags: { regex: 'b-.*' }, orderBy: { number: n }, keepNewest: 1 }`,
      'there is no group "n"; `tags` needs a regular expression with it',
    ],
    [
      'orders globs by a number',
      '{ name: a, tags: ["b-*"], orderBy: { number: n }, keepNewest: 1 }',
      'there is no group "n"',
    ],
    [
      'is of an unknown kind',
      `{ name: a, kind: untagged, ${aged} }`,
      'kind: must be tags, superseded, orphaned or broken',
    ],
    [
      'deletes orphaned artifacts at once',
      '{ name: a, kind: orphaned }',
      '7:11: retention.rules[0]: a rule of the kind orphaned needs `olderThan`',
    ],
    [
      'deletes broken indexes at once',
      '{ name: a, kind: broken, tags: [x] }',
      'a rule of the kind broken needs `olderThan`',
    ],
    [
      'selects untagged manifests of any age',
      '{ name: a, untagged: true }',
      '7:11: retention.rules[0]: a rule with `untagged` needs `olderThan`',
    ],
    [
      'selects untagged manifests by tags',
      '{ name: a, untagged: true, olderThan: 1d, tags: ["*"] }',
      'retention.rules[0].tags: a rule with `untagged` has no `tags`: it selects manifests without a tag, by age',
    ],
    [
      'selects untagged manifests and is of a kind',
      '{ name: a, untagged: true, olderThan: 1d, kind: superseded }',
      'retention.rules[0].kind: a rule with `untagged` has no `kind`',
    ],
    [
      'counts untagged manifests',
      '{ name: a, untagged: true, olderThan: 1d, keepNewest: 3 }',
      'retention.rules[0].keepNewest: a rule with `untagged` has no `keepNewest`',
    ],
    [
      'has untagged: false',
      '{ name: a, untagged: false, olderThan: 1d }',
      'untagged: must be true; omit the key for a rule about tags',
    ],
    [
      'selects orphaned attached artifacts by pulls',
      '{ name: a, kind: orphaned, olderThan: 1d, notPulledFor: 1d }',
      'a rule of the kind orphaned has no `notPulledFor`',
    ],
    [
      'wants no time without pulls',
      '{ name: a, notPulledFor: 0d }',
      'notPulledFor: 0d is not an age: every image was pulled before',
    ],
    [
      'selects orphaned artifacts by tags',
      `{ name: a, kind: orphaned, tags: [x], ${aged} }`,
      '7:38: retention.rules[0].tags: a rule of the kind orphaned has no `tags`',
    ],
    [
      'counts orphaned artifacts',
      `{ name: a, kind: orphaned, keepNewest: 1, ${aged} }`,
      'a rule of the kind orphaned has no `keepNewest`',
    ],
    [
      'orders superseded images',
      '{ name: a, kind: superseded, orderBy: name, keepNewest: 1 }',
      'a rule of the kind superseded has no `orderBy`: it counts per tag, newest move first',
    ],
    [
      'groups superseded images',
      '{ name: a, kind: superseded, groupBy: major, keepNewest: 1 }',
      'a rule of the kind superseded has no `groupBy`',
    ],
    [
      'deletes all superseded images',
      '{ name: a, kind: superseded }',
      'it deletes every superseded image: add `tags`, `keepNewest` or `olderThan`',
    ],
    [
      'excludes all globs that it selects',
      `{ name: a, tags: { glob: ["pr-1", "pr-2*"], exclude: ["pr-*"] }, ${aged} }`,
      '7:64: retention.rules[0].tags.exclude: it excludes everything: no tag is selected',
    ],
    [
      'excludes every tag',
      `{ name: a, tags: { regex: 'pr-.*', exclude: ["*"] }, ${aged} }`,
      'it excludes everything',
    ],
    [
      'excludes the regex that it selects',
      `{ name: a, tags: { regex: 'x+', exclude: { regex: 'x+' } }, ${aged} }`,
      'it excludes everything',
    ],
    [
      'excludes the range that it selects',
      `{ name: a, tags: { semver: '<1', exclude: { semver: '<1' } }, ${aged} }`,
      'it excludes everything',
    ],
    [
      'has a mistake in exclude',
      `{ name: a, tags: { glob: x, exclude: ["pr/*"] }, ${aged} }`,
      '7:49: retention.rules[0].tags.exclude[0]: "pr/*" matches no tag',
    ],
    [
      'excludes nothing',
      `{ name: a, tags: { glob: x, exclude: [] }, ${aged} }`,
      'tags.exclude: must have at least one entry',
    ],
    [
      'excludes from an exclusion',
      `{ name: a, tags: { glob: x, exclude: { glob: y, exclude: [z] } }, ${aged} }`,
      'tags.exclude.exclude: unknown key "exclude"',
    ],
    [
      'excludes by two selectors',
      `{ name: a, tags: { glob: x, exclude: { glob: y, semver: "1" } }, ${aged} }`,
      'tags.exclude: must have one of `glob`, `regex` and `semver`, not several',
    ],
    [
      'has an age that overflows',
      '{ name: a, olderThan: 999999d }',
      '7:33: retention.rules[0].olderThan: 999999d is too long: at most 100 years',
    ],
    ['has an age beyond all numbers', `{ name: a, olderThan: ${'9'.repeat(400)}d }`, 'is too long'],
    ['has no age', '{ name: a, olderThan: 0d }', '0d is not an age'],
    [
      'has two rules with one name',
      `{ name: a, ${aged} }, { name: b, ${aged} }, { name: a, ${aged} }`,
      'rules[2].name: "a" is given twice',
    ],
    [
      'selects an unknown environment',
      `{ name: a, repositories: ["@dve/*"], ${aged} }`,
      'no environment "dve"; did you mean "dev"?',
    ],
    [
      'selects an invalid pattern',
      `{ name: a, repositories: ["@dev/a|b"], ${aged} }`,
      'repositories[0]: "@dev/a|b" is not',
    ],
    [
      'selects all registries',
      `{ name: a, repositories: ["*"], ${aged} }`,
      'the environment or registry is missing',
    ],
    [
      'selects an image by another name than in the environment',
      `{ name: a, repositories: ["@dev/frontend/web"], ${aged} }`,
      'is the repository of the image web: write @dev/web',
    ],
  ])('that %s is refused', (_, rules, message) => {
    const found = problems(policy(rules))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
  })

  const rule = `{ name: a, tags: [a], ${aged} }`
  it.each([
    ['protects nothing', rule, '{ name: x }', 'one of `tags`, `semver` and `inUse`'],
    ['protects two things in one', rule, '{ tags: [x], semver: { range: "1" } }', 'not several'],
    ['asks nobody what is in use', rule, '{ inUse: {} }', 'it needs `files` or `kubectl`'],
    ['counts without a line', rule, '{ semver: { range: "1", count: 2 } }', '`count` needs `newestPer`'],
    [
      'has newestPer without count',
      rule,
      '{ semver: { range: "1", newestPer: major } }',
      '`newestPer` needs `count`',
    ],
    [
      'protects a range without versions',
      rule,
      '{ semver: { range: ">2 <1" } }',
      'retention.protect[0].semver.range: ">2 <1" matches no version',
    ],
    [
      'protects an unknown environment',
      rule,
      '{ repositories: ["@pord"], tags: [x] }',
      'did you mean "prod"?',
    ],
    [
      'has two protections with one name',
      rule,
      '{ name: x, tags: [x] }, { name: x, tags: [y] }',
      '"x" is given twice',
    ],
    [
      'protects twice',
      rule,
      '{ tags: [x] }, { tags: [x] }',
      'the earlier protection "tags x" includes all of it',
    ],
    ['protects tags twice', rule, '{ tags: [x, "r-*"] }, { tags: ["r-1.*"] }', 'includes all of it'],
    [
      'protects versions twice',
      rule,
      '{ semver: { range: "1" } }, { tags: { semver: " 1" } }',
      'includes all of it',
    ],
    [
      'protects the highest of protected versions',
      rule,
      '{ semver: { range: "1" } }, { semver: { range: "1", newestPer: minor, count: 1 } }',
      'includes all of it',
    ],
    [
      'protects tags again in one environment',
      rule,
      '{ tags: [x] }, { repositories: ["@dev"], tags: [x] }',
      'includes all of it',
    ],
    [
      'reads the same files twice',
      rule,
      '{ inUse: { files: [x] } }, { name: y, inUse: { files: [x] } }',
      'includes all of it',
    ],
    [
      'protects all that its rule selects',
      rule,
      '{ tags: [a, b] }',
      'rules[0]: it can delete nothing: everything that it selects is protected by the protection "tags a, b"',
    ],
    [
      'protects by one glob all that its rule selects by another',
      '{ name: a, tags: ["r-?.*"] }',
      '{ tags: ["r-*"] }',
      'can delete nothing',
    ],
    [
      'protects all that its rule selects by two protections',
      `{ name: a, tags: [a, b] }`,
      '{ tags: [a] }, { tags: [b] }',
      'the protections "tags a" and "tags b"',
    ],
    [
      'protects the regex of its rule',
      `{ name: a, tags: { regex: 'x+' } }`,
      `{ tags: { regex: 'x+' } }`,
      'can delete nothing',
    ],
    [
      'protects the range of its rule',
      `{ name: a, tags: { semver: '<1' } }`,
      `{ semver: { range: '<1' } }`,
      'can delete nothing',
    ],
    [
      'protects the repositories of its rule',
      `{ name: a, repositories: ["@dev/*"], tags: [a] }`,
      '{ repositories: ["@prod", "@dev"], tags: [a] }',
      'can delete nothing',
    ],
    ['protects everything', `{ name: a, ${aged} }`, '{ tags: ["*"] }', 'can delete nothing'],
  ])('that %s is refused', (_, rules, protect, message) => {
    const found = problems(policy(rules, protect))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
  })

  it.each([
    ['deletes all tags that were pushed', '{ name: a, tags: ["*"] }', '{ inUse: { files: [x] } }'],
    ['keeps only so many', '{ name: a, keepNewest: 1 }', undefined],
    ['deletes at once', '{ name: a, tags: ["tmp-*"] }', undefined],
    [
      'selects a registry that is not an environment',
      `{ name: a, repositories: ["other.example.com/**"], ${aged} }`,
      undefined,
    ],
    ['is for an image that is not listed', `{ name: a, repositories: ["@dev/other"], ${aged} }`, undefined],
    ['protects a part of what a rule selects', '{ name: a, tags: [a, b] }', '{ tags: [a] }'],
    [
      'protects the highest versions that a rule selects',
      `{ name: a, tags: { semver: "<1" } }`,
      '{ semver: { range: "<1", newestPer: major, count: 1 } }',
    ],
    [
      'protects in one repository what it deletes in another',
      '{ name: a, repositories: ["@dev"], tags: [a] }',
      '{ repositories: ["@dev/api"], tags: [a] }',
    ],
    [
      'protects a tag and deletes what the tag left behind',
      `{ name: a, kind: superseded, tags: [stable], keepNewest: 3 }, { name: b, kind: orphaned, ${aged} }`,
      '{ tags: [stable] }',
    ],
    [
      'protects all tags and deletes what has none',
      `{ name: a, kind: superseded, keepNewest: 3 }, { name: b, kind: orphaned, ${aged} }`,
      '{ tags: ["*"] }',
    ],
    ['protects more with each', rule, '{ tags: ["x-1"] }, { tags: ["x-*"] }'],
    [
      'protects different highest versions',
      rule,
      '{ semver: { range: "1", newestPer: minor, count: 1 } }, { semver: { range: "1", newestPer: major, count: 3 } }',
    ],
    ['protects one character and not any', '{ name: a, tags: ["r-*"] }', '{ tags: ["r-?"] }'],
    [
      'has the same tags in two rules',
      `{ name: a, tags: [a], keepNewest: 2 }, { name: b, tags: [a], ${aged} }`,
      undefined,
    ],
    ['has an age of a hundred years', '{ name: a, olderThan: 36525d }', undefined],
    ['has pre-releases in a range of protections', rule, '{ semver: { range: ">=1.0.0-rc.1 <1.0.0" } }'],
    ['has a pre-release as a bound of a rule', '{ name: a, tags: { semver: ">=1.0.0-rc.1" } }', undefined],
    [
      'groups by a regex group named major',
      `{ name: a, tags: { regex: '(?<major>\\d+)-rc' }, groupBy: major, keepNewest: 1 }`,
      undefined,
    ],
    [
      'groups by several groups',
      `{ name: a, tags: { regex: '(?<app>.+)-(?<v>.+)' }, groupBy: [app, minor, variant], keepNewest: 1 }`,
      undefined,
    ],
    [
      'orders by a number',
      `{ name: a, tags: { regex: 'b-(?<n>\\d+)' }, orderBy: { number: n }, keepNewest: 1 }`,
      undefined,
    ],
    ['orders by name', '{ name: a, orderBy: name, keepNewest: 1 }', undefined],
    [
      'has rules of all kinds',
      `{ name: a, kind: broken, ${aged} }, { name: b, kind: superseded, keepNewest: 1 }, { name: c, kind: orphaned, ${aged} }, { name: d, kind: tags, ${aged} }`,
      undefined,
    ],
    ['excludes a part', `{ name: a, tags: { glob: "*", exclude: ["x*"] }, ${aged} }`, '{ tags: [y] }'],
    ['selects all but some tags', `{ name: a, tags: { exclude: ["x*"] }, ${aged} }`, undefined],
    [
      'protects all but what a rule selects',
      `{ name: a, tags: [x], ${aged} }`,
      '{ tags: { glob: "*", exclude: [x] } }',
    ],
    [
      'excludes pre-releases from a protection',
      rule,
      '{ tags: { semver: ">=1", exclude: { semver: ">=1" } } }',
    ],
    ['forbids to delete', `{ name: a, ${aged} }`, undefined],
  ])('that %s is merely unusual', (_, rules, protect) => {
    expect(problems(policy(rules, protect))).toEqual([])
  })

  it('reports all problems at once, in the order of the file', () => {
    const found = problems(`retention:
  one:
    protect: [{ tags: ["pr/*"] }]
    rules: [{ name: a, repositories: ["@x"], tags: { regex: "(" }, olderThan: 999999d }]
  two:
    rules: [{ name: a }]
`)
    expect(found.map((line) => /^dray\.yaml:\d+:\d+/.exec(line)?.[0])).toEqual([
      'dray.yaml:8:24',
      'dray.yaml:9:39',
      'dray.yaml:9:61',
      'dray.yaml:9:79',
      'dray.yaml:11:13',
    ])
  })

  it('is parsed or refused in bounded time if it is hostile', () => {
    const stars = `${'*a'.repeat(60)}b`
    const all = Array.from({ length: 300 }, (_, i) => `"${stars.slice(i % 7)}${i}"`).join(', ')
    expect(problems(policy(`{ name: a, tags: [${all}] }`, `{ tags: [${all}] }`))).toHaveLength(1)
    const range = `${'>=1.0.0 '.repeat(2000)}|| ${'1 || '.repeat(2000)}2`
    expect(problems(policy(`{ name: a, tags: { semver: "${range}" } }`))).toEqual([])
    expect(problems(policy(`{ name: a, tags: { regex: '${'(a*)*'.repeat(100)}b' } }`))).toEqual([])
  })

  it('is parsed or is a config error if it is any text', () => {
    const value = fc.oneof(
      fc.constantFrom('a', '1d', '@dev/*', '(', '*', '>=1', '||', null, 0, 1, -1, true, Number.NaN),
      fc.string({ maxLength: 6 }),
    )
    const key = fc.constantFrom(
      'protect',
      'rules',
      'limits',
      'name',
      'tags',
      'glob',
      'regex',
      'semver',
      'range',
      'newestPer',
      'count',
      'inUse',
      'files',
      'kubectl',
      'contexts',
      'repositories',
      'groupBy',
      'keepNewest',
      'x',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        value,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(tree, (retention) => {
        // Any other error fails the test.
        expect(problems(`retention: ${JSON.stringify(retention)}\n`)).toBeInstanceOf(Array)
      }),
      { numRuns: 1000 },
    )
  })
})
