import { describe, expect, it } from 'vitest'
import { withoutDeletes } from '../../support/without-deletes.ts'
import type { ServerOptions } from '../../../src/embedded/server.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import type { Capability, Known } from '../../../src/images/ports.ts'
import { image, index, referrer } from '../../support/images.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf, recordsOf } from '../../support/pruning.ts'

const of = (label: string) => image({ label, layers: 0 })

/** Five images to delete, and a kept image with two tags to delete. */
async function place(...options: Parameters<typeof startPruneRegistry>): Promise<PruneRegistry> {
  const world = await startPruneRegistry(...options)
  for (let n = 0; n < 5; n++) world.put(index(['arm64', 'amd64'], { label: `${n}`, layers: 0 }), `pr-${n}`)
  world.put(of('prod'), 'prod', 'pr-x', 'pr-y')
  return world
}

async function pruned(world: PruneRegistry) {
  const plan = await prunePlanOf(world.run, [world.repository])
  world.registry.forget()
  return await executePrunePlan(world.run, plan)
}

/** The known capabilities of Docker Hub. */
const heldByTags = {
  known: (_: string, name: Capability): Known => (name === 'deleteTagged' ? 'no' : 'unknown'),
}

describe('a registry that cannot delete manifests', () => {
  it.each<[string, ServerOptions, string]>([
    ['with deletes switched off', { abilities: withoutDeletes }, 'unsupported'],
    ['GitHub', { profile: 'ghcr' }, 'unsupported'],
  ])('gets one delete of each kind (%s), and the rest is refused with a hint', async (_, options, code) => {
    const world = await place(options)
    const done = await pruned(world)
    const error = expect.objectContaining({ code, hint: expect.any(String) as string }) as unknown
    expect(done.repositories).toMatchObject([{ status: 'refused', deleted: 0, kept: 2, errors: [error] }])
    expect(done.steps.filter(({ result }) => result === 'refused')).toHaveLength(15)
    expect(world.deletes()).toHaveLength(2)
  })

  it('by this user gets one delete of each kind, and the rest is refused', async () => {
    const world = await place({
      auth: {
        scheme: 'bearer',
        users: { tester: 'secret' },
        mayDo: (_, __, action) => action !== 'delete',
      },
    })
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'refused', deleted: 0, untagged: 0 }])
    expect(new Set(done.steps.map(({ result }) => result))).toEqual(new Set(['refused']))
    // The delete is attempted again with other permissions.
    expect(new Set(world.deletes()).size).toBe(2)
    expect(await world.storage.tags('dev/api')).toHaveLength(8)
  })
})

describe('a registry that cannot delete a tag alone', () => {
  it.each(['docker-registry-2.8', 'ecr', 'acr', 'harbor'] as const)(
    'keeps the tags on kept images, without an error (%s)',
    async (profile) => {
      const world = await place({ profile })
      const done = await pruned(world)
      expect(done.repositories).toMatchObject([
        { status: 'pruned', deleted: 15, images: 5, untagged: 0, kept: 2, errors: [] },
      ])
      expect(await world.registry.oracle.tags('dev/api')).toEqual(['pr-x', 'pr-y', 'prod'])
      expect(world.registry.requests.filter(isDelete).length).toBeLessThanOrEqual(16)
    },
  )
})

describe('a registry that does not delete a manifest', () => {
  it('that an untagged index lists keeps it with its referrers, and the rest is deleted (zot)', async () => {
    const world = await startPruneRegistry({ profile: 'zot-2.1' })
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    world.put(index([arm]))
    world.put(index([arm, amd]), 'pr-1')
    world.put(referrer(arm))
    world.put(of('b'), 'pr-2')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 3, kept: 2, errors: [] }])
    expect(await world.storage.manifest('dev/api', parseDigest(arm.root.digest))).toBeDefined()
  })

  it('without a tag keeps it, without an error (Quay)', async () => {
    const world = await place({ profile: 'quay' })
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 5, images: 5, kept: 10, untagged: 2, errors: [] },
    ])
  })
})

describe('a registry that requires deletes of tags before their manifest', () => {
  it.each(['gar', 'docker-hub'] as const)(
    'gets the deletes of the tags first, and then that of the manifest (%s)',
    async (profile) => {
      const world = await place({ profile }, heldByTags)
      const done = await pruned(world)
      expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 15, untagged: 2, errors: [] }])
      expect(await world.remaining()).toEqual(['prod'])
      // The tag is deleted, then the manifest by its digest.
      expect(world.deletes().slice(0, 2)).toEqual(['pr-0', 'pr-0'])
    },
  )

  it('is recognised at the first delete (GAR)', async () => {
    const world = await place({ profile: 'gar' })
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 15, errors: [] }])
    expect(await world.remaining()).toEqual(['prod'])
  })

  it('gets the deletes of attached artifacts before their subject if it requires that too (GAR)', async () => {
    const world = await startPruneRegistry({ profile: 'gar' })
    const signed = index(['arm64', 'amd64'])
    const own = referrer(signed)
    world.put(signed, 'pr-1')
    world.put(own)
    world.put(referrer(own, { payload: 'of evidence' }))
    world.put(referrer(signed.manifests[0]?.descriptor ?? signed.root))
    world.put(of('prod'), 'prod')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 6, failed: 0, errors: [] }])
    expect(await world.remaining()).toEqual(['prod'])
  })
})

describe('a response that leaves the result open', () => {
  it('is checked: 500 although the manifest was deleted (Docker Hub)', async () => {
    const world = await startPruneRegistry({ abilities: { deleteAnswer: 500 } })
    world.put(of('a'), 'pr-1')
    world.put(of('b'), 'pr-2')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'pruned', errors: [] }])
    expect(await world.remaining()).toEqual([])
  })

  it('leaves the intent open for the next run if the registry cannot be reached any more', async () => {
    const world = await place({}, { clock: leapingClock(Date.now()) })
    const plan = await prunePlanOf(world.run, [world.repository])
    world.after(isDelete, () => void world.registry[Symbol.asyncDispose]())
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ status: 'failed', deleted: 0 }])
    expect(new Set(done.repositories[0]?.errors.map(({ code }) => code))).toEqual(new Set(['network']))
    const outcomes = (await recordsOf(world.run)).filter(({ phase }) => phase === 'outcome')
    expect(outcomes).toHaveLength(plan.repositories.flatMap(({ steps }) => steps).length - 1)
  })
})
