import { describe, expect, it } from 'vitest'
import type { Rule } from '../../../../src/config/retention/policy.ts'
import { lastPullOf } from '../../../../src/images/inventory/last-pulls.ts'
import type { Digest } from '../../../../src/oci/digest.ts'
import type { HistorySources } from '../../../../src/usecases/prune/records/history.ts'
import { noSources } from '../../../../src/usecases/prune/records/history-reader.ts'
import { image, index } from '../../../support/images.ts'
import { digestNamed, globs, rule } from '../../../support/repository-graphs.ts'
import {
  dayMs,
  type ListedPlan,
  listedWorld,
  type ListedWorld,
  memoryContents,
  now,
  type PlanOptions,
} from '../../../support/retention/listed-world.ts'

const unused = (days: number, rest: Parameters<typeof rule>[1] = {}): Rule => ({
  ...rule('unused', { tags: globs('*'), ...rest }),
  notPulledFor: days * dayMs,
})
const planWith = (
  world: ListedWorld,
  rules: readonly Rule[],
  options: PlanOptions = {},
): Promise<ListedPlan> =>
  world.plan(rules, {
    knows: { pulledAt: 'exact', ...options.knows },
    sources: sourcesWith(1000),
    ...options,
  })

/** dray has read pull times for so many days. */
const sourcesWith = (days: number): HistorySources => ({
  ...noSources,
  watchedSince: async () => await Promise.resolve(now - days * dayMs),
})

describe('a rule with notPulledFor (case 40)', () => {
  it('keeps what was pulled since, and counts from the push if there was no pull', async () => {
    const world = await listedWorld()
    world.put(image({ label: 'a' }), { tags: ['pulled-lately'], pulled: 10.5 })
    world.put(image({ label: 'b' }), { tags: ['pulled-long-ago'], pulled: 95.5 })
    world.put(image({ label: 'c' }), { tags: ['never'], pulled: 'never' })
    world.put(image({ label: 'd' }), { tags: ['never-and-new'], pulled: 'never', pushed: 3 })
    world.put(image({ label: 'e' }), { tags: ['unknown'] })
    world.put(image({ label: 'f' }), { tags: ['future'], pulled: -3 })
    world.put(image({ label: 'g' }), { tags: ['pushed-again'], pulled: 95.5, pushed: 2.5 })
    const { deleted, explain } = await planWith(world, [unused(90)])
    expect(deleted).toEqual(['never', 'pulled-long-ago'])
    const why = (tag: string): string => explain(tag).why.text
    expect(why('pulled-lately')).toBe('unused: pulled 10d ago, not longer ago than 90d')
    expect(why('never')).toBe('unused: never pulled, pushed 100d ago, longer ago than 90d')
    expect(why('unknown')).toBe('unused: the last pull is unknown')
    expect(why('pushed-again')).toBe('unused: pulled 95d ago, pushed 2d ago, not longer ago than 90d')
  })

  it('adds a day if times of pulls are exact to a day', async () => {
    const world = await listedWorld()
    world.put(image({ label: 'a' }), { tags: ['a'], pulled: 90.5 })
    world.put(image({ label: 'b' }), { tags: ['b'], pulled: 91.5 })
    expect((await planWith(world, [unused(90)])).deleted).toEqual(['a', 'b'])
    const { deleted } = await planWith(world, [unused(90)], { knows: { pulledAt: 'day' } })
    expect(deleted).toEqual(['b'])
  })

  it('keeps an index that was pulled by platform, and a child of an index that was pulled', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    world.put(child, { pulled: 3 })
    world.put(index([child]), { tags: ['by-platform'], pulled: 'never' })
    const other = image({ label: 'other' })
    world.put(other, { tags: ['other'], pulled: 'never' })
    world.put(index([other], { label: 'other' }), { tags: ['pulled'], pulled: 3 })
    expect((await planWith(world, [unused(90)])).deleted).toEqual([])
    expect((await planWith(world, [unused(2)])).deleted).toHaveLength(4)
  })

  it('deletes only what all of its conditions agree on', async () => {
    const world = await listedWorld()
    for (const [i, pushed] of [100.5, 50.5, 40.5, 5.5].entries())
      world.put(image({ label: `${i}` }), { tags: [`t${i}`], pushed, pulled: i === 1 ? 1 : 'never' })
    const plan = await planWith(world, [unused(30, { keepNewest: 1, days: 20 })])
    expect(plan.deleted).toEqual(['t0', 't2'])
  })

  it('keeps everything until pulls are known for long enough', async () => {
    const world = await listedWorld()
    world.put(image({ label: 'a' }), { tags: ['a'], pulled: 'never', pushed: 200 })
    const young = await planWith(world, [unused(90)], {
      sources: sourcesWith(89),
    })
    expect(young.deleted).toEqual([])
    expect(young.explain('a').why.text).toMatch(/and pulls are known for 8\dd, not longer than 90d/)
    const never = await planWith(world, [unused(90)], { sources: noSources })
    expect(never.deleted).toEqual([])
    // A pull time of the vendor shows that it records pulls.
    world.put(image({ label: 'b' }), { tags: ['b'], pulled: 120, pushed: 200 })
    expect((await planWith(world, [unused(90)], { sources: noSources })).deleted).toEqual(['a', 'b'])
  })

  it('is refused if more than half of the entries share one day, with the user agent (case 25)', async () => {
    const world = await listedWorld()
    for (let i = 0; i < 9; i++) {
      const digest = world.put(image({ label: `${i}` }), {
        tags: [`t${i}`],
        pulled: i < 5 ? 100 : 100 + 2 * i,
      })
      if (i < 5) world.facts.set(digest, { ...world.facts.get(digest), pulledBy: 'skopeo/1.14' })
    }
    world.put(image({ label: 'old' }), { tags: ['old'] })
    const { deleted, decision } = await planWith(world, [
      rule('olds', { tags: globs('old'), days: 3 }),
      unused(90),
    ])
    expect(deleted).toEqual(['old'].concat(['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', 't8']))
    expect(decision.refusals).toEqual([])
    world.put(image({ label: '9' }), { tags: ['t9'], pulled: 100 })
    const refused = await planWith(world, [rule('olds', { tags: globs('old'), days: 3 }), unused(90)])
    expect(refused.deleted).toEqual(['old'])
    expect(refused.decision.refusals).toMatchObject([{ rule: 'unused', error: { code: 'refused' } }])
    expect(refused.decision.refusals[0]?.error.why).toMatch(
      /^6 of 11 manifests were pulled last on 2026-02-2\d, most by skopeo\/1\.14: /,
    )
  })

  it('is not refused because of earlier reads by dray, and keeps what they pulled', async () => {
    const world = await listedWorld()
    const own = Array.from({ length: 6 }, (_, i) =>
      world.put(image({ label: `${i}` }), { tags: [`t${i}`], pulled: 3.5 }),
    )
    world.put(image({ label: 'old' }), { tags: ['old'], pulled: 120 })
    expect((await planWith(world, [unused(90)])).decision.refusals).toHaveLength(1)
    const at = now - 3.5 * dayMs
    const ownReads = new Map(own.map((digest) => [digest, { from: at, to: at }]))
    const { deleted, decision, explain } = await planWith(world, [unused(90)], {
      change: (snapshot) => ({ ...snapshot, ownReads }),
    })
    expect(decision.refusals).toEqual([])
    expect(deleted).toEqual(['old'])
    expect(explain('t0').why.text).toBe(
      'unused: pulled 3d ago, perhaps by dray itself, not longer ago than 90d',
    )
  })

  it.each([
    [{ kind: 'none' } as const, 'dray has none of'],
    [undefined, 'gives no pull times'],
  ])('is refused without pull times, and keeps what it selects from later rules', async (reading, why) => {
    const world = await listedWorld()
    world.put(
      image({ label: 'a', annotations: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' } }),
      {
        tags: ['a'],
      },
    )
    const { deleted, decision } = await world.plan([unused(90), rule('rest', { days: 1 })], {
      timeFrom: ['annotation'],
      ...(reading !== undefined && { reading }),
    })
    expect(deleted).toEqual([])
    expect(decision.refusals[0]?.error.why).toContain(why)
  })

  it('sends no GET of a manifest if that counts as a pull and the vendor gives children (case 21)', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    world.put(child, { pulled: 'never' })
    const api = world.put(index([child]), { tags: ['old'], pulled: 'never' })
    world.facts.set(api, { ...world.facts.get(api), children: [child.root.digest as Digest] })
    const { deleted, decision } = await planWith(world, [unused(90)], {
      knows: { pulledAt: 'exact', children: true },
    })
    expect(deleted).toHaveLength(2)
    expect(world.counts()['GET manifest']).toBeUndefined()
    expect(decision.warnings).toEqual([])
  })

  it('reads each manifest once with a cache, by the pull times from before, and says that it did', async () => {
    const world = await listedWorld()
    const contents = memoryContents()
    world.put(index(['linux/amd64']), { tags: ['old'], pulled: 'never' })
    world.put(image({ label: 'b' }), { tags: ['b'], pulled: 'never' })
    for (const digest of world.facts.keys())
      world.facts.set(digest, { ...world.facts.get(digest), pulledAt: 'never' })
    const first = await planWith(world, [unused(90)], { contents })
    expect(first.deleted).toHaveLength(3)
    expect(first.warnings.join('\n')).toContain('dray read 3 manifests with GET, which The Vendor can count')
    const second = await planWith(world, [unused(90)], { contents })
    expect(second.deleted).toEqual(first.deleted)
    expect(world.counts()['GET manifest']).toBeUndefined()
  })
})

