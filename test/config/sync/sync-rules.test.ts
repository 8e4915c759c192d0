import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/parse.ts'
import { destinationsOf, sourceOf } from '../../../src/config/sync/destinations.ts'
import type { SyncRule } from '../../../src/config/sync/sync-rule.ts'
import { syncRulesOf } from '../../../src/config/sync/sync-rules.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { loadSync, mistakesIn } from '../../support/sync-config.ts'

const hub = `
  - name: hub
    from: docker.io
    repositories: [library/alpine, "bitnami/**"]
    to: "mirror.example.com/hub/{repository}"
`

function only(section: string): SyncRule {
  const [rule] = loadSync(section).rules
  if (rule === undefined) throw new Error('there is no rule')
  return rule
}

describe('a sync rule', () => {
  it('has its defaults', () => {
    const { repositories, ...rule } = only(hub)
    expect(rule).toMatchObject({
      name: 'hub',
      from: { kind: 'registry', registry: 'docker.io', prefix: '' },
      to: [{ kind: 'registry', registry: 'mirror.example.com', path: 'hub/{repository}' }],
      include: [],
      exclude: [],
      movedTags: 'follow',
      reading: {},
      timeFrom: ['pushed', 'annotation', 'config'],
      gates: [],
      optional: false,
    })
    expect(rule).not.toHaveProperty('delete')
    expect(rule).not.toHaveProperty('platforms')
    expect(repositories.map(({ text, isPlain }) => [text, isPlain])).toEqual([
      ['library/alpine', true],
      ['bitnami/**', false],
    ])
    expect(repositories[1]?.regex.match('bitnami/a/b')).toBeDefined()
  })

  it('is read whole', () => {
    const rule = only(`
  - name: hub
    from: docker.io
    repositories: [library/node]
    to: ["mirror.example.com/hub/{repository}", "@dev", "oci:./mirror/{repository}"]
    include:
      - tags: [latest, "3.2?"]
      - semver: { range: ">=20 <23", variant: "alpine3.*", newestPer: minor, count: 2 }
      - { tags: { regex: '(?<variant>alpine|slim)-\\d+' }, groupBy: variant, newest: 5 }
    exclude: ["*-windows*", "nightly-*"]
    platforms: [linux/amd64, linux/arm/v7]
    movedTags: keep
    timeFrom: [config]
    scheme: calver
    variants: ["alpine*"]
    ignoreVersions: ["1.0.0"]
    buildMetadata: true
    optional: true
    delete: { exclusive: true, gracePeriod: 7d, limits: { maxDeletes: 50, maxPercent: 10 } }
`)
    expect(rule).toMatchObject({
      to: [
        { kind: 'registry' },
        { kind: 'environment', environment: 'dev' },
        { kind: 'layout', folder: '/etc/dray/mirror/{repository}' },
      ],
      include: [
        { tags: { kind: 'glob', globs: ['latest', '3.2?'] } },
        {
          tags: { kind: 'semver', text: '>=20 <23', range: { includePrerelease: false } },
          variant: ['alpine3.*'],
          newestVersions: { per: 'minor', count: 2 },
        },
        { tags: { kind: 'regex' }, groupBy: ['variant'], newest: 5 },
      ],
      exclude: [{ kind: 'glob', globs: ['*-windows*', 'nightly-*'] }],
      platforms: [
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: 'arm', variant: 'v7' },
      ],
      movedTags: 'keep',
      timeFrom: ['config'],
      reading: { scheme: 'calver', variants: ['alpine*'], ignoreVersions: ['1.0.0'], buildMetadata: true },
      optional: true,
      delete: { exclusive: true, gracePeriod: 604_800_000, maxDeletes: 50, maxPercent: 10 },
    })
  })

  it('has a hash that the order of keys does not change, and any value does', () => {
    const { hash } = only(hub)
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(
      only(`
  - to: "mirror.example.com/hub/{repository}"
    repositories: [library/alpine, "bitnami/**"]
    from: docker.io
    name: hub
`).hash,
    ).toBe(hash)
    expect(only(`${hub}    movedTags: keep\n`).hash).not.toBe(hash)
  })

  it('is not read if there is no section', () => {
    const loaded = parseConfig({ file: '/etc/dray/dray.yaml', content: 'version: 1\n' }, 'dray.yaml')
    expect(syncRulesOf(loaded)).toEqual([])
  })
})

describe('the repositories of a rule', () => {
  const { config } = loadSync(hub)

  it('are those of the source and of each destination', () => {
    const rule = only(hub.replace('to: "', 'to: ["@prod", "').replace(/"\n$/, '"]\n'))
    expect(sourceOf(rule, 'library/alpine', config)).toEqual({
      registry: 'docker.io',
      path: 'library/alpine',
    })
    const targets = destinationsOf(rule, 'library/alpine', config)
    expect(
      targets.map(({ repository, environment, entry }) => [formatRepository(repository), environment, entry]),
    ).toEqual([
      ['eu.example.com/prod/library/alpine', 'prod', 0],
      ['us.example.com/prod/library/alpine', 'prod', 0],
      ['mirror.example.com/hub/library/alpine', undefined, 1],
    ])
  })

  it('have the environment that a path belongs to', () => {
    const rule = only(hub.replace('mirror.example.com/hub', 'eu.example.com/prod'))
    expect(destinationsOf(rule, 'library/alpine', config)).toMatchObject([
      { environment: 'prod', image: 'library/alpine' },
    ])
  })

  it.each([
    ['an upper-case path', 'Library/Alpine', '"Library" must be lower case'],
    ['a path that is too deep', 'a/'.repeat(126) + 'a', 'longer than 255 characters'],
    ['an empty component', 'a//b', 'is empty'],
    ['a component that is no name', 'a/../b', '".." is not a component'],
  ])('case 8: are an error that names %s', (_, path, why) => {
    const thrown = errorOf(() => destinationsOf(only(hub), path, config))
    expect(thrown).toMatchObject({ code: 'malformed' })
    expect(thrown.message).toContain(`hub/{repository} has no repository for "${path.slice(0, 300)}"`)
    expect(thrown.why).toContain(why)
  })
})

describe('a mistake in a rule', () => {
  it('is reported with its line and column, all of them in one run', () => {
    expect(
      mistakesIn(`
  - name: one
    from: docker.io
    repositories: [library/alpine:3]
    to: "mirror.example.com/{repository}"
    platforms: [amd64]
  - name: one
    from: "@devv"
    to: "@prod"
`),
    ).toEqual([
      '8:20 sync[0].repositories[0]: a pattern of repositories has no tag or digest: select tags with `include`',
      '10:17 sync[0].platforms[0]: "amd64" is not a platform: write one such as linux/amd64 or linux/arm/v7',
      '11:11 sync[1].name: "one" is given twice',
      '12:11 sync[1].from: there is no environment "devv"; did you mean "dev"?',
    ])
  })
})

function errorOf(act: () => unknown): { code: string; message: string; why?: string | undefined } {
  try {
    act()
  } catch (thrown) {
    if (isDrayError(thrown)) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}
