import { describe, expect, it } from 'vitest'
import type { Capability, Known } from '../../../src/images/ports.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { image, index, referrer } from '../../support/images.ts'
import { type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf, recordsOf } from '../../support/pruning.ts'

const of = (label: string) => image({ label, layers: 0 })

async function pruned(world: PruneRegistry, options: Parameters<typeof executePrunePlan>[2] = {}) {
  const plan = await prunePlanOf(world.run, [world.repository])
  world.registry.forget()
  return await executePrunePlan(world.run, plan, options)
}

describe('a locked image', () => {
  it('is kept and recorded as unchanged with the reason, and three of them first stop nothing, twice', async () => {
    const lockedTags = ['pr-0', 'pr-1', 'pr-2']
    const world = await startPruneRegistry({ abilities: { lockedTags } })
    for (let n = 0; n < 8; n++) world.put(of(`${n}`), `pr-${n}`)
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 5, images: 5, locked: 3, kept: 3, notAttempted: 0, errors: [] },
    ])
    expect(done.repositories[0]?.lockedItems.map(({ tags, error }) => [tags, error.why])).toEqual(
      lockedTags.map((tag) => [[tag], `${tag} is locked`]),
    )
    const records = (await recordsOf(world.run)).filter(({ result }) => result === 'unchanged')
    expect(records).toHaveLength(3)
    expect(records[0]).toMatchObject({
      before: expect.stringMatching(/^sha256:/) as string,
      error: { code: 'refused', why: 'pr-0 is locked', registryCode: 'REGISTRY_DISALLOWED_OPERATION' },
    })
    const again = await pruned(world)
    expect(again.repositories).toMatchObject([
      { status: 'unchanged', deleted: 0, locked: 3, kept: 3, notAttempted: 0, errors: [] },
    ])
  })

  it('keeps its children and attached artifacts, and the rest is deleted', async () => {
    const world = await startPruneRegistry({ profile: 'acr', abilities: { lockedTags: ['pr-0'] } })
    const locked = index(['arm64', 'amd64'], { label: 'locked', layers: 0 })
    world.put(locked, 'pr-0')
    world.put(referrer(locked))
    world.put(index(['arm64', 'amd64'], { label: 'other', layers: 0 }), 'pr-1')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 3, images: 1, locked: 1, keptWithLocked: 3, kept: 4, errors: [] },
    ])
    expect(done.steps.filter(({ result }) => result === 'kept').map(({ error }) => error?.why)).toEqual(
      Array.from({ length: 3 }, () => 'the registry keeps a manifest that leads to it'),
    )
    for (const { descriptor } of locked.manifests)
      expect(await world.storage.manifest('dev/api', parseDigest(descriptor.digest))).toBeDefined()
  })

  it('keeps its attached artifacts at a registry that wants tags deleted first', async () => {
    const known = (_: string, name: Capability): Known => (name === 'deleteTagged' ? 'no' : 'unknown')
    const abilities = { deleteTagged: false, lockedTags: ['pr-0'] }
    const world = await startPruneRegistry({ abilities }, { known })
    const locked = of('locked')
    world.put(locked, 'pr-0')
    world.put(referrer(locked))
    world.put(of('other'), 'pr-1')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 1, locked: 1, keptWithLocked: 1, kept: 2, errors: [] },
    ])
  })

  it('keeps a child that a deleted index lists too', async () => {
    const world = await startPruneRegistry({ abilities: { lockedTags: ['pr-0'] } })
    const shared = image({ platform: 'arm64', label: 'shared', layers: 0 })
    world.put(index([shared, of('a')]), 'pr-0')
    world.put(index([shared, of('b')]), 'pr-1')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ deleted: 2, locked: 1, keptWithLocked: 2 }])
    expect(await world.storage.manifest('dev/api', parseDigest(shared.root.digest))).toBeDefined()
  })

  it('of which the registry says that an untagged index lists it stays, six of six (zot)', async () => {
    const world = await startPruneRegistry({ profile: 'zot-2.1' })
    const listed = Array.from({ length: 6 }, (_, n) => of(`listed${n}`))
    world.put(index(listed))
    listed.forEach((content, n) => world.put(content, `pr-${n}`))
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'unchanged', deleted: 0, locked: 6, errors: [] }])
    expect(world.deletes()).toHaveLength(6)
  })

  it('goes alone until sixteen are locked, and then together with others', async () => {
    const lockedTags = Array.from({ length: 40 }, (_, n) => `pr-${n}`)
    const world = await startPruneRegistry({ abilities: { lockedTags } })
    lockedTags.forEach((tag) => world.put(of(tag), tag))
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'unchanged', locked: 40, notAttempted: 0 }])
    // Before a delete that goes alone, only its own tags are read.
    const reads = world.registry.requests.map(({ method }) => method === 'DELETE')
    const first = reads.indexOf(true)
    expect(reads.slice(first).filter((isOne, i, all) => isOne && all[i + 1] === true).length).toBeGreaterThan(
      10,
    )
  })

  it('comes last if an earlier run found it locked', async () => {
    const world = await startPruneRegistry({ abilities: { lockedTags: ['pr-0', 'pr-1'] } })
    for (let n = 0; n < 4; n++) world.put(of(`${n}`), `pr-${n}`)
    const done = await pruned(world, {
      comesLast: (step) => step.kind === 'deleteManifest' && step.losesTags.some((tag) => tag < 'pr-2'),
    })
    expect(done.repositories).toMatchObject([{ deleted: 2, locked: 2 }])
    expect(world.deletes()).toEqual(['pr-2', 'pr-3', 'pr-0', 'pr-1'])
  })

  it('does not hide that the user may not delete', async () => {
    const world = await startPruneRegistry({
      abilities: { lockedTags: ['pr-0'] },
      auth: { scheme: 'bearer', users: { tester: 'secret' }, mayDo: (_, __, action) => action !== 'delete' },
    })
    for (let n = 0; n < 3; n++) world.put(of(`${n}`), `pr-${n}`)
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      {
        status: 'refused',
        locked: 0,
        notAttempted: 3,
        errors: [
          {
            hint: expect.stringContaining(
              'Grant the user or token permission to delete in dev/api',
            ) as string,
          },
        ],
      },
    ])
  })
})

