import { assert, asyncProperty, integer, property, uniqueArray } from 'fast-check'
import { expect, it } from 'vitest'
import { isInShard, parseShard } from '../../../src/cli/arguments/shard.ts'
import { resolveSyncScope } from '../../../src/cli/sync/sync-scope.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import { notedCall } from '../../support/http-world.ts'
import { loadSync } from '../../support/sync-config.ts'

const section = `
  - name: hub
    from: r.example.com/source
    repositories: ["**"]
    to: ["a.example.com/hub/{repository}", "b.example.com/hub/{repository}"]
  - name: other
    from: r.example.com/second
    repositories: ["**"]
    to: "a.example.com/second/{repository}"
`
const { rules, config } = loadSync(section)
const paths = uniqueArray(
  integer({ min: 0, max: 1_000_000 }).map((i) => `team-${i % 7}/app-${i}`),
  { minLength: 1, maxLength: 60 },
)

/** The destinations of a run, each with its shard. */
async function destinations(found: readonly string[], shard: string | undefined): Promise<readonly string[]> {
  const catalog = async (): Promise<readonly string[]> =>
    found.flatMap((path) => [`source/${path}`, `second/${path}`])
  const of = shard === undefined ? undefined : parseShard(shard)
  const scope = await resolveSyncScope(rules, of, { config, catalog }, notedCall())
  expect(scope.failures).toEqual([])
  return scope.repositories.flatMap(({ destinations: all }) =>
    all.map(({ repository }) => formatRepository(repository)),
  )
}

it('the shards of a sync cover each destination repository exactly once', async () => {
  await assert(
    asyncProperty(paths, integer({ min: 1, max: 9 }), async (found, count) => {
      const whole = await destinations(found, undefined)
      expect(whole).toHaveLength(3 * found.length)
      const shards = await Promise.all(
        Array.from({ length: count }, (_, i) => destinations(found, `${i + 1}/${count}`)),
      )
      expect(shards.flat().toSorted()).toEqual(whole.toSorted())
    }),
    { numRuns: 30 },
  )
})

it('a repository is in exactly one of any number of shards', () => {
  assert(
    property(integer(), integer({ min: 1, max: 10_000 }), (i, count) => {
      const repository = { registry: 'r.example.com', path: `team/app-${Math.abs(i)}` }
      const inside = Array.from({ length: count }, (_, index) => index).filter((index) =>
        isInShard(repository, { index, count }),
      )
      expect(inside).toHaveLength(1)
    }),
    { numRuns: 5 },
  )
})
