import { describe, expect, it } from 'vitest'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'
import { fallbackTag } from '../../../src/oci/evidence-tags.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { type Content, image, index, manifestOf, referrer, types } from '../../support/images.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf } from '../../support/pruning.ts'

const of = (label: string) => image({ label, layers: 0 })
const conflict = (why: string): unknown =>
  expect.objectContaining({
    result: 'conflict',
    error: expect.objectContaining({
      code: 'conflict',
      why: expect.stringContaining(why) as string,
      hint: expect.any(String) as string,
    }) as object,
  })
const planned = async (world: PruneRegistry) => {
  const plan = await prunePlanOf(world.run, [world.repository])
  world.registry.forget()
  return plan
}

describe('between the plan and the first delete', () => {
  it.each<[string, (world: PruneRegistry, unwanted: Content) => void, string]>([
    [
      'a new tag on a digest that is to be deleted',
      (world, unwanted) => world.put(unwanted, 'pr-1', 'mine'),
      'the tag mine points to it now',
    ],
    [
      'a kept tag that was moved to it',
      (world, unwanted) => world.put(unwanted, 'prod'),
      'the tag prod points to it now',
    ],
    ['a tag of it that was moved away', (world) => world.put(of('new'), 'pr-1'), 'the tag pr-1 points to'],
    [
      'a tag of another deleted image that was moved to it',
      (world, unwanted) => world.put(unwanted, 'pr-2'),
      'the tag pr-2 points to it now',
    ],
  ])('%s keeps the image with its children and attached artifacts', async (_, change, why) => {
    const world = await startPruneRegistry()
    const [both, other] = [index(['arm64', 'amd64']), of('other')]
    world.put(both, 'pr-1')
    world.put(referrer(both))
    world.put(other, 'pr-2')
    world.put(of('prod'), 'prod')
    const plan = await planned(world)
    change(world, both)
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ status: 'conflict' }])
    expect(done.steps).toContainEqual(conflict(why))
    for (const { descriptor } of [...both.manifests, ...referrer(both).manifests])
      expect(await world.storage.manifest('dev/api', parseDigest(descriptor.digest))).toBeDefined()
  })

  it('a new index keeps the child that it lists, and the old index is deleted', async () => {
    const world = await startPruneRegistry()
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    world.put(index([arm, amd]), 'pr-1')
    const plan = await planned(world)
    const release = index([amd])
    world.put(release, 'v1.0.0')
    const done = await executePrunePlan(world.run, plan)
    expect(await world.remaining()).toEqual(['v1.0.0', amd.root.digest].sort())
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 2, conflicts: 1 }])
    expect(done.repositories[0]?.errors[0]?.why).toContain(`dev/api:v1.0.0 (${release.root.digest})`)
  })

  it('a new index that refers to a kept image keeps the child that it lists', async () => {
    const world = await startPruneRegistry()
    const [kept, part] = [of('kept'), of('part')]
    world.put(kept, 'prod')
    world.put(index([part]), 'pr-1')
    const plan = await planned(world)
    const fields = { artifactType: 'application/x', subject: kept.root, manifests: [part.root] }
    const attached = manifestOf(types.index, fields)
    world.put({
      root: attached.descriptor,
      blobs: new Map(),
      manifests: [{ ...attached, subject: kept.root.digest }],
    })
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ deleted: 1, conflicts: 1 }])
    expect(await world.storage.manifest('dev/api', parseDigest(part.root.digest))).toBeDefined()
  })

  it('a referrer that was added to a fallback index keeps all that the index lists', async () => {
    const world = await startPruneRegistry({ abilities: { referrers: false } })
    const unwanted = of('unwanted')
    const [old, added] = [referrer(unwanted), referrer(unwanted, { payload: 'added' })]
    const listed = (...all: readonly Content[]): Content => {
      const root = manifestOf(types.index, { manifests: all.map((one) => one.root) })
      return {
        root: root.descriptor,
        blobs: new Map(),
        manifests: [...all.flatMap((one) => one.manifests), root],
      }
    }
    const tag = fallbackTag(parseDigest(unwanted.root.digest))
    world.put(unwanted, 'pr-1')
    world.put(listed(old), tag)
    const plan = await planned(world)
    world.put(listed(old, added), tag)
    await executePrunePlan(world.run, plan)
    expect(await world.registry.oracle.tags('dev/api')).toEqual([tag])
    for (const { descriptor } of listed(old, added).manifests)
      expect(await world.storage.manifest('dev/api', parseDigest(descriptor.digest))).toBeDefined()
  })

  it('an image that is in use is kept, although only a deleted index lists it', async () => {
    const world = await startPruneRegistry()
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    world.put(index([arm, amd]), 'pr-1')
    const used = [{ at: { digest: parseDigest(amd.root.digest) }, by: 'prod.yaml', protection: 'running' }]
    const plan = await prunePlanOf(world.run, [world.repository], { inUse: used })
    await executePrunePlan(world.run, plan)
    expect(await world.remaining()).toEqual([amd.root.digest])
  })

  it('an unreadable manifest of a kept image ends the deletes of the repository', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    const plan = await planned(world)
    const bytes = Buffer.from('{"schemaVersion":2')
    await world.storage.putManifest('dev/api', { mediaType: types.index, digest: digestOf(bytes), bytes }, [
      'broken',
    ])
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ status: 'failed', errors: [{ code: 'malformed' }] }])
    expect(world.deletes()).toEqual([])
  })

  it('an incomplete list of tags ends the deletes of its repository, not those of others', async () => {
    const base = memoryStorage()
    let hides = false
    const tags = async (repository: string) => {
      const all = await base.tags(repository)
      return hides && repository === 'dev/api' ? all.filter((tag) => tag.startsWith('pr-')) : all
    }
    const storage = new Proxy(base, {
      get: (target, name: keyof RegistryStorage) => (name === 'tags' ? tags : target[name].bind(target)),
    })
    const world = await startPruneRegistry({ storage })
    world.put(of('a'), 'pr-1')
    world.put(of('b'), 'prod')
    await world.registry.oracle.push(of('w'), 'dev/web', 'pr-1')
    const web = { ...world.repository, path: 'dev/web' }
    const plan = await prunePlanOf(world.run, [world.repository, web])
    hides = true
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([
      {
        status: 'failed',
        errors: [{ code: 'protocol', message: expect.stringContaining('prod') as string }],
      },
      { status: 'pruned' },
    ])
    expect(await world.remaining()).toEqual(['pr-1', 'prod'])
  })

  it('a repository without tags is no error', async () => {
    const world = await startPruneRegistry({ profile: 'docker-registry-2.8' })
    world.put(of('a'), 'pr-1')
    const plan = await planned(world)
    await world.storage.deleteTag('dev/api', 'pr-1')
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 1 }])
  })
})

