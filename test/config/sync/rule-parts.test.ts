import { describe, expect, it } from 'vitest'
import { parseConfig, parseWholeConfig } from '../../../src/config/parse.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { syncRulesOf } from '../../../src/config/sync/sync-rules.ts'
import { environments, loadSync, mistakesIn } from '../../support/sync-config.ts'

const rule = (more: string): string => `
  - { name: a, from: quay.io, repositories: [team/api], to: "m.example.com/{repository}", ${more} }
`

describe('an entry of `include`', () => {
  it.each([
    ['has tags or versions', '{ newest: 2 }', 'include[0]: an entry needs one of `tags` and `semver`'],
    ['has not both', '{ tags: [a], semver: { range: "1" } }', 'needs one of `tags` and `semver`, not both'],
    ['counts if it groups', '{ tags: [a], groupBy: major }', '`groupBy` needs `newest`'],
    [
      'has the groups of its expression',
      "{ tags: { regex: '(?<x>a)' }, groupBy: y, newest: 1 }",
      'there is no group "y"',
    ],
    ['has a group once', '{ tags: [a], groupBy: [major, major], newest: 1 }', '"major" is listed twice'],
    [
      'has a whole condition for newest versions',
      '{ semver: { range: "1", count: 2 } }',
      '`count` needs `newestPer`',
    ],
    ['has a range with a version', '{ semver: { range: ">2 <1" } }', '">2 <1" matches no version'],
    [
      'has a range with more than unnamed pre-releases',
      '{ semver: { range: "<0.0.0" } }',
      '"<0.0.0" matches only pre-releases, and does not name one',
    ],
    [
      'has globs of variants',
      '{ semver: { range: "1", variant: "*" } }',
      'semver.variant: "*" matches latest',
    ],
    [
      'has variants without a hyphen',
      '{ semver: { range: "1", variant: [a, -b] } }',
      'semver.variant[1]: must not begin with "-": write "b"',
    ],
    ['has an expression of RE2', "{ tags: { regex: '(?=a)' } }", 'RE2 has no look-around'],
    [
      'selects something',
      "{ tags: { glob: a, exclude: ['*'] } }",
      'it excludes everything: no tag is selected',
    ],
    [
      'selects at least one digest',
      '{ tags: [a], newest: 0 }',
      'must be at least 1; omit the key to select all',
    ],
    ['has known keys', '{ tags: [a], newestper: 2 }', 'unknown key "newestper"'],
  ])('%s', (_, entry, message) => {
    expect(mistakesIn(rule(`include: [${entry}]`))).toEqual([expect.stringContaining(message)])
  })

  it('has a pre-release only if its range names one, also in exceptions', () => {
    const [one] = loadSync(
      rule(
        'include: [{ semver: { range: ">=1.0.0-rc.1" } }, { tags: { semver: ">=1", exclude: { semver: "<2" } } }], exclude: { semver: "<1" }',
      ),
    ).rules
    const selectors = [
      one?.include[0]?.tags,
      one?.include[1]?.tags,
      one?.include[1]?.tags.exclude,
      one?.exclude[0],
    ]
    expect(selectors).toMatchObject(selectors.map(() => ({ range: { includePrerelease: false } })))
  })

  it('can have a range of pre-releases that it names', () => {
    expect(mistakesIn(rule('include: [{ semver: { range: ">=1.0.0-rc.1 <1.0.0" } }]'))).toEqual([])
  })
})

describe('a key of a rule', () => {
  it.each([
    ['an unknown key', 'includes: []', 'sync[0].includes: unknown key "includes"; did you mean "include"?'],
    ['a name of an environment', 'name: Hub', 'the key is given twice in this map'],
    ['a platform that does not parse', 'platforms: ["linux"]', '"linux" is not a platform'],
    ['a platform twice', 'platforms: [linux/amd64, linux/amd64]', 'linux/amd64 is listed twice'],
    ['another policy for moved tags', 'movedTags: follows', 'must be follow, followFloating or keep'],
    [
      'a delete that is not exclusive',
      'delete: { exclusive: false }',
      'must be true: only an exclusive destination can have deletes',
    ],
    [
      'a delete without `exclusive`',
      'delete: { gracePeriod: 7d }',
      'sync[0].delete.exclusive: the key is missing',
    ],
    [
      'a grace period of zero',
      'delete: { exclusive: true, gracePeriod: 0d }',
      '0d is not an age: omit the key',
    ],
    ['a limit', 'delete: { exclusive: true, limits: { maxPercent: 101 } }', 'must be from 0 to 100'],
    ['a source of times twice', 'timeFrom: [config, config]', 'it lists a source twice'],
    ['a variant that is a pre-release', 'variants: [rc]', 'which is a pre-release'],
    [
      'an unknown signer of a gate',
      'gates: [{ name: signed, signature: { signedBy: [ci] } }]',
      'there is no signer "ci"',
    ],
    [
      'an approval',
      'gates: [{ name: ok, approvals: { approvers: [x] } }]',
      'an approval is for an environment',
    ],
  ])('is reported for %s', (_, more, message) => {
    expect(mistakesIn(rule(more)).join('\n')).toContain(message)
  })

  it('can be a gate, whose owner is the rule', async () => {
    const signers = 'signers: { ci: { keys: [{ file: ci.pem }] } }\n'
    const gate = rule('gates: [{ name: signed, signature: { signedBy: [ci] } }]')
    const content = `${environments}${signers}sync:${gate}`
    const loaded = await parseWholeConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml')
    expect(syncRulesOf(loaded)[0]?.gates).toMatchObject([
      { name: 'signed', kind: 'signature', environment: 'sync:a' },
    ])
  })
})

