import { describe, expect, it } from 'vitest'
import { noMoves } from '../../../src/audit/moves/tag-moves.ts'
import type { Rule } from '../../../src/config/retention/policy.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { decide } from '../../../src/usecases/prune/decide.ts'
import { decideRepository } from '../../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../../src/usecases/prune/gather.ts'
import type { HistorySources } from '../../../src/usecases/prune/records/history.ts'
import { type Content, cosignSignature, image, index } from '../../support/images.ts'
import { policyOf } from '../../support/record-scene.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan } from '../../support/pruning.ts'
import { globs, rule } from '../../support/repository-graphs.ts'

const of = (label: string) => image({ label, layers: 0 })
const longAgo = Date.UTC(2020, 0, 1)
const digestOf = ({ root }: Content) => parseDigest(root.digest)
const conflict = (why: string): unknown =>
  expect.objectContaining({
    result: 'conflict',
    error: expect.objectContaining({ why: expect.stringContaining(why) as string }) as object,
  })

/** The plan of one rule, by records of long ago. */
async function planOf(
  world: PruneRegistry,
  only: Rule,
  superseded: readonly (readonly [tag: string, content: Content])[] = [],
): Promise<PrunePlan> {
  const policy = policyOf({ rules: [only], timeFrom: ['annotation', 'config'] })
  const sources: HistorySources = {
    moves: async () =>
      await Promise.resolve({
        ...noMoves,
        superseded: superseded.map(([tag, content]) => ({ tag, digest: digestOf(content), at: longAgo })),
      }),
    openHolds: async () => await Promise.resolve([]),
    identify: formatRepository,
    keys: async () => await Promise.resolve(undefined),
    remember: async ({ sightings }) =>
      await Promise.resolve(sightings.map((one) => ({ ...one, since: longAgo }))),
  }
  const request = { repository: world.repository, image: 'dev/api', inUse: [], orphaned: [] }
  const { snapshot } = await gather(
    world.run.stores.source(world.repository),
    request,
    { policy, now: Date.now, sources },
    world.run.call,
  )
  const decision = decideRepository(snapshot, policy)
  const run = { hash: '', tool: '0', limits: {}, protections: [], inUse: [], isFullRun: true }
  const { plan } = decide([{ kind: 'decided', decision }], run, new Date())
  world.registry.forget()
  return plan
}

const superseded = rule('superseded', { kind: 'superseded', tags: globs('stable'), days: 14 })
const orphaned = rule('orphaned', { kind: 'orphaned', days: 30 })
const broken = rule('broken', { kind: 'broken', days: 30 })

describe('the delete of a superseded digest', () => {
  const scene = async () => {
    const world = await startPruneRegistry()
    const [old, older] = [of('old'), of('older')]
    world.put(old)
    world.put(older)
    world.put(of('current'), 'stable')
    world.put(of('other'), 'other')
    const plan = await planOf(world, superseded, [
      ['stable', old],
      ['stable', older],
    ])
    return { world, old, older, plan }
  }

  it('is executed if nothing changed', async () => {
    const { world, plan } = await scene()
    const done = await executePrunePlan(world.run, plan)
    expect(done.steps.map(({ result }) => result)).toEqual(['done', 'done'])
    expect(await world.remaining()).toHaveLength(2)
  })

  it.each(['stable', 'other', 'new'])('is a conflict if the tag %s is on it by now', async (tag) => {
    const { world, old, plan } = await scene()
    world.put(old, tag)
    const done = await executePrunePlan(world.run, plan)
    expect(done.steps).toContainEqual(conflict(`the tag ${tag} points to it now`))
    expect(await world.storage.manifest('dev/api', digestOf(old))).toBeDefined()
  })

  it('is a conflict if the tag that superseded it comes back just before the delete', async () => {
    const { world, old, older, plan } = await scene()
    const steps = plan.repositories[0]?.steps ?? []
    const last = steps.at(-1)
    const second = last?.kind === 'deleteManifest' && last.target.digest === digestOf(old) ? old : older
    world.after(isDelete, () => void world.put(second, 'stable'))
    const done = await executePrunePlan(world.run, plan, { readAt: Date.now() })
    expect(done.steps).toContainEqual(conflict('the tag stable points to it now'))
    expect(await world.storage.manifest('dev/api', digestOf(second))).toBeDefined()
  })

  it('is a conflict if a new index lists it', async () => {
    const { world, old, plan } = await scene()
    world.put(index([old]), 'both')
    const done = await executePrunePlan(world.run, plan)
    expect(done.steps).toContainEqual(conflict('leads to it'))
  })
})

describe('the delete of an orphaned attached artifact', () => {
  const scene = async () => {
    const world = await startPruneRegistry()
    const gone = of('gone')
    world.put(cosignSignature(gone))
    world.put(of('current'), 'v1')
    return { world, gone, plan: await planOf(world, orphaned) }
  }

  it('is executed if its subject is still missing', async () => {
    const { world, plan } = await scene()
    const done = await executePrunePlan(world.run, plan)
    expect(done.steps.map(({ result }) => result)).toEqual(['done'])
  })

  it.each([
    ['with a tag', ['v2']],
    ['without a tag', []],
  ])('is a conflict if its subject is back %s', async (_, tags) => {
    const { world, gone, plan } = await scene()
    world.put(gone, ...tags)
    const done = await executePrunePlan(world.run, plan, { readAt: Date.now() })
    expect(done.steps.map(({ result }) => result)).toEqual(['conflict'])
  })
})

describe('the delete of a broken index', () => {
  const scene = async (rest: Rule = broken) => {
    const world = await startPruneRegistry()
    const both = index(['linux/amd64', 'linux/arm64'])
    world.put(both, 'v1', 'also-v1')
    const [child] = both.manifests
    const missing = parseDigest(child?.descriptor.digest ?? '')
    await world.storage.deleteManifest('dev/api', missing)
    return { world, both, missing, plan: await planOf(world, rest) }
  }

  it('is executed if the child is still missing', async () => {
    const { world, plan } = await scene()
    const done = await executePrunePlan(world.run, plan)
    expect(done.steps.map(({ result }) => result)).toEqual(['done', 'done'])
    expect(await world.remaining()).toEqual([])
  })

  it('is a conflict if the child is back, and so are its other children', async () => {
    const { world, both, plan } = await scene()
    world.put(both)
    const done = await executePrunePlan(world.run, plan, { readAt: Date.now() })
    expect(done.steps[0]).toEqual(conflict('exists again'))
    expect(done.steps.map(({ result }) => result)).toEqual(['conflict', 'conflict'])
  })

  it('is a conflict of the tag alone if the child is back', async () => {
    const { world, both, plan } = await scene({ ...broken, tags: globs('v1') })
    expect(plan.repositories[0]?.steps).toMatchObject([{ kind: 'deleteTag' }])
    world.put(both)
    const done = await executePrunePlan(world.run, plan, { readAt: Date.now() })
    expect(done.steps).toEqual([conflict('exists again')])
  })
})
