import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { environments, loadSync, mistakesIn } from '../../support/sync-config.ts'

interface Written {
  readonly name?: string
  readonly from?: string
  readonly repositories?: readonly string[]
  readonly to?: string | readonly string[]
  readonly more?: string
}

/** A rule on one line. JSON is YAML. */
function rule({
  name = 'a',
  from = 'docker.io',
  repositories,
  to = 'm.example.com/{repository}',
  more,
}: Written): string {
  const list = repositories === undefined ? '' : `, repositories: ${JSON.stringify(repositories)}`
  return `\n  - { name: ${name}, from: ${JSON.stringify(from)}${list}, to: ${JSON.stringify(to)}${more === undefined ? '' : `, ${more}`} }`
}

function rules(...all: readonly Written[]): string {
  return `${all.map((one, i) => rule({ name: 'abc'[i] ?? 'z', ...one })).join('')}\n`
}

const api = { repositories: ['team/api'] }
const everything = { repositories: ['**'] }

describe('case 6: two rules that can write the same tag of a repository', () => {
  it('are reported with the tag, the repository and the earlier rule', () => {
    expect(
      mistakesIn(
        rules({ ...api, more: 'include: [{ tags: [latest, "1.*"] }]' }, { ...api, from: 'quay.io' }),
      ),
    ).toEqual([
      '7:5 sync[1]: it can write the tag latest of m.example.com/team/api, like the rule "a": two rules cannot write the same tag; narrow `repositories` or `include`, or use `exclude`, in one of them',
    ])
  })

  it.each([
    ['patterns', everything, { ...everything, from: 'quay.io' }],
    ['a pattern and a name', { repositories: ['team/*'] }, { ...api, from: 'quay.io' }],
    ['patterns that cross', { repositories: ['team/a*'] }, { repositories: ['*/*i'], from: 'quay.io' }],
    [
      'another source',
      { repositories: ['api'], from: 'quay.io/team', to: 'm.example.com/team/{repository}' },
      api,
    ],
    [
      'a second destination',
      api,
      { ...api, from: 'quay.io', to: ['n.example.com/{repository}', 'm.example.com/team/api'] },
    ],
    ['an environment', { ...api, to: '@dev' }, { ...api, to: 'r.example.com/dev/{repository}' }],
    ['one target of an environment', { ...api, to: '@prod' }, { ...api, to: 'us.example.com/prod/team/api' }],
    ['another spelling of the host', api, { ...api, to: 'M.example.com:443/{repository}' }],
    ['the folder of a layout', { ...api, to: 'oci:./x' }, { ...api, to: 'oci:/etc/dray/x' }],
    [
      'overlapping globs',
      { ...api, more: 'include: [{ tags: ["1.*-alpine"] }]' },
      { ...api, more: 'include: [{ tags: ["1.2*"] }]' },
    ],
    [
      'a glob and a range',
      { ...api, more: 'include: [{ tags: ["v1*"] }]' },
      { ...api, more: 'include: [{ semver: { range: ">=1" } }]' },
    ],
    [
      'ranges',
      { ...api, more: 'include: [{ semver: { range: ">=1 <3" } }]' },
      { ...api, more: 'include: [{ semver: { range: "^2.4" } }]' },
    ],
    [
      'a tag and an expression',
      { ...api, more: 'include: [{ tags: [pr-12] }]' },
      { ...api, more: "include: [{ tags: { regex: 'pr-\\d+' } }]" },
    ],
    [
      'expressions that may have a match in common',
      { ...api, more: "include: [{ tags: { regex: 'pr-\\d+' } }]" },
      { ...api, more: "include: [{ tags: { regex: 'p[qr]-1' } }]" },
    ],
    [
      'a variant and a glob',
      { ...api, more: 'include: [{ semver: { range: "1", variant: alpine } }]' },
      { ...api, more: 'include: [{ tags: ["*-alpine"] }]' },
    ],
  ] as const)('are reported for %s', (_, a, b) => {
    expect(mistakesIn(rules(a, b))).toEqual([expect.stringContaining('it can write ')])
  })

  it.each([
    ['other repositories', api, { repositories: ['team/web'], from: 'quay.io' }],
    [
      'patterns without a common name',
      { repositories: ['team/a*'] },
      { repositories: ['team/b*'], from: 'quay.io' },
    ],
    ['patterns of another depth', { repositories: ['*'], from: 'quay.io' }, { repositories: ['*/*'] }],
    [
      'other tags',
      { ...api, more: 'include: [{ tags: [a, b] }]' },
      { ...api, more: 'include: [{ tags: [c] }]' },
    ],
    [
      'tags that one excludes',
      { ...api, more: 'exclude: [latest, "1.*"]' },
      { ...api, more: 'include: [{ tags: [latest, "1.2*"] }]' },
    ],
    [
      'an expression that the other excludes',
      { ...api, more: "exclude: { regex: '[a-z]+-x' }" },
      { ...api, more: "include: [{ tags: { regex: '[a-z]+-x' } }]" },
    ],
    [
      'expressions that begin differently',
      { ...api, more: "include: [{ tags: { regex: '^pr-\\d+$' } }]" },
      { ...api, more: "include: [{ tags: { regex: 'nightly-\\d+' } }]" },
    ],
    [
      'ranges without a common version',
      { ...api, more: 'include: [{ semver: { range: "<2" } }]' },
      { ...api, more: 'include: [{ semver: { range: ">=2" } }]' },
    ],
    [
      'a range and a glob of other tags',
      { ...api, more: 'include: [{ semver: { range: ">=1" } }]' },
      { ...api, more: 'include: [{ tags: ["nightly-*", "vendor*"] }]' },
    ],
    [
      'variants',
      { ...api, more: 'include: [{ semver: { range: "1", variant: alpine* } }]' },
      { ...api, more: 'include: [{ semver: { range: "1", variant: slim } }]' },
    ],
    [
      'a variant and a range of releases',
      { ...api, more: 'include: [{ semver: { range: "1", variant: alpine* } }]' },
      { ...api, more: 'include: [{ semver: { range: "1" } }]' },
    ],
  ] as const)('are not reported for %s', (_, a, b) => {
    expect(mistakesIn(rules(a, b))).toEqual([])
  })

  it('are found under the aliases of a registry', () => {
    const rest = `${environments}registries: { m.example.com: { aliases: [mirror.internal/hub] } }\n`
    const to = 'mirror.internal/hub/{repository}'
    expect(mistakesIn(rules(api, { ...api, from: 'quay.io', to }), rest)).toHaveLength(1)
    expect(mistakesIn(rules(everything, { ...everything, from: 'quay.io', to }), rest)).toHaveLength(1)
    expect(mistakesIn(rules(everything, { ...everything, from: 'quay.io', to }))).toEqual([])
  })

  it('are compared by the images of the file', () => {
    const rest = `${environments}images: { api: {}, web: { name: site } }\n`
    const [a, b] = [
      { from: '@dev', repositories: ['w*'], to: 'm.example.com/{repository}' },
      { from: 'quay.io', repositories: ['web'] },
    ]
    expect(mistakesIn(rules(a, b), rest)).toHaveLength(1)
    expect(mistakesIn(rules({ ...a, repositories: ['a*'] }, b), rest)).toEqual([])
    const toProd = { from: 'quay.io', repositories: ['**'], to: '@prod' }
    expect(mistakesIn(rules(toProd, { ...b, to: 'eu.example.com/prod/site' }), rest)).toHaveLength(1)
    expect(mistakesIn(rules(toProd, { ...b, to: 'eu.example.com/prod/web' }), rest)).toEqual([])
  })
})