describe('the last pull of an image', () => {
  const [a, b] = [digestNamed('a'), digestNamed('b')]
  const knows = {
    untagged: true,
    pushedAt: true,
    pulledAt: 'exact',
    size: 'no',
    children: false,
    locks: false,
  } as const
  const edges = {
    children: (digest: Digest) => (digest === a ? [b] : []),
    indexes: (digest: Digest) => (digest === b ? [a] : []),
  }
  it.each([
    ['of its tags, if the vendor counts by tag', [{ name: 'x', pulledAt: 7 }], undefined, { at: 7 }],
    ['the latest of both', [{ name: 'x', pulledAt: 7 }], 9, { at: 9 }],
    ['unknown, if one tag is unknown', [{ name: 'x', pulledAt: 7 }, { name: 'y' }], undefined, undefined],
  ] as const)('is %s', (_, tags, pulledAt, expected) => {
    const entry = { digest: b, tags, ...(pulledAt !== undefined && { pulledAt }) }
    const found = lastPullOf(
      { entries: new Map([[b, entry]]), knows: { ...knows, untagged: false } },
      b,
      edges,
    )
    expect(found).toMatchObject(expected ?? { kind: 'unknown' })
  })

  it('is unknown if a child is not in a list of all manifests', () => {
    const entries = new Map([[a, { digest: a, tags: [], pulledAt: 5 }]])
    expect(lastPullOf({ entries, knows }, a, edges)).toEqual({ kind: 'unknown' })
    expect(lastPullOf({ entries, knows: { ...knows, untagged: false } }, a, edges)).toMatchObject({ at: 5 })
  })
})
