import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ServerOptions } from '../../../src/embedded/server.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Repositories } from '../../../src/images/ports.ts'
import { LayoutRepositories } from '../../../src/layout/layout-repositories.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { type Fault, faultyProxy } from '../../support/faulty-proxy.ts'
import {
  artifact,
  type Content,
  cosignSignature,
  image,
  index,
  referrer,
  together,
} from '../../support/images.ts'
import { bench, executePlan, repository } from '../../support/promotion.ts'
import { driftTexts, planSync, sync, syncOf } from '../../support/syncing.ts'
import { makeFolder, removeFolder } from '../../support/temp.ts'
import { writeLayout } from '../../support/layouts.ts'
import { watchedRegistry } from '../../support/world.ts'

async function scene(content: Readonly<Record<string, Content>>, mirrorOptions: ServerOptions = {}) {
  const stack = new AsyncDisposableStack()
  const source = stack.use(await watchedRegistry())
  const mirror = stack.use(await watchedRegistry(mirrorOptions))
  for (const [tag, one] of Object.entries(content)) await source.oracle.push(one, 'library/api', tag)
  const run = stack.use(await bench())
  return {
    source,
    mirror,
    run,
    from: repository(source, 'library/api'),
    to: [repository(mirror, 'hub/api')],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const [old, newer] = [image({ label: 'old' }), image({ label: 'newer' })]
const written = (tag: string, { root }: Content) => [
  { ...emptyState, written: new Map([[tag, root.digest as Digest]]) },
]

describe('a sync', () => {
  it('copies images with their attached artifacts, and is in sync afterwards', async () => {
    const api = index(['linux/amd64', 'linux/arm64'])
    const all = together(api, referrer(api), cosignSignature(api))
    await using world = await scene({ '1.4.2': all, latest: old })
    await world.source.oracle.push(api, 'library/api', '1.4')
    const done = await sync(world.run, world)
    expect(done.placements.map(({ status }) => status)).toEqual(['synced', 'synced'])
    expect(await world.mirror.oracle.differences('hub/api', all, '1.4.2')).toEqual([])
    expect(await world.mirror.oracle.digest('hub/api', '1.4')).toBe(api.root.digest)
    const next = await syncOf(world.run, world)
    expect(driftTexts(next.decision)).toEqual([])
    expect(next.decision.images).toEqual([])
  })

  it('moves a version tag that the source moved, and the plan says by what', async () => {
    await using world = await scene({ '3.22.1': newer })
    await world.mirror.oracle.push(old, 'hub/api', '3.22.1')
    const done = await sync(world.run, { ...world, states: written('3.22.1', old) })
    expect(done.plan.placements).toMatchObject([
      { tags: [{ tag: '3.22.1', change: 'move', before: old.root.digest, override: 'movedTags' }] },
    ])
    expect(await world.mirror.oracle.digest('hub/api', '3.22.1')).toBe(newer.root.digest)
  })

  it('copies the planned digest if the source tag moves between plan and execution', async () => {
    await using world = await scene({ latest: old })
    const { plan, readAt } = await planSync(world.run, world)
    await world.source.oracle.push(newer, 'library/api', 'latest')
    await executePlan(world.run, plan, { readAt })
    expect(await world.mirror.oracle.digest('hub/api', 'latest')).toBe(old.root.digest)
    expect(await world.mirror.oracle.complaints('hub/api', 'latest')).toEqual([])
  })

  it('has a conflict if someone else moves the destination tag between plan and execution', async () => {
    await using world = await scene({ latest: newer })
    await world.mirror.oracle.push(old, 'hub/api', 'latest')
    const { plan } = await planSync(world.run, world)
    const other = image({ label: 'other' })
    await world.mirror.oracle.push(other, 'hub/api', 'latest')
    const done = await executePlan(world.run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'conflict' }])
    expect(await world.mirror.oracle.digest('hub/api', 'latest')).toBe(other.root.digest)
  })

  it('keeps a tag that someone else moved since the last run, and copies the other images', async () => {
    await using world = await scene({ latest: newer, '1.4.2': old })
    const other = image({ label: 'other' })
    await world.mirror.oracle.push(other, 'hub/api', 'latest')
    const done = await sync(world.run, { ...world, states: written('latest', old) })
    expect(done.decisions.flatMap((one) => driftTexts(one)).toSorted()).toEqual([
      '1.4.2: missing',
      'latest: changed',
    ])
    expect(await world.mirror.oracle.digest('hub/api', 'latest')).toBe(other.root.digest)
    expect(await world.mirror.oracle.digest('hub/api', '1.4.2')).toBe(old.root.digest)
  })

  it('completes an image of which an earlier run copied fewer platforms', async () => {
    const api = index(['linux/amd64', 'linux/arm64'])
    await using world = await scene({ '1.4.2': api }, { abilities: { sparseIndexes: 'accepted' } })
    const amd64 = { os: 'linux', architecture: 'amd64' }
    const first = await sync(world.run, { ...world, rule: { platforms: [amd64] } })
    const states = first.decisions.flatMap((one) => one.states)
    expect(states).toMatchObject([{ platforms: ['linux/amd64'] }])
    expect(await world.mirror.oracle.complaints('hub/api', '1.4.2')).not.toEqual([])
    const unchanged = await syncOf(world.run, { ...world, states, rule: { platforms: [amd64] } })
    expect(driftTexts(unchanged.decision)).toEqual([])
    const second = await sync(world.run, { ...world, states })
    expect(second.decisions.flatMap((one) => driftTexts(one))).toEqual(['1.4.2: damaged'])
    expect(await world.mirror.oracle.complaints('hub/api', '1.4.2')).toEqual([])
  })
})