describe('a rule that copies two repositories to the same one', () => {
  it.each([
    [
      ['api', 'hub/api'],
      ['m.example.com/{repository}', 'm.example.com/hub/{repository}'],
    ],
    [['**'], ['m.example.com/{repository}', 'm.example.com/hub/{repository}']],
  ])('is reported for %j', (repositories, to) => {
    expect(mistakesIn(rules({ from: 'quay.io', repositories, to }))).toEqual([
      expect.stringMatching(
        /sync\[0\]\.to\[\d\]: .* would be copied to the same repository m\.example\.com\//,
      ),
    ])
  })

  it('is not one with patterns that overlap', () => {
    expect(mistakesIn(rules({ repositories: ['team/**', 'team/api'] }))).toEqual([])
  })
})

describe('case 7: a cycle of rules', () => {
  const there = { from: 'a.example.com', to: 'b.example.com/x/{repository}', ...everything }
  const back = { from: 'b.example.com/x', to: 'a.example.com/{repository}', ...everything }

  it('is reported for two rules', () => {
    expect(mistakesIn(rules(there, back))).toEqual([
      '7:5 sync[1]: the rules form a cycle over a.example.com/**: a -> b -> a',
    ])
  })

  it('is reported for names', () => {
    expect(mistakesIn(rules({ ...there, ...api }, { ...back, ...api }))).toEqual([
      '7:5 sync[1]: the rules form a cycle over a.example.com/team/api: a -> b -> a',
    ])
  })

  it('is reported over three rules and environments', () => {
    expect(
      mistakesIn(
        rules(
          { from: '@dev', to: '@prod' },
          { from: 'eu.example.com/prod', to: 'c.example.com/{repository}', ...everything },
          { from: 'c.example.com', to: 'r.example.com/dev/{repository}', ...api },
        ),
      ),
    ).toEqual(['8:5 sync[2]: the rules form a cycle over r.example.com/dev/**: a -> b -> c -> a'])
  })

  it('is reported for a rule that copies its copies', () => {
    expect(
      mistakesIn(rules({ from: 'a.example.com', to: 'a.example.com/old/{repository}', ...everything })),
    ).toEqual(['6:5 sync[0]: the rules form a cycle over a.example.com/**: a -> a'])
  })

  it.each([
    ['other repositories', there, { ...back, from: 'b.example.com/y' }],
    ['other names', { ...there, ...api }, { ...back, repositories: ['team/web'] }],
    ['a way that ends', there, { from: 'b.example.com/x', to: 'a.example.com/z', repositories: ['y'] }],
    ['a rename', { ...there, ...api }, { ...back, ...api, to: 'a.example.com/back/{repository}' }],
    ['a chain', there, { from: 'b.example.com/x', to: 'c.example.com/{repository}', ...everything }],
  ])('is not reported for %s', (_, a, b) => {
    expect(mistakesIn(rules(a, b))).toEqual([])
  })
})

