import { describe, expect, it } from 'vitest'
import { type CheckedTag, TagChecks } from '../../../src/execute/tags/tag-checks.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { Precondition } from '../../../src/plan/plan.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tagStores, wanted } from '../../support/tag-stores.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }
const [old, other] = [digestOf('old'), digestOf('other')]
const call = notedCall()

const expecting = (tag: string, ...preconditions: readonly Precondition[]): CheckedTag => ({
  repository,
  tag,
  wanted: wanted.digest,
  expect: preconditions,
})
const at = (tag: string, digest: typeof old | null): Precondition => ({
  kind: 'tag',
  repository,
  tag,
  digest,
})
const highest = (version: string): Precondition => ({
  kind: 'highest',
  repository,
  line: { major: 1 },
  version,
  buildMetadata: false,
})

describe('a check of a tag', () => {
  it.each([
    ['is expected if it points at what the plan saw', { stable: old }, old, 'expected', old],
    ['is expected if it is missing as the plan saw', {}, null, 'expected', null],
    [
      'is up to date if it points at what is wanted',
      { stable: wanted.digest },
      old,
      'upToDate',
      wanted.digest,
    ],
    ['is a conflict if it points at something else', { stable: other }, old, 'conflict', other],
    ['is a conflict if it appeared', { stable: other }, null, 'conflict', other],
    ['is a conflict if it is gone', {}, old, 'conflict', null],
  ] as const)('%s', async (_, tags, planned, state, found) => {
    const { stores } = tagStores(tags)
    const checks = new TagChecks(stores, manualClock())
    expect(await checks.check(expecting('stable', at('stable', planned)), call)).toMatchObject({
      state,
      found,
    })
  })

  it('reads a tag twice before it reports a conflict, because a cache may have answered', async () => {
    const world = tagStores({ stable: other })
    world.onRequest = () => {
      if (world.requests.length === 2) world.tags.set('stable', old)
    }
    const checks = new TagChecks(world.stores, manualClock())
    const check = await checks.check(expecting('stable', at('stable', old)), call)
    expect(check).toMatchObject({ state: 'expected', found: old })
  })

  it.each([
    ['that is new', other, null, 'conflict'],
    ['that is new and is what is wanted already', wanted.digest, null, 'upToDate'],
    ['that exists', old, old, 'expected'],
    ['that was moved', other, old, 'conflict'],
  ] as const)('reads a tag %s by GET if HEAD answers 404', async (_, found, planned, state) => {
    const world = tagStores({ '1.4.2': found })
    world.hasHead = false
    const checks = new TagChecks(world.stores, manualClock())
    expect(await checks.check(expecting('1.4.2', at('1.4.2', planned)), call)).toMatchObject({
      state,
      found,
    })
  })

  it('is one GET of a tag that is new, and one HEAD of a tag that exists', async () => {
    const world = tagStores({ stable: old })
    const checks = new TagChecks(world.stores, manualClock())
    await checks.check(expecting('1.4.2', at('1.4.2', null)), call)
    await checks.check(expecting('stable', at('stable', old)), call)
    expect(world.requests).toEqual(['GET 1.4.2', 'HEAD stable'])
  })

  it.each([
    ['that exists, as the plan saw', old, 'expected'],
    ['that is there by now', null, 'conflict'],
  ] as const)('reads another tag %s by GET if HEAD answers 404', async (_, planned, state) => {
    const world = tagStores({ stable: old })
    world.hasHead = false
    const checks = new TagChecks(world.stores, manualClock())
    const check = await checks.check(expecting('new', at('new', null), at('stable', planned)), call)
    expect(check).toMatchObject({ state })
  })

  it('reports a precondition about another tag, with the digest of the checked tag', async () => {
    const { stores } = tagStores({ stable: old, '1.4.2': other })
    const checks = new TagChecks(stores, manualClock())
    const check = await checks.check(expecting('stable', at('stable', old), at('1.4.2', null)), call)
    expect(check).toMatchObject({ state: 'conflict', found: old, error: { code: 'conflict' } })
  })

  it('reports a higher version of the line, and none of another line', async () => {
    const { stores } = tagStores({ '1': old, '1.5.0': other, '2.0.0': other })
    const checks = new TagChecks(stores, manualClock())
    const check = (version: string) => checks.check(expecting('1', at('1', old), highest(version)), call)
    expect(await check('1.4.2')).toMatchObject({ state: 'conflict', found: old })
    expect(await check('1.5.0')).toMatchObject({ state: 'expected' })
  })

  it('rewrites a tag that is up to date if its content is repaired', async () => {
    const { stores } = tagStores({ stable: wanted.digest })
    const checks = new TagChecks(stores, manualClock())
    const repaired = { ...expecting('stable', at('stable', wanted.digest)), repair: true }
    expect(await checks.check(repaired, call)).toMatchObject({ state: 'expected' })
  })
})

describe('the age of a check', () => {
  it('counts from its begin', async () => {
    const [world, clock] = [tagStores({ stable: old }), manualClock()]
    const began = clock.now()
    world.onRequest = () => clock.advance(5_000)
    const check = await new TagChecks(world.stores, clock).check(expecting('stable', at('stable', old)), call)
    expect(check.at).toBe(began)
  })

  it('counts from the begin of the list that several checks share for two seconds', async () => {
    const [world, clock] = [tagStores({ '1': old, latest: old }), manualClock()]
    const checks = new TagChecks(world.stores, clock)
    const began = clock.now()
    await checks.check(expecting('1', at('1', old), highest('1.4.2')), call)
    await clock.advance(2_000)
    const second = await checks.check(expecting('latest', at('latest', old), highest('1.4.2')), call)
    expect(second.at).toBe(began)
    await clock.advance(1)
    const third = await checks.check(expecting('latest', at('latest', old), highest('1.4.2')), call)
    expect(third.at).toBe(clock.now())
    expect(world.requests.filter((request) => request === 'LIST')).toHaveLength(2)
  })
})
