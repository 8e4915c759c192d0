import { describe, expect, it } from 'vitest'
import type { Repositories } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { image, index } from '../../support/images.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf, recordsOf } from '../../support/pruning.ts'

const of = (label: string) => image({ label, layers: 0 })

const takesManifests = { abilities: { deleteTag: 'with its manifest' } } as const

async function pruned(world: PruneRegistry, options: Parameters<typeof executePrunePlan>[2] = {}) {
  const plan = await prunePlanOf(world.run, [world.repository])
  return await executePrunePlan(world.run, plan, options)
}

/** The stores of a world, which answer otherwise when a manifest is resolved by its digest. */
function withDigest({ run }: PruneRegistry, resolve: () => Promise<undefined>): Repositories {
  return {
    source: (name) => run.stores.source(name),
    target: (name) => {
      const store = run.stores.target(name)
      return { ...store, resolve: (at, call) => ('digest' in at ? resolve() : store.resolve(at, call)) }
    },
  }
}

describe('a tag delete that takes the manifest along', () => {
  it('is done, counts as a deleted image with all lost tags, and ends the deletes of tags', async () => {
    const world = await startPruneRegistry(takesManifests)
    const digest = world.put(of('prod'), 'prod', 'pr-2', 'pr-3')
    world.put(of('other'), 'stable', 'pr-1')
    const done = await pruned(world)
    expect(done.repositories).toMatchObject([
      {
        status: 'failed',
        deleted: 1,
        images: 1,
        untagged: 0,
        absent: 1,
        kept: 1,
        failed: 0,
        lostImages: [{ digest, tag: 'pr-3', losesTags: ['pr-3', 'prod', 'pr-2'] }],
      },
    ])
    expect(world.registry.requests.filter(isDelete)).toHaveLength(1)
    expect(done.repositories[0]?.errors).toEqual([
      {
        code: 'protocol',
        message: `${world.registry.host} deleted an image together with its tag pr-3`,
        subject: `${world.registry.host}/dev/api@${digest}`,
        why: `dray deleted only the tag pr-3. The registry does not have ${digest} any more, and its other tags are gone: prod, pr-2`,
        hint: `dray deletes no more single tags at this registry. Push the image again from its build, or copy it from a repository that has it: dray copy REPO@${digest} ${world.registry.host}/dev/api:prod`,
      },
    ])
  })

  it('is recorded as done, with the lost tags and the reason', async () => {
    const world = await startPruneRegistry(takesManifests)
    const digest = world.put(of('prod'), 'prod', 'pr-1')
    await pruned(world)
    const record = (await recordsOf(world.run)).find(({ phase }) => phase === 'outcome')
    expect(record).toMatchObject({
      result: 'done',
      before: digest,
      after: null,
      losesTags: ['pr-1', 'prod'],
      error: { code: 'protocol' },
      step: { kind: 'deleteTag', tag: 'pr-1' },
    })
  })

  it('says how to restore the image from the repository that it came from', async () => {
    const world = await startPruneRegistry(takesManifests)
    const digest = world.put(of('prod'), 'prod', 'pr-1')
    const from = { ...world.repository, path: 'staging/api' }
    await world.registry.oracle.push(of('prod'), from.path, '1.0.0')
    const { repository } = world
    const put = { run: 'r', operation: 'promote', user: 'ann', repository, digest, from } as const
    const done = await pruned(world, { findPut: async () => put })
    const { host } = world.registry
    expect(done.repositories[0]?.errors[0]?.hint).toBe(
      `dray deletes no more single tags at this registry. Restore the image: dray promote ${host}/staging/api@${digest} ${host}/dev/api:prod`,
    )
  })

  it('does not count a tag as lost that is on another image by then', async () => {
    const world = await startPruneRegistry(takesManifests)
    world.put(of('prod'), 'prod', 'pr-1')
    world.after(isDelete, () => void world.put(of('newer'), 'prod'))
    const done = await pruned(world)
    expect(done.repositories[0]?.lostImages).toMatchObject([{ losesTags: ['pr-1'] }])
  })

  it('is not taken for one if a tag is still on the image, whatever HEAD of the digest answers', async () => {
    const world = await startPruneRegistry()
    world.put(of('prod'), 'prod', 'pr-1', 'pr-2')
    const done = await pruned(world, { stores: withDigest(world, async () => undefined) })
    expect(done.repositories).toMatchObject([{ status: 'pruned', untagged: 2, lostImages: [] }])
  })

  it('is left open for the next run if the image cannot be read, and no other tag is deleted', async () => {
    const world = await startPruneRegistry(takesManifests)
    world.put(of('prod'), 'prod', 'pr-1')
    world.put(of('other'), 'stable', 'pr-0')
    const stores = withDigest(world, () => Promise.reject(new DrayError('unavailable', 'try later')))
    const done = await pruned(world, { stores })
    expect(done.repositories).toMatchObject([{ status: 'failed', deleted: 0, untagged: 0, failed: 2 }])
    expect(world.registry.requests.filter(isDelete)).toHaveLength(1)
    const records = await recordsOf(world.run)
    expect(records.filter(({ phase }) => phase === 'outcome')).toHaveLength(1)
  })

  it('ends the deletes of tags in all repositories of the registry', async () => {
    const world = await startPruneRegistry(takesManifests)
    const repositories = ['dev/api', 'dev/web', 'dev/db'].map((path) => ({ ...world.repository, path }))
    for (const { path } of repositories) {
      const { manifests, root } = of(path)
      for (const { descriptor, bytes } of manifests) {
        const digest = parseDigest(descriptor.digest)
        await world.storage.putManifest(path, { mediaType: root.mediaType, digest, bytes }, ['prod', 'pr-1'])
      }
    }
    const plan = await prunePlanOf(world.run, repositories)
    const done = await executePrunePlan(world.run, plan)
    expect(world.registry.requests.filter(isDelete)).toHaveLength(1)
    expect(done.repositories.map(({ status, kept }) => `${status} ${kept}`).toSorted()).toEqual([
      'failed 0',
      'unchanged 1',
      'unchanged 1',
    ])
  })

  it('is not attempted at a registry that did it in an earlier run', async () => {
    const world = await startPruneRegistry(takesManifests)
    world.put(of('prod'), 'prod', 'pr-1')
    world.put(index(['arm64']), 'pr-2')
    const done = await pruned(world, { neverUntag: [world.registry.host] })
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 2, kept: 1, errors: [] }])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['pr-1', 'prod'])
  })
})