describe('an exclusive destination', () => {
  const exclusive = { ...api, more: 'include: [{ tags: [a] }], delete: { exclusive: true }' }

  it('has no other rule, whatever its tags are', () => {
    expect(mistakesIn(rules(exclusive, { ...api, more: 'include: [{ tags: [b] }]' }))).toEqual([
      expect.stringContaining(
        'sync[0].delete.exclusive: the rule "b" writes to m.example.com/team/api too: only one rule writes to an exclusive destination',
      ),
    ])
    expect(mistakesIn(rules(exclusive, exclusive))).toHaveLength(2)
    expect(mistakesIn(rules(exclusive, { repositories: ['team/web'] }))).toEqual([])
  })
})

describe('a destination', () => {
  it.each([
    [
      'needs the placeholder',
      { repositories: ['a', 'b'], to: 'm.example.com/x' },
      'must contain {repository}, because the rule can have several repositories',
    ],
    [
      'of a pattern needs the placeholder',
      { repositories: ['a*'], to: 'oci:./x' },
      'must contain {repository}',
    ],
    [
      'has the placeholder once',
      { ...api, to: 'm.example.com/{repository}/{repository}' },
      'must contain {repository} only once',
    ],
    [
      'needs a path',
      { ...api, to: 'm.example.com' },
      'the path is missing: write m.example.com/{repository}',
    ],
    [
      'needs a registry',
      { ...api, to: 'hub/x' },
      'the registry of "hub/x" is missing; write docker.io/hub/x for Docker Hub, or @NAME for an environment',
    ],
    ['is lower case', { ...api, to: 'm.example.com/Hub/{repository}' }, '"Hub" must be lower case'],
    [
      'has no scheme',
      { ...api, to: 'https://m.example.com/{repository}' },
      'a reference has no scheme such as https://',
    ],
    [
      'has no tag',
      { ...api, to: 'oci:./x:1.4.2' },
      'the folder of an image layout has no tag or digest here',
    ],
    [
      'is a known environment',
      { ...api, to: '@prodd' },
      'there is no environment "prodd"; did you mean "prod"?',
    ],
    ['is an environment without an image', { ...api, to: '@prod/api' }, 'write @prod here'],
    ['is listed once', { ...api, to: ['@prod', '@prod'] }, '"@prod" is listed twice'],
    [
      'is not too deep (case 8)',
      { repositories: ['a'.repeat(250)], to: 'm.example.com/hub/x/{repository}' },
      'has no repository for "library/aaa',
    ],
    [
      'is not the source (case 27)',
      { ...api, from: 'm.example.com' },
      'it is the source of team/api: an image cannot be copied to itself',
    ],
    [
      'is not the source by another name (case 27)',
      { ...everything, from: 'r.example.com/dev', to: '@dev' },
      'it is the source of **',
    ],
    [
      'is not the folder of the source (case 27)',
      { from: 'oci:x', to: 'oci:./y/../x' },
      'it is the source: an image',
    ],
    ['of a layout needs a name', { from: 'oci:./x', to: '@dev' }, 'give it one name under `repositories`'],
  ] as const)('%s', (_, written, message) => {
    expect(mistakesIn(rules(written))).toEqual([expect.stringContaining(message)])
  })

  it('takes images only from the environments of `promoteFrom`', () => {
    const rest = environments.replace('  prod: { ', '  prod: { promoteFrom: [dev], ')
    expect(mistakesIn(rules({ from: '@dev', to: '@prod' }), rest)).toEqual([])
    expect(mistakesIn(rules({ from: 'r.example.com/dev', ...api, to: '@prod' }), rest)).toEqual([])
    expect(mistakesIn(rules({ ...api, to: '@prod' }), rest)).toEqual([
      expect.stringContaining(
        'images of docker.io/team/api cannot come to prod, which takes them from dev (`promoteFrom`)',
      ),
    ])
  })

  it('of an environment has only the images of the file', () => {
    const rest = `${environments}images: { api: {} }\n`
    expect(mistakesIn(rules({ from: 'quay.io', repositories: ['api'], to: '@prod' }), rest)).toEqual([])
    expect(mistakesIn(rules({ from: 'quay.io', repositories: ['app'], to: '@prod' }), rest)).toEqual([
      expect.stringContaining('@prod has no repository for "app"'),
    ])
    expect(mistakesIn(rules({ from: '@dev', repositories: ['app'] }), rest)).toEqual([
      expect.stringContaining('there is no image "app"; did you mean "api"?'),
    ])
  })
})

