import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RecordedPuts } from '../../../src/audit/query/recorded-puts.ts'
import { holdTag } from '../../../src/images/holds/hold-tag.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../src/oci/reference.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { hold } from '../../support/holding.ts'
import { image, index } from '../../support/images.ts'
import { type Bench, bench, repository } from '../../support/promotion.ts'
import { executePrunePlan, prunePlanOf } from '../../support/pruning.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

const api = index(['amd64', 'arm64'], { label: 'api', layers: 1 })
const other = image({ label: 'other', layers: 1 })
const digest = parseDigest(api.root.digest)

let run: Bench
let registry: WatchedRegistry
let name: RepositoryName
beforeEach(async () => {
  run = await bench()
  registry = await watchedRegistry()
  name = repository(registry, 'dev/api')
  await registry.oracle.push(api, 'dev/api', 'pr-1')
  await registry.oracle.push(other, 'dev/api', 'pr-2')
})
afterEach(async () => {
  await run[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

const planned = (): Promise<PrunePlan> => prunePlanOf(run, [name])
const holdIt = (by: Bench) => hold(by, { host: registry.host, path: 'dev/api', at: { tag: 'pr-1' } })
const whyOf = ({ steps }: Awaited<ReturnType<typeof executePrunePlan>>) =>
  steps.flatMap(({ result, error }) => (result === 'conflict' ? [error?.why ?? ''] : []))

describe('an image that is held after the plan to delete it was made', () => {
  it('is kept with all of its parts, and the others are deleted', async () => {
    const plan = await planned()
    await using elsewhere = await bench()
    await holdIt(elsewhere)
    const outcome = await executePrunePlan(run, plan)
    expect(whyOf(outcome)[0]).toMatch(/^the tag hold-[0-9a-f]{12} points to it now$|^it is held by ada since/)
    expect(await registry.oracle.complaints('dev/api', 'pr-1')).toEqual([])
    expect(await registry.oracle.digest('dev/api', 'pr-2')).toBeUndefined()
  })

  it('is kept by the statement alone', async () => {
    const plan = await planned()
    await using elsewhere = await bench()
    await holdIt(elsewhere)
    await registry.oracle.delete('dev/api', holdTag(digest))
    const outcome = await executePrunePlan(run, plan)
    expect(whyOf(outcome)).toContain(
      `it is held by ada since ${new Date().toISOString().slice(0, 10)}, reason "incident"`,
    )
    expect(await registry.oracle.complaints('dev/api', 'pr-1')).toEqual([])
  })

  it('is kept if the plan is executed at once, by the tag', async () => {
    const plan = await planned()
    await using elsewhere = await bench()
    await holdIt(elsewhere)
    await executePrunePlan(run, plan, { readAt: Date.now() - 60_000 })
    expect(await registry.oracle.complaints('dev/api', 'pr-1')).toEqual([])
  })

  it('is kept by the record of another run of this machine, which names the hold', async () => {
    const puts = new RecordedPuts(run.auditFile, formatRepository)
    await puts.begin()
    const plan = await planned()
    await holdIt(run)
    await registry.oracle.delete('dev/api', holdTag(digest))
    const outcome = await executePrunePlan(run, plan, {
      readAt: Date.now(),
      recordedPuts: (one) => puts.in(one),
    })
    expect(whyOf(outcome).join('\n')).toMatch(/\(hold by ada\)/)
    expect(await registry.oracle.complaints('dev/api', 'pr-1')).toEqual([])
  })
})

it('an image whose hold ended is deleted by a plan that was saved before', async () => {
  await holdIt(run)
  await hold(run, { host: registry.host, path: 'dev/api', at: { tag: 'pr-1' }, decision: 'release' })
  const plan = await planned()
  await executePrunePlan(run, plan)
  expect(await registry.oracle.tags('dev/api')).toEqual([])
})