describe('a locked tag', () => {
  it('is kept, and other tags of the image are deleted', async () => {
    const world = await startPruneRegistry({ abilities: { lockedTags: ['pr-0'] } })
    world.put(of('prod'), 'prod', 'pr-0', 'pr-1')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      { status: 'pruned', untagged: 1, locked: 1, keptWithLocked: 0, lockedItems: [{ tags: ['pr-0'] }] },
    ])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['pr-0', 'prod'])
  })
})

describe('a manifest that stays after its tags were deleted', () => {
  it('is locked, with the tags that are gone in the outcome and the audit log (GAR)', async () => {
    const world = await startPruneRegistry({ profile: 'gar' })
    const listed = of('listed')
    world.put(index([listed]))
    world.put(listed, 'pr-0', 'pr-1')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ status: 'unchanged', locked: 1, untagged: 2, errors: [] }])
    const record = (await recordsOf(world.run)).find(({ phase }) => phase === 'outcome')
    expect(record).toMatchObject({
      result: 'unchanged',
      losesTags: ['pr-1', 'pr-0'],
      error: { registryCode: 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE' },
    })
  })

  it('keeps its attached artifacts if an index keeps it (GAR)', async () => {
    const world = await startPruneRegistry({ profile: 'gar' })
    const listed = of('listed')
    world.put(index([listed]))
    world.put(listed, 'pr-0')
    const signature = world.put(referrer(listed))
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([{ locked: 1, keptWithLocked: 1, errors: [] }])
    expect(await world.storage.manifest('dev/api', signature)).toBeDefined()
  })
})
