import { describe, expect, it } from 'vitest'
import { type PruneScope, type ScopeOptions, resolveScope } from '../../../src/cli/prune/prune-scope.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { findPolicy, retentionOf } from '../../../src/config/retention/retention.ts'
import { formatRepository } from '../../../src/oci/reference.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }
const environments = `
version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  prod:
    targets:
      - { registry: eu.example.com, path: "prod/{image}" }
      - { registry: us.example.com, path: "prod/{image}" }
`
const catalogs: Readonly<Record<string, readonly string[]>> = {
  'r.example.com': ['dev/api', 'dev/team/web', 'other/api', 'dev'],
  'eu.example.com': ['prod/api'],
  'us.example.com': ['prod/api', 'prod/web'],
}

/** The prefixes that the last scope asked for. */
let asked: string[] = []

async function scope(retention: string, options: Partial<ScopeOptions> = {}, rest = ''): Promise<PruneScope> {
  const content = `${environments}${rest}\nretention:\n${retention}`
  const loaded = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')
  asked = []
  return await resolveScope(
    findPolicy(retentionOf(loaded)),
    { patterns: [], exclude: [], ...options },
    loaded.config,
    async (registry, _, prefix) => {
      asked.push(`${registry}/${prefix}`)
      return await Promise.resolve(catalogs[registry] ?? [])
    },
    call,
  )
}

const old = (repositories?: string): string =>
  `  rules:\n    - { name: old, olderThan: 14d${repositories === undefined ? '' : `, repositories: ${repositories}`} }`

function names({ repositories }: PruneScope): readonly string[] {
  return repositories.map(({ repository }) => formatRepository(repository)).toSorted()
}

describe('the scope of a prune', () => {
  it('has the repositories that the rules name, from the catalogs', async () => {
    const found = await scope(old('["@dev/*"]'))
    expect(names(found)).toEqual(['r.example.com/dev/api'])
    expect(found.isWhole).toBe(true)
    expect(names(await scope(old('["@dev/**"]')))).toEqual([
      'r.example.com/dev/api',
      'r.example.com/dev/team/web',
    ])
  })

  it('lists only the part of a registry that can match, for vendors that list no other one', async () => {
    await scope(old('["r.example.com/dev/team*/**"]'))
    expect(asked).toEqual(['r.example.com/dev/team'])
    await scope(old())
    expect(asked.toSorted()).toEqual(['eu.example.com/prod/', 'r.example.com/dev/', 'us.example.com/prod/'])
    const two = `
  both:
    targets:
      - { registry: both.example.com, path: "acme/eu/{image}" }
      - { registry: both.example.com, path: "acme/us/{image}" }
`
    await scope(old('["@both/*"]'), {}, two.replace('\n', ''))
    expect(asked).toEqual(['both.example.com/acme/'])
  })

  it('has all targets of all environments for a rule without repositories', async () => {
    expect(names(await scope(old()))).toEqual([
      'eu.example.com/prod/api',
      'r.example.com/dev/api',
      'r.example.com/dev/team/web',
      'us.example.com/prod/api',
      'us.example.com/prod/web',
    ])
  })

  it('has the reading of versions of each image in its environment, and the defaults elsewhere', async () => {
    const more = `  calendar:
    { registry: c.example.com, path: "{image}", tags: { scheme: calver, variants: [slim] } }
images: { api: {}, site: { tags: { scheme: loose, buildMetadata: true } } }`
    const { repositories } = await scope(old('["@calendar/*", "r.example.com/other/api"]'), {}, more)
    const readings = repositories.map(({ repository, policy: { reading } }) => [repository.path, reading])
    expect(Object.fromEntries(readings)).toMatchObject({
      api: { scheme: 'calver', variants: ['slim'], buildMetadata: false },
      site: { scheme: 'loose', variants: ['slim'], buildMetadata: true },
      'other/api': { scheme: 'semver', variants: [], buildMetadata: false },
    })
  })

  it('has the images of dray.yaml if it lists any, without a catalog', async () => {
    const images = 'images: { api: {}, site: { name: frontend/site } }'
    expect(names(await scope(old('["@dev/*"]'), {}, images))).toEqual([
      'r.example.com/dev/api',
      'r.example.com/dev/frontend/site',
    ])
  })

  it('has the repositories of the arguments without those of --exclude', async () => {
    const found = await scope(old('["@dev/**"]'), {
      patterns: ['r.example.com/**'],
      exclude: ['@dev/team/*'],
    })
    expect(names(found)).toEqual(['r.example.com/dev', 'r.example.com/dev/api', 'r.example.com/other/api'])
    expect(found.isWhole).toBe(false)
  })

  it('has the patterns that match no repository', async () => {
    const images = 'images: { api: {} }'
    const unmatched = async (options: Partial<ScopeOptions>, rules = '["@dev/**"]', rest = images) =>
      (await scope(old(rules), options, rest)).unmatched
    expect(await unmatched({ exclude: ['@dev/a*'] })).toEqual([])
    expect(await unmatched({ patterns: ['@dev/x*', '@dev/api'] })).toEqual(['@dev/x*'])
    expect(await unmatched({ exclude: ['@dev/ap1*', '@prod'] })).toEqual(['@dev/ap1*', '@prod'])
    expect(await unmatched({}, '["@dev/x*", "@dev/a*"]')).toEqual(['@dev/x*'])
    expect(await unmatched({ patterns: ['r.example.com/nope/*'] }, undefined, '')).toEqual([
      'r.example.com/nope/*',
    ])
  })

  it('has the matching rules of each repository', async () => {
    const rules = `  rules:
    - { name: one, olderThan: 14d, repositories: ["@dev/api"] }
    - { name: two, olderThan: 7d, repositories: ["@dev/team/*"] }`
    const { repositories } = await scope(rules)
    const byName = new Map(
      repositories.map(({ image, policy }) => [image, policy.rules.map(({ name }) => name)]),
    )
    expect(byName).toEqual(
      new Map([
        ['@dev/api', ['one']],
        ['@dev/team/web', ['two']],
      ]),
    )
  })

  it('is split completely by shards', async () => {
    const shards = await Promise.all([0, 1, 2].map((index) => scope(old(), { shard: { index, count: 3 } })))
    expect(shards.flatMap(names).toSorted()).toEqual(names(await scope(old())))
    expect(shards.map(({ isWhole }) => isWhole)).toEqual([false, false, false])
  })

  it.each(['r.example.com', 'r.example.com:5000', '127.0.0.1:5000', 'localhost', 'localhost:5000'])(
    'of the registry %s alone is an error that says how to name all of it',
    async (word) => {
      const error = {
        code: 'usage',
        message: expect.stringContaining(`write ${word}/** for all repositories`),
      }
      await expect(scope(old(), { patterns: [word] })).rejects.toMatchObject(error)
      await expect(scope(old(), { exclude: [word] })).rejects.toMatchObject(error)
    },
  )

  it.each([['@nope/*'], ['@dve']])('is an error for an unknown environment: %s', async (argument) => {
    await expect(scope(old(), { patterns: [argument] })).rejects.toMatchObject({ code: 'usage' })
  })
})
