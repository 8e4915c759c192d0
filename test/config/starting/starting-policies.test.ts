import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/parse.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import type { RetentionPolicy } from '../../../src/config/retention/policy.ts'
import { startingConfig } from '../../../src/config/starting/starting-config.ts'
import { startingPolicies } from '../../../src/config/starting/starting-policies.ts'
import { matchesGlob } from '../../../src/oci/tag-glob.ts'
import type { TagSelector } from '../../../src/selectors/tag-selector.ts'

const environments = [
  { name: 'dev', path: 'dev/{image}' },
  { name: 'prod', path: '{image}/prod' },
]

function read(policyName: string | undefined, registry = 'registry.example.com', names = environments) {
  const policy = startingPolicies.find(({ name }) => name === policyName)
  const [first] = names
  const retention = policy && first && { policy, environment: first.name }
  const placed = names.map((one) => ({ ...one, registry }))
  const content = startingConfig({ environments: placed, images: ['api'], ...(retention && { retention }) })
  const loaded = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')
  return { config: loaded.config, policies: retentionOf(loaded), content }
}

function selects(selector: TagSelector | undefined, tag: string): boolean {
  if (selector?.exclude !== undefined && selects(selector.exclude, tag)) return false
  switch (selector?.kind) {
    case undefined:
      return true
    case 'glob':
      return selector.globs.some((glob) => matchesGlob(glob, tag))
    case 'regex':
      return selector.regex.match(tag) !== undefined
    case 'semver':
      throw new Error('no starting policy has a range without newestPer')
  }
}

/** The rule that may delete a tag, if no protection covers it. */
function deletes({ protect, rules }: RetentionPolicy, tag: string): string | undefined {
  const isHeld = protect.some((one) => one.kind === 'tags' && !one.newest && selects(one.tags, tag))
  return isHeld ? undefined : rules.find((rule) => selects(rule.tags, tag))?.name
}

describe('a starting policy', () => {
  it.each(startingPolicies.map(({ name }) => name))('%s is valid, limited and protects', (name) => {
    const { config, policies } = read(name)
    const [policy] = policies
    expect([...config.environments.keys()]).toEqual(['dev', 'prod'])
    expect(policies).toHaveLength(1)
    expect(policy?.protect.length).toBeGreaterThan(1)
    expect(policy?.limits).toEqual({ maxDeletes: 200, maxPercent: 50, minRemaining: 1 })
    for (const { repositories, olderThan } of policy?.rules ?? []) {
      expect(repositories?.map(({ text }) => text)).toEqual(['@dev/**'])
      expect(olderThan ?? Infinity).toBeGreaterThanOrEqual(7 * 86_400_000)
    }
  })

  it.each([
    ['pull-requests', 'pr-17', 'pull-requests'],
    ['pull-requests', 'pr-17-3f2a91c', 'pull-requests'],
    ['pull-requests', 'main-3f2a91c', 'main-branches'],
    ['pull-requests', 'web-main-3f2a91c', 'main-branches'],
    ['pull-requests', 'sha-3f2a91c', 'main-branches'],
    ['pull-requests', 'feature-login-3f2a91c', 'branches'],
    ['pull-requests', 'dependabot-npm-lodash-4.17.21-3f2a91c', 'branches'],
    ['pull-requests', 'cache-pr-17', 'caches'],
    ['pull-requests', 'nightly-20260102', undefined],
    ['pull-requests', 'snapshot-202601021530', undefined],
    ['pull-requests', 'main', undefined],
    ['pull-requests', 'latest', undefined],
    ['pull-requests', '1.4.2', undefined],
    ['pull-requests', '1.4.2-3f2a91c', undefined],
    ['pull-requests', 'v2.0.0-rc.1', undefined],
    ['pull-requests', 'prod', undefined],
    ['nightlies', 'nightly-2026-01-02', 'nightlies'],
    ['nightlies', 'nightly-1.4.2', 'nightlies'],
    ['nightlies', 'nightly', undefined],
    ['nightlies', '1.4.2', undefined],
    ['release-candidates', '1.4.0-rc.1', 'release-candidates'],
    ['release-candidates', 'v2.0.0-beta3', 'release-candidates'],
    ['release-candidates', '27.0.0.0-rc2', 'release-candidates'],
    ['release-candidates', '1.4.0-rc.1-alpine', 'release-candidates'],
    ['release-candidates', 'web-v1.4.0-rc.1', 'release-candidates'],
    ['release-candidates', '17beta1', 'release-candidates'],
    ['release-candidates', 'pr-17-beta', undefined],
    ['release-candidates', '1.4.0', undefined],
    ['release-candidates', '1.4.0_build.3', undefined],
    ['release-candidates', '1.4.0-alpine', undefined],
    ['release-candidates', 'web-1.4.0', undefined],
    ['newest', '3f2a91c', 'builds'],
    ['newest', '20260102', 'builds'],
    ['newest', 'pr-17-1.4.2', 'builds'],
    ['newest', '1.4.2', undefined],
    ['newest', '1.4.2-rc.1', undefined],
    ['newest', 'v1.4.2', undefined],
    ['newest', '1.4.2-alpine', undefined],
    ['newest', '1.4.2_build.3', undefined],
    ['newest', '2026.01.2', undefined],
    ['newest', '2026.01', undefined],
    ['newest', '2022.04.2beta', undefined],
    ['newest', '27.3.4.1', undefined],
    ['newest', '16.3-alpine3.20', undefined],
    ['newest', '17rc1', undefined],
    ['newest', 'web-1.4.2', undefined],
    ['newest', 'web-v1.4.2-alpine', undefined],
    ['newest', 'stable', undefined],
    ['newest', 'web-main', undefined],
    ['newest', 'latest-alpine', undefined],
    ['newest', 'pr-17-dev', 'builds'],
    ['newest', 'product-3f2a91c', 'builds'],
    ['newest', 'prod-eu', undefined],
    ['environment', '3f2a91c', 'unused'],
    ['environment', 'latest', undefined],
    ['environment', '16.3', undefined],
    ['environment', 'web-1.4.2', undefined],
  ])('%s: the rule that may delete %s is %s', (name, tag, rule) => {
    const [policy] = read(name).policies
    expect(policy && deletes(policy, tag)).toBe(rule)
  })

  it('has a line for the menu and a name for the flag', () => {
    for (const { name, summary } of startingPolicies) {
      expect(name).toMatch(/^[a-z-]+$/)
      expect(summary.length).toBeLessThan(80)
    }
  })
})

describe('a starting configuration', () => {
  it('has no policy if none is selected', () => {
    expect(read(undefined).policies).toEqual([])
  })

  it.each(['localhost:5000', '[::1]:5000', '127.0.0.1', 'docker.io', 'Registry.example.com'])(
    'can have the registry %s',
    (registry) => {
      const { config } = read('newest', registry)
      const targets = [{ registry: registry.toLowerCase(), path: '{image}/prod' }]
      expect(config.environments.get('prod')?.targets).toEqual(targets)
    },
  )

  it.each(['true', 'null', '123', '1e3', '0x1f', 'y', 'no', '2026-01-02'])(
    'can have an environment named %s',
    (name) => {
      const names = [{ name, path: '{image}' }]
      expect([...read('newest', 'r.example.com', names).config.environments.keys()]).toEqual([name])
    },
  )
})
