import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/parse.ts'
import type { RetentionPolicy } from '../../../src/config/retention/policy.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { applyRules } from '../../../src/usecases/prune/policy/apply-rules.ts'

const environments = (tags: string) => `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}"${tags} }
  prod: { registry: r.example.com, path: "prod/{image}" }
images: { api: {}, web: {} }
`

/** The warnings about one policy, with their positions. */
function doubtsAbout(rules: string, protect?: string, tags = ''): readonly string[] {
  const content = `${environments(tags)}retention:
  rules: [${rules}]
${protect === undefined ? '' : `  protect: [${protect}]\n`}`
  const [policy] = retentionOf(parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml'))
  const all = [...(policy?.hiddenRules ?? []), ...(policy?.doubtfulRanges ?? [])]
  return all.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
}

const old = 'olderThan: 1d'

describe('a rule that an earlier one hides', () => {
  it('is reported with its position and the rule that hides it', () => {
    expect(doubtsAbout(`{ name: a, tags: [a], keepNewest: 2 }, { name: b, tags: [a], ${old} }`)).toEqual([
      '7:50 retention.rules[1]: it never decides, because the earlier rule "a" selects everything that it selects: move it up, or exclude its tags there',
    ])
  })

  it.each([
    ['the same selection', `{ name: a, untagged: true, ${old} }, { name: b, untagged: true, ${old} }`],
    ['a rule without tags', `{ name: a, ${old} }, { name: b, tags: { regex: 'x+' } }`],
    ['a wider glob', `{ name: a, tags: ["pr-*"] }, { name: b, tags: ["pr-1-*", pr-x] }`],
    ['two rules together', `{ name: a, tags: [x] }, { name: c, tags: [y] }, { name: b, tags: [x, y] }`],
    ['the same expression', `{ name: a, tags: { regex: 'x+' } }, { name: b, tags: { regex: 'x+' } }`],
    ['the same range', `{ name: a, tags: { semver: '<1' } }, { name: b, tags: { semver: ' <1' } }`],
    [
      'a rule for more repositories',
      `{ name: a, repositories: ["@dev"], tags: [x] }, { name: b, repositories: ["@dev/api"], tags: [x] }`,
    ],
    [
      'a rule with the same exceptions',
      `{ name: a, tags: { glob: "x*", exclude: [xy] } }, { name: b, tags: { glob: x1, exclude: [xy] } }`,
    ],
    ['a rule of tags', `{ name: a, ${old} }, { name: b, kind: broken, ${old} }`],
    ['a rule of its kind', `{ name: a, kind: orphaned, ${old} }, { name: b, kind: orphaned, ${old} }`],
  ])('by %s', (_, rules) => {
    const found = doubtsAbout(rules)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('it never decides')
  })

  it.each([
    ['a narrower glob', `{ name: a, tags: ["pr-1-*"] }, { name: b, tags: ["pr-*"] }`],
    ['the remaining tags', `{ name: a, tags: ["v*"], keepNewest: 1 }, { name: b, keepNewest: 1 }`],
    [
      'another environment',
      `{ name: a, repositories: ["@dev"], ${old} }, { name: b, repositories: ["@prod"], ${old} }`,
    ],
    ['exceptions of the first', `{ name: a, tags: { glob: "*", exclude: [x] } }, { name: b, tags: [x] }`],
    ['a rule of broken indexes', `{ name: a, kind: broken, ${old} }, { name: b, ${old} }`],
    [
      'untagged images',
      `{ name: a, ${old} }, { name: b, kind: superseded, keepNewest: 1 }, { name: c, kind: orphaned, ${old} }`,
    ],
  ])('is not one that selects %s', (_, rules) => {
    expect(doubtsAbout(rules)).toEqual([])
  })
})

it('a rule that is reported as hidden decides about no tag, for any policy', () => {
  const globs = fc.subarray(['*', 'a*', 'ab', '*b', 'a?', '1.*', '1.2.3'], { minLength: 1, maxLength: 3 })
  const selector = fc.oneof(
    globs.map((glob) => ({ glob })),
    fc.constantFrom('a.*', 'ab', '[0-9.]+').map((regex) => ({ regex })),
    fc.constantFrom('*', '>=1', '<1.5').map((semver) => ({ semver })),
  )
  const tags = fc.oneof(
    fc.constant(undefined),
    selector,
    fc.tuple(selector, selector).map(([one, exclude]) => ({ ...one, exclude })),
  )
  const names = ['a', 'ab', 'aab', 'b', '1.2.3', '1.6.0', '1.2.3-rc.1', '2024.04.1', '1.2', 'v1.2.3']
  let reported = 0
  fc.assert(
    fc.property(fc.array(tags, { minLength: 2, maxLength: 4 }), (selectors) => {
      const written = selectors.map((one, i) => ({
        name: `r${i}`,
        ...(one !== undefined && { tags: one }),
        olderThan: '1d',
      }))
      const content = `version: 1\nretention: ${JSON.stringify({ rules: written })}\n`
      const [policy] = policiesOf(content)
      if (policy === undefined) return
      const { rules, hiddenRules } = policy
      const digests = new Map(names.map((name) => [name, digestOf(name)]))
      const options = {
        rules,
        times: { of: () => undated },
        now: 0,
        kept: new Set<never>(),
        reading: plainReading,
      }
      const deciding = new Set([...applyRules(digests, options).values()].map(({ why }) => why.by))
      const hidden = hiddenRules.map(({ path }) => `r${/rules\[(\d)\]/.exec(path)?.[1] ?? ''}`)
      reported += hidden.length
      expect(hidden.filter((name) => deciding.has(name))).toEqual([])
    }),
    { numRuns: 500 },
  )
  expect(reported).toBeGreaterThan(50)
})

const undated = { kind: 'undated', text: '' } as const

/** The policies of a file; none if it has mistakes. */
function policiesOf(content: string): readonly RetentionPolicy[] {
  try {
    return retentionOf(parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml'))
  } catch (thrown) {
    if (isDrayError(thrown) && thrown.code === 'config') return []
    throw thrown
  }
}

describe('a range', () => {
  const rule = `{ name: a, repositories: ["@dev"], tags: [x] }`
  it('without a release under the scheme is reported with the scheme that has one', () => {
    expect(doubtsAbout(rule, '{ semver: { range: ">=2022" } }')).toEqual([
      '8:32 retention.protect[0].semver.range: no release is in ">=2022" under the scheme semver: set `scheme: calver` or `scheme: loose` for these repositories, or correct the range',
    ])
    expect(doubtsAbout(rule, '{ tags: { semver: "27.3.4.1" } }')).toEqual([
      '8:31 retention.protect[0].tags.semver: no release is in "27.3.4.1" under the scheme semver: set `scheme: calver` or `scheme: loose` for these repositories, or correct the range',
    ])
    expect(doubtsAbout(rule, '{ semver: { range: "^5.60" } }', ', tags: { scheme: calver }')).toEqual([
      expect.stringContaining('"^5.60" under the scheme calver: set `scheme: semver`'),
    ])
  })

  it.each([
    ['of a rule', `{ name: a, tags: { semver: ">=2022" } }`, undefined],
    ['that a rule excludes', `{ name: a, tags: { glob: "*", exclude: { semver: ">=2022" } } }`, undefined],
    [
      'of a protection of another registry',
      rule,
      '{ repositories: ["x.io/*"], semver: { range: ">=2022" } }',
    ],
  ])('%s is read by the scheme too', (_, rules, protect) => {
    expect(doubtsAbout(rules, protect)).toEqual([expect.stringContaining('under the scheme semver')])
  })

  it.each([
    ['>=2022', 'calver'],
    ['>=2022.04 <2022.05', 'calver'],
    ['2022.x', 'calver'],
    ['>=24.04', 'calver'],
    ['>2022.52 <2023.1', 'calver'],
    ['>=2022.60', 'calver'],
    ['27.3.4.1 || 5', 'semver'],
    ['<1970', 'semver'],
    ['27.3.4.1', 'loose'],
    ['*', 'semver'],
    ['>=1.0.0', 'calver'],
  ])('%s has a release under %s', (range, scheme) => {
    expect(doubtsAbout(rule, `{ semver: { range: "${range}" } }`, `, tags: { scheme: ${scheme} }`)).toEqual(
      [],
    )
  })

  it('is not reported if one of its repositories can have a release', () => {
    const both = `{ name: a, repositories: ["@dev", "@prod"], tags: [x] }`
    const tags = ', tags: { scheme: calver }'
    expect(doubtsAbout(both, '{ semver: { range: ">=2022" } }', tags)).toEqual([])
    expect(doubtsAbout(both, '{ repositories: ["@prod"], semver: { range: ">=2022" } }', tags)).toHaveLength(
      1,
    )
    const byPath = `{ name: a, repositories: ["r.example.com/dev/*"], tags: [x] }`
    expect(doubtsAbout(byPath, '{ semver: { range: ">=2022" } }', tags)).toEqual([])
  })

  it('that includes the pre-releases of its end is reported in protections, with the fix', () => {
    expect(doubtsAbout(rule, '{ semver: { range: ">=1.0.0 <2.0.0" } }')).toEqual([
      '8:32 retention.protect[0].semver.range: ">=1.0.0 <2.0.0" includes pre-releases of 2.0.0, and not 2.0.0 itself: to exclude them too, write <2.0.0-0',
    ])
    expect(doubtsAbout(`{ name: a, tags: { semver: ">=1.0.0 <2.0.0" } }`)).toEqual([])
  })

  it.each(['1.x', '^1.4', '<2', '>=1.0.0 <2.0.0-0', '<=2.0.0', '<2.0.0 || 2.0.0', '>=2.0.0-rc.1 <2.0.0'])(
    '%s is not reported for the pre-releases of its end',
    (range) => {
      expect(doubtsAbout(rule, `{ semver: { range: "${range}" } }`)).toEqual([])
    },
  )
})