describe('a new repository', () => {
  it('gets large blobs only if it lacks them: an earlier run may have been killed before its tags', async () => {
    const big = image({ label: 'big', layers: 1, layerSize: 2 * 1024 ** 2 })
    await using world = await scene({ '1.4.2': big })
    const { mirror, run } = world
    await mirror.oracle.push(together(big), 'hub/api')
    mirror.forget()
    const unlisted: Fault = {
      at: { path: /tags\/list/ },
      injury: { kind: 'answer', status: 404, body: { errors: [{ code: 'NAME_UNKNOWN' }] } },
    }
    await using proxy = await faultyProxy(mirror.host, unlisted)
    const done = await sync(run, { ...world, to: [repository(proxy, 'hub/api')] })
    expect(done.placements).toMatchObject([{ status: 'synced', transferred: { present: 1, uploaded: 1 } }])
    expect(mirror.requests.filter(({ method, kind }) => method === 'HEAD' && kind === 'blob')).toHaveLength(1)
  })
})

describe('a destination that refuses', () => {
  const refusing = (status: number, code: string): Fault => ({
    at: { method: 'PUT', path: /manifests\/1\.4\.2/ },
    times: Infinity,
    injury: { kind: 'answer', status, body: { errors: [{ code, message: 'the tag is immutable' }] } },
  })

  it.each([
    ['Harbor', 412, 'PRECONDITION'],
    ['ECR', 400, 'TAG_INVALID'],
    ['ECR', 400, 'ImageTagAlreadyExistsException'],
  ])(
    'an immutable tag like %s (%i %s) gets one PUT, and the other images are copied',
    async (_name, status, code) => {
      await using world = await scene({ '1.4.2': newer, '1.4.3': old })
      await world.mirror.oracle.push(old, 'hub/api', '1.4.2')
      await using proxy = await faultyProxy(world.mirror.host, refusing(status, code))
      const done = await sync(world.run, { ...world, to: [repository(proxy, 'hub/api')] })
      expect(done.placements.map((one) => one.status).toSorted()).toEqual(['failed', 'synced'])
      const failed = done.placements.find((one) => one.status === 'failed')
      expect(failed).toMatchObject({ errors: [{ code: 'refused' }] })
      const puts = proxy.passed.filter((one) => one.method === 'PUT' && /manifests\/1\.4\.2/.test(one.path))
      expect(puts).toHaveLength(1)
      expect(await world.mirror.oracle.digest('hub/api', '1.4.3')).toBe(old.root.digest)
    },
  )

  it('has one message for a missing repository, and the other repositories are copied', async () => {
    const missing: Fault = {
      at: { path: /hub\/api/ },
      times: Infinity,
      injury: { kind: 'answer', status: 404, body: { errors: [{ code: 'NAME_UNKNOWN' }] } },
    }
    await using world = await scene({ '1.4.2': newer, '1.4.3': old, latest: image({ label: 'third' }) })
    await using proxy = await faultyProxy(world.mirror.host, missing)
    const to = [repository(proxy, 'hub/api'), repository(world.mirror, 'other/api')]
    const done = await sync(world.run, { ...world, to })
    const messages = new Set(done.placements.flatMap(({ errors }) => errors.map(({ message }) => message)))
    expect([...messages]).toHaveLength(1)
    expect(done.placements.map(({ status }) => status).toSorted()).toEqual([
      'failed',
      'failed',
      'failed',
      'synced',
      'synced',
      'synced',
    ])
    expect((await world.mirror.oracle.tags('other/api')).toSorted()).toEqual(['1.4.2', '1.4.3', 'latest'])
  })
})

describe('a source', () => {
  it('can be an image layout, with attached artifacts', async () => {
    await using world = await scene({})
    const folder = await makeFolder()
    onTestFinished(() => removeFolder(folder))
    const layout = join(folder, 'images')
    mkdirSync(layout)
    const all = together(old, referrer(old), cosignSignature(old))
    writeLayout(layout, all, '1.4.2')
    const layouts = new LayoutRepositories(folder, systemClock)
    const { stores } = world.run
    const source: Repositories['source'] = (name) =>
      name.registry === 'oci:' ? layouts.source(name) : stores.source(name)
    const run = { ...world.run, stores: { ...stores, source } }
    const from = { registry: 'oci:', path: layout }
    const done = await sync(run, { ...world, from })
    expect(done.placements.map(({ status }) => status)).toEqual(['synced'])
    expect(await world.mirror.oracle.differences('hub/api', all, '1.4.2')).toEqual([])
    expect(driftTexts((await syncOf(run, { ...world, from })).decision)).toEqual([])
  })

  it('can have Helm charts', async () => {
    await using world = await scene({ '1.4.2': artifact('helm') })
    await sync(world.run, world)
    expect(await world.mirror.oracle.differences('hub/api', artifact('helm'), '1.4.2')).toEqual([])
    expect(driftTexts((await syncOf(world.run, world)).decision)).toEqual([])
  })

  it('with an image of schema 1 copies the others', async () => {
    const schema1: Fault = {
      at: { path: /manifests\/1\.4\.2/ },
      times: Infinity,
      injury: {
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
        body: { schemaVersion: 1, name: 'library/api', tag: '1.4.2', fsLayers: [], history: [] },
      },
    }
    await using world = await scene({ '1.4.2': old, '1.4.3': newer })
    await using proxy = await faultyProxy(world.source.host, schema1)
    const done = await sync(world.run, { ...world, from: repository(proxy, 'library/api') })
    expect(done.decisions[0]?.unread).toMatchObject([
      { name: 'library/api:1.4.2', error: { code: 'unsupported' } },
    ])
    expect(await world.mirror.oracle.tags('hub/api')).toEqual(['1.4.3'])
  })
})