it('two rules that are reported have a tag in common, and two that are not have none, for any globs', () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', '-', '*', '?'), { minLength: 1, maxLength: 3 })
    .map((all) => all.join(''))
  const globs = fc.array(
    glob.filter((one) => !one.startsWith('-')),
    { minLength: 1, maxLength: 2 },
  )
  // The shortest common tag is not longer than both globs together.
  const tags = tagsOf('ab-', 6)
  fc.assert(
    fc.property(globs, globs, (a, b) => {
      const section = rules(
        { ...api, more: `include: [{ tags: ${JSON.stringify(a)} }]` },
        { ...api, from: 'quay.io', more: `include: [{ tags: ${JSON.stringify(b)} }]` },
      )
      const [one, other] = loadSyncParts(a, b)
      const common = tags.some((tag) => one(tag) && other(tag))
      expect(mistakesIn(section)).toHaveLength(common ? 1 : 0)
    }),
    { numRuns: 200 },
  )
})

it('two rules with a repository in common are reported, for any patterns', () => {
  const component = fc.constantFrom('a', 'b', 'a*', '*', '*b', '**')
  const pattern = fc.array(component, { minLength: 1, maxLength: 3 }).map((all) => all.join('/'))
  // The shortest common name has no more components than both patterns together.
  const names = namesOf(['a', 'b', 'ab'], 6)
  fc.assert(
    fc.property(pattern, pattern, (a, b) => {
      const section = rules(
        { from: 'x.example.com', repositories: [a] },
        { from: 'y.example.com', repositories: [b] },
      )
      const [one, other] = loadSync(
        rules(
          { from: 'x.example.com', repositories: [a] },
          { from: 'y.example.com', repositories: [b], to: 'n.example.com/{repository}' },
        ),
      ).rules
      const common = names.some(
        (name) =>
          one?.repositories[0]?.regex.match(name) !== undefined &&
          other?.repositories[0]?.regex.match(name) !== undefined,
      )
      expect(mistakesIn(section)).toHaveLength(common ? 1 : 0)
    }),
    { numRuns: 200 },
  )
})

it('rules with too many patterns to compare are an error and no endless work', () => {
  const patterns = (end: string): readonly string[] =>
    Array.from({ length: 300 }, (_, i) => `**/*a*${i}/**/*${end}`)
  expect(
    mistakesIn(rules({ repositories: patterns('x') }, { repositories: patterns('y'), from: 'quay.io' })),
  ).toEqual([expect.stringContaining('sync: the rules have too many patterns to compare')])
})

it('a rule with a mistake is not compared with others, and the others are', () => {
  const wrong = { ...api, more: 'include: [{ tags: ["("] }]' }
  expect(mistakesIn(rules(wrong, api, { ...api, from: 'quay.io' }))).toEqual([
    expect.stringContaining('sync[0].include[0].tags[0]: "(" matches no tag'),
    expect.stringContaining('like the rule "b"'),
  ])
})

function loadSyncParts(
  a: readonly string[],
  b: readonly string[],
): readonly [(tag: string) => boolean, (tag: string) => boolean] {
  const test = (globs: readonly string[]) => {
    const expressions = globs.map(
      (glob) => new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`),
    )
    return (tag: string): boolean => expressions.some((one) => one.test(tag))
  }
  return [test(a), test(b)]
}

function tagsOf(letters: string, length: number): readonly string[] {
  let longest = ['']
  const all: string[] = []
  for (let i = 0; i < length; i++) {
    longest = longest.flatMap((tag) => Array.from(letters, (letter) => tag + letter))
    all.push(...longest)
  }
  return all
}

function namesOf(components: readonly string[], depth: number): readonly string[] {
  let longest = components
  const all = [...components]
  for (let i = 1; i < depth; i++) {
    longest = longest.flatMap((path) => components.map((one) => `${path}/${one}`))
    all.push(...longest)
  }
  return all
}