describe('a source', () => {
  const from = (text: string, repositories = '[a]'): string =>
    `\n  - { name: a, from: ${JSON.stringify(text)}, repositories: ${repositories}, to: "m.example.com/x/{repository}" }\n`

  it.each([
    ['docker.io', { kind: 'registry', registry: 'docker.io', prefix: '' }],
    ['registry-1.docker.io', { registry: 'docker.io', prefix: '' }],
    ['R.example.com:443/a/b', { registry: 'r.example.com', prefix: 'a/b' }],
    ['localhost:5000', { registry: 'localhost:5000', prefix: '' }],
    ['@dev', { kind: 'environment', environment: 'dev' }],
    ['oci:./x', { kind: 'layout', folder: '/etc/dray/x' }],
  ])('is %s', (text, source) => {
    expect(loadSync(from(text)).rules[0]?.from).toMatchObject(source)
  })

  it.each([
    [
      'library',
      'the registry of "library" is missing; write docker.io/library for Docker Hub, or @NAME for an environment',
    ],
    ['r.example.com/a/', 'a component of the path is empty'],
    ['r.example.com/{repository}', '{repository} is only valid in `to`'],
    ['https://r.example.com', 'a reference has no scheme such as https://'],
    ['@', '"" is not the name of an environment'],
    ['oci:', 'the folder is missing'],
  ])('is not %s', (text, message) => {
    expect(mistakesIn(from(text))).toEqual([expect.stringContaining(message)])
  })

  it.each([
    ['[]', 'must have at least one entry'],
    ['[a, a]', '"a" is listed twice'],
    ['[A]', '"A" must be lower case'],
    ['[a/]', 'a component of the path is empty'],
    ['["@dev/a"]', 'write it relative to `from`'],
    ['[quay.io/a]', 'it is relative to `from`: write "a"'],
  ])('has no repositories %s', (repositories, message) => {
    expect(mistakesIn(from('quay.io', repositories))).toEqual([expect.stringContaining(message)])
  })

  it('of Docker Hub has the short names of its official images', () => {
    const texts = loadSync(from('docker.io', '[alpine, "a*", "**", team/x]')).rules[0]?.repositories
    expect(texts?.map(({ text }) => text)).toEqual(['library/alpine', 'library/a*', '**', 'team/x'])
  })

  it('that is an environment has all of its images by default', () => {
    const [one] = loadSync('\n  - { name: a, from: "@dev", to: "@prod" }\n').rules
    expect(one?.repositories.map(({ text }) => text)).toEqual(['**'])
  })

  it('that is a layout has one repository', () => {
    const [one] = loadSync('\n  - { name: a, from: "oci:x", to: m.example.com/x }\n').rules
    expect(one?.repositories).toMatchObject([{ text: '*', isPlain: true }])
    expect(mistakesIn(from('oci:x', '[a, b]'))).toEqual([expect.stringContaining('write its one name')])
  })
})

describe('a protection of a variant', () => {
  const read = (protect: string) => {
    const content = `${environments}retention:\n  protect: [${protect}]\n  rules: [{ name: r, olderThan: 1d }]\n`
    return retentionOf(parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml'))[0]?.protect
  }

  it('has its globs and names them', () => {
    expect(read('{ semver: { range: ">=1", variant: alpine*, newestPer: minor, count: 1 } }')).toMatchObject([
      { name: 'versions >=1 of the variants alpine*, the highest 1 of each minor', variant: ['alpine*'] },
    ])
  })

  it('does not make one of another variant redundant', () => {
    expect(
      read(
        '{ semver: { range: ">=1", variant: a } }, { semver: { range: ">=1", variant: b } }, { semver: { range: ">=1" } }',
      ),
    ).toHaveLength(3)
    expect(() =>
      read('{ semver: { range: ">=1", variant: a } }, { name: x, semver: { range: ">=1", variant: a } }'),
    ).toThrow('it adds nothing')
  })
})
