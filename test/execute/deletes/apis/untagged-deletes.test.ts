import { describe, expect, it } from 'vitest'
import type { PrunePorts } from '../../../../src/execute/ports.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import type { Digest } from '../../../../src/oci/digest.ts'
import type { PrunePlan } from '../../../../src/plan/prune/prune-plan.ts'
import { image, index, referrer } from '../../../support/images.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf } from '../../../support/pruning.ts'
import { storageInventory, type StorageInventory } from '../../../support/storage-inventory.ts'

const old = (label: string) => image({ platform: 'arm64', label, layers: 0 })

interface Place {
  readonly world: PruneRegistry
  readonly inventory: StorageInventory
  /** untagged manifests that the plan deletes */
  readonly digests: readonly Digest[]
  readonly plan: PrunePlan
  readonly prune: (more?: Partial<PrunePorts>) => ReturnType<typeof executePrunePlan>
}

/** A kept image, and `count` untagged manifests of a plan that was made just now. */
async function place(count: number): Promise<Place> {
  const world = await startPruneRegistry()
  world.put(old('prod'), 'prod')
  const digests = Array.from({ length: count }, (_, n) => world.put(old(`${n}`)))
  const inventory = storageInventory(world.storage)
  for await (const { digest } of world.storage.manifests('dev/api')) inventory.old.add(digest)
  const plan = withUntagged(await prunePlanOf(world.run, [world.repository]), digests)
  const prune: Place['prune'] = (more = {}) =>
    executePrunePlan(world.run, plan, { inventory: async () => inventory, readAt: Date.now(), ...more })
  return { world, inventory, digests, plan, prune }
}

function withUntagged(plan: PrunePlan, digests: readonly Digest[]): PrunePlan {
  const why = { kind: 'rule', by: 'untagged', text: 'untagged: 20d old, older than 14d' } as const
  const repositories = plan.repositories.map((one) => ({
    ...one,
    inventory: 'ghcr',
    others: digests.map((digest) => ({
      ...({ digest, role: 'untagged', of: [], verdict: 'delete', why, size: 1 } as const),
      pushedAt: new Date(1).toISOString(),
    })),
    count: { ...one.count, untaggedManifests: digests.length },
    steps: digests.map((digest, n) => ({
      ...({ kind: 'deleteManifest', id: `m${n}`, after: [], why, losesTags: [], untagged: true } as const),
      repository: one.repository,
      target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 },
    })),
  }))
  return { ...plan, repositories }
}

/** A change of another client that keeps the manifest of this label. */
type Change = (place: Place, label: string) => void

const changes: readonly (readonly [name: string, change: Change])[] = [
  ['a new tag points to it', ({ world }, label) => void world.put(old(label), 'new')],
  ['a kept tag moves to it', ({ world }, label) => void world.put(old(label), 'prod')],
  ['a new tagged index lists it', ({ world }, label) => void world.put(index([old(label)]), 'new')],
  ['a new untagged index lists it', ({ world }, label) => void world.put(index([old(label)]))],
  [
    'an index that a new index lists does',
    ({ world }, label) => void world.put(index([index([old(label)])])),
  ],
  ['a new referrer has it as its subject', ({ world }, label) => void world.put(referrer(old(label)))],
  [
    'it is pushed again',
    ({ inventory, digests }, label) =>
      void inventory.facts.set(digests[Number(label)] as Digest, { pushedAt: Date.now() }),
  ],
]

async function isThere({ world, digests }: Place, label: string): Promise<boolean> {
  return (await world.storage.manifest('dev/api', digests[Number(label)] as Digest)) !== undefined
}

describe('an untagged manifest', () => {
  it('is deleted if nothing reaches it', async () => {
    const { world, prune } = await place(3)
    expect((await prune()).repositories).toMatchObject([{ status: 'pruned', deleted: 3, errors: [] }])
    expect(await world.remaining()).toEqual(['prod'])
  })

  it.each(changes)('is kept if %s before the first delete (31, 41)', async (_, change) => {
    const one = await place(3)
    change(one, '0')
    const done = await one.prune()
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 2, conflicts: 1 }])
    expect(await isThere(one, '0')).toBe(true)
  })

  it.each(changes)('is kept if %s between two waves of deletes', async (_, change) => {
    const one = await place(20)
    // the first two waves have 1 and 16 manifests
    one.world.after(isDelete, () => change(one, '19'), 17)
    const done = await one.prune()
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 19, conflicts: 1 }])
    expect(await isThere(one, '19')).toBe(true)
  })

  it.each([
    ['cannot be read', { listError: new DrayError('unavailable', 'the API is down') }],
    ['is switched off', undefined],
  ])('is kept if the inventory %s (33)', async (_, problem) => {
    const one = await place(3)
    if (problem !== undefined) one.inventory.listError = problem.listError
    const inventory = problem === undefined ? undefined : one.inventory
    const done = await one.prune({ inventory: async () => inventory })
    expect(done.repositories).toMatchObject([{ status: 'failed', deleted: 0, failed: 3 }])
    expect(one.world.deletes()).toEqual([])
  })
})