describe('between two deletes', () => {
  /** `count` images to delete, and a kept image. */
  async function many(count: number): Promise<{ world: PruneRegistry; last: Content; lastTag: string }> {
    const world = await startPruneRegistry()
    const all = Array.from({ length: count }, (_, n) => of(`a${n}`))
    all.forEach((content, n) => world.put(content, `pr-${String(n).padStart(3, '0')}`))
    world.put(of('prod'), 'prod')
    return { world, last: all.at(-1) as Content, lastTag: `pr-${String(count - 1).padStart(3, '0')}` }
  }

  it('a new tag keeps its image: the names are listed before every wave', async () => {
    const { world, last, lastTag } = await many(20)
    const plan = await planned(world)
    world.after(isDelete, () => world.put(last, 'mine'), 1)
    const done = await executePrunePlan(world.run, plan, { deletesAtOnce: 4 })
    expect(done.repositories).toMatchObject([{ deleted: 19, conflicts: 1 }])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['mine', lastTag, 'prod'])
  })

  it('a new index keeps the child that it lists', async () => {
    const world = await startPruneRegistry()
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    world.put(of('first'), 'pr-0')
    world.put(index([arm, amd]), 'pr-1')
    const plan = await planned(world)
    world.after(isDelete, () => world.put(index([amd]), 'v1'), 1)
    const done = await executePrunePlan(world.run, plan, { deletesAtOnce: 1 })
    expect(done.repositories).toMatchObject([{ deleted: 3, conflicts: 1 }])
    expect(await world.registry.oracle.manifest('dev/api', amd.root.digest)).toBeDefined()
  })

  it('a moved tag keeps its old image: each tag is checked just before the delete', async () => {
    const { world, lastTag } = await many(20)
    const plan = await planned(world)
    world.after(isDelete, () => world.put(of('new'), lastTag), 1)
    const done = await executePrunePlan(world.run, plan, { deletesAtOnce: 4 })
    expect(done.steps).toContainEqual(conflict(`the tag ${lastTag} points to`))
    expect(done.repositories).toMatchObject([{ deleted: 19, conflicts: 1 }])
  })

  it('a moved tag is not deleted alone', async () => {
    const world = await startPruneRegistry()
    world.put(of('kept'), 'prod', 'pr-1', 'pr-2', 'pr-3')
    const plan = await planned(world)
    const moved = of('moved')
    const last = plan.repositories[0]?.steps.at(-1)
    const tag = last?.kind === 'deleteTag' ? last.tag : ''
    world.after(isDelete, () => world.put(moved, tag), 1)
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ untagged: 2, conflicts: 1 }])
    expect(await world.registry.oracle.digest('dev/api', tag)).toBe(moved.root.digest)
  })

  it('a kept tag that is moved keeps its new image from the next rescan on', async () => {
    const { world, last, lastTag } = await many(40)
    const plan = await planned(world)
    world.after(isDelete, () => world.put(last, 'prod'), 1)
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ deleted: 39, conflicts: 1 }])
    expect(await world.registry.oracle.tags('dev/api')).toEqual([lastTag, 'prod'])
  })

  it('an unreadable manifest ends the deletes of the repository', async () => {
    const { world } = await many(20)
    const plan = await planned(world)
    const bytes = Buffer.from('[]')
    const broken = { mediaType: types.index, digest: digestOf(bytes), bytes }
    world.after(isDelete, () => void world.storage.putManifest('dev/api', broken, ['broken']), 1)
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ status: 'failed', deleted: 1, failed: 19 }])
    expect(world.deletes()).toHaveLength(1)
  })

  it('an image that is pushed again after its delete keeps its remaining children', async () => {
    const world = await startPruneRegistry()
    const both = index(['arm64', 'amd64'])
    world.put(both, 'pr-1')
    const plan = await planned(world)
    world.after(isDelete, () => world.put(both, 'pr-1'), 1)
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([{ deleted: 1, conflicts: 2 }])
    expect(await world.registry.oracle.complaints('dev/api', 'pr-1')).not.toContainEqual(
      expect.stringContaining('manifest is not there'),
    )
  })
})

describe('two prunes of the same plan at once', () => {
  it('reach the same end state, and neither reports a conflict', async () => {
    const world = await startPruneRegistry()
    for (let n = 0; n < 30; n++) world.put(index(['arm64', 'amd64'], { label: `${n}` }), `pr-${n}`)
    world.put(of('prod'), 'prod', 'pr-x')
    const plan = await planned(world)
    const both = await Promise.all([executePrunePlan(world.run, plan), executePrunePlan(world.run, plan)])
    for (const { repositories } of both)
      expect(repositories).toMatchObject([{ failed: 0, conflicts: 0, notAttempted: 0, errors: [] }])
    expect(await world.remaining()).toEqual(['prod'])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['prod'])
  })
})
