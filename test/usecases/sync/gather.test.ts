import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { Inventory } from '../../../src/images/inventory/inventory.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { type Fault, faultyProxy } from '../../support/faulty-proxy.ts'
import { type Content, image } from '../../support/images.ts'
import { bench, repository } from '../../support/promotion.ts'
import { storageInventory } from '../../support/storage-inventory.ts'
import { driftTexts, globs, syncOf } from '../../support/syncing.ts'
import { watchedRegistry } from '../../support/world.ts'

const format = (requests: readonly AccessEntry[]) =>
  requests.map((r) => `${r.method} ${r.path.replace(/sha256[:-][0-9a-f]+/, 'D')}`).toSorted()

/** The children of the images were searched just now. */
const searched = (...images: readonly Content[]) => [
  {
    ...emptyState,
    childrenSearchedAt: new Map(images.map(({ root }) => [root.digest as Digest, Date.now()])),
  },
]

/** A source with an image for each tag, behind a proxy with faults, and an empty mirror. */
async function scene(tags: readonly string[], ...faults: readonly Fault[]) {
  const stack = new AsyncDisposableStack()
  const source = stack.use(await watchedRegistry())
  const mirror = stack.use(await watchedRegistry())
  for (const tag of tags) await source.oracle.push(image({ label: tag }), 'library/api', tag)
  const proxy = stack.use(await faultyProxy(source.host, ...faults))
  const run = stack.use(await bench())
  return {
    source,
    mirror,
    run,
    from: repository(proxy, 'library/api'),
    to: [repository(mirror, 'hub/api')],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

describe('the requests of a sync of one repository', () => {
  it('are per side a list and a HEAD, and one search of referrers, if all is up to date', async () => {
    await using source = await watchedRegistry()
    await using mirror = await watchedRegistry()
    const api = image({})
    await source.oracle.push(api, 'library/api', '1.4.2')
    await mirror.oracle.push(api, 'hub/api', '1.4.2')
    await using run = await bench()
    source.forget()
    mirror.forget()
    const { decision } = await syncOf(run, {
      from: repository(source, 'library/api'),
      to: [repository(mirror, 'hub/api')],
      states: searched(api),
    })
    expect(decision.images).toEqual([])
    expect(driftTexts(decision)).toEqual([])
    expect(format(source.requests)).toEqual([
      'GET /v2/library/api/referrers/D',
      'GET /v2/library/api/tags/list',
      'HEAD /v2/library/api/manifests/1.4.2',
    ])
    expect(format(mirror.requests)).toEqual(['GET /v2/hub/api/tags/list', 'HEAD /v2/hub/api/manifests/1.4.2'])
  })

  it.each([
    ['oci-1.1', 40],
    ['docker-registry-2.8', 1],
  ] as const)(
    'are 2k and two lists for k tags; %s adds %i searches of referrers',
    async (profile, searches) => {
      const storage = memoryStorage()
      await using source = await watchedRegistry({ profile, storage })
      await using mirror = await watchedRegistry({ profile, storage })
      const images = Array.from({ length: 40 }, (_, i) => image({ label: `${i}` }))
      for (const [i, one] of images.entries()) await source.oracle.push(one, 'api', `1.${i}.0`)
      await using run = await bench()
      source.forget()
      mirror.forget()
      const { decision } = await syncOf(run, {
        from: repository(source, 'api'),
        to: [repository(mirror, 'api')],
        states: searched(...images),
      })
      expect(driftTexts(decision)).toEqual([])
      const requests = [...source.requests, ...mirror.requests]
      expect(requests.length, format(requests).join('\n')).toBe(2 * 40 + 2 + searches)
    },
  )

  it('are pages of the inventory instead of HEADs, and a HEAD per side for a tag that differs', async () => {
    const storage = memoryStorage()
    await using source = await watchedRegistry({ storage })
    await using mirror = await watchedRegistry()
    const images = Array.from({ length: 40 }, (_, i) => image({ label: `${i}` }))
    for (const [i, one] of images.entries()) {
      await source.oracle.push(one, 'api', `1.${i}.0`)
      if (i > 0) await mirror.oracle.push(one, 'api', `1.${i}.0`)
    }
    await mirror.oracle.push(image({ label: 'other' }), 'api', '1.0.0')
    const inventory: Inventory = storageInventory(storage)
    await using run = await bench()
    source.forget()
    mirror.forget()
    const { decision, snapshot } = await syncOf(run, {
      from: repository(source, 'api'),
      to: [repository(mirror, 'api')],
      states: searched(...images),
      options: { evidence: false },
      ports: { inventories: { inventory: async (name) => (name === source.host ? inventory : undefined) } },
    })
    expect(driftTexts(decision)).toEqual(['1.0.0: moved'])
    expect(format(source.requests)).toEqual(['GET /v2/api/tags/list', 'HEAD /v2/api/manifests/1.0.0'])
    expect(format(mirror.requests)).toHaveLength(41)
    expect(snapshot.source.size).toBe(40)
  })

  it('are no HEADs at a destination without the repository', async () => {
    await using world = await scene(['1.4.2', '1.4.3'])
    const { decision } = await syncOf(world.run, world)
    expect(driftTexts(decision)).toEqual(['1.4.2: missing', '1.4.3: missing'])
    expect(format(world.mirror.requests)).toEqual(['GET /v2/hub/api/tags/list'])
  })
})

describe('a source', () => {
  it('loses a tag that is deleted between its list and its HEAD, and the others are copied', async () => {
    const gone: Fault = {
      at: { path: /manifests\/1\.4\.2/ },
      times: 3,
      injury: { kind: 'answer', status: 404, body: { errors: [{ code: 'MANIFEST_UNKNOWN' }] } },
    }
    await using world = await scene(['1.4.2', '1.4.3'], gone)
    const { decision, snapshot } = await syncOf(world.run, world)
    expect(snapshot.sourceTags).toEqual(['1.4.2', '1.4.3'])
    expect(driftTexts(decision)).toEqual(['1.4.3: missing'])
  })

  it.each([
    [404, 'not-found', { errors: [{ code: 'NAME_UNKNOWN' }] }],
    [403, 'forbidden', { errors: [{ code: 'DENIED' }] }],
    [200, 'protocol', '{"name":"library/api","tags":["1.4'],
  ])('whose list is answered %i fails with %s, and nothing is decided', async (status, code, body) => {
    const fault: Fault = { at: { path: /tags\/list/ }, times: 9, injury: { kind: 'answer', status, body } }
    await using world = await scene(['1.4.2'], fault)
    await expect(syncOf(world.run, world)).rejects.toMatchObject({ code })
  })

  it('of which the second page of the list is missing fails', async () => {
    await using source = await watchedRegistry({ profile: 'oci-1.1', abilities: { pageLimit: 1 } })
    await using mirror = await watchedRegistry()
    for (const tag of ['1', '2']) await source.oracle.push(image({}), 'library/api', tag)
    const fault: Fault = { at: { path: /last=/ }, times: 9, injury: { kind: 'answer', status: 403 } }
    await using proxy = await faultyProxy(source.host, fault)
    await using run = await bench()
    const syncing = { from: repository(proxy, 'library/api'), to: [repository(mirror, 'hub/api')] }
    await expect(syncOf(run, syncing)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('with one tag that cannot be read copies the others', async () => {
    const fault: Fault = {
      at: { path: /manifests\/1\.4\.2/ },
      times: 9,
      injury: { kind: 'answer', status: 403 },
    }
    await using world = await scene(['1.4.2', '1.4.3'], fault)
    const { decision } = await syncOf(world.run, world)
    expect(decision.unread).toMatchObject([{ name: 'library/api:1.4.2', error: { code: 'forbidden' } }])
    expect(driftTexts(decision)).toEqual(['1.4.3: missing'])
  })

  it('of which no tag can be read fails', async () => {
    const fault: Fault = { at: { path: /manifests\// }, times: 9, injury: { kind: 'answer', status: 403 } }
    await using world = await scene(['1.4.2', '1.4.3'], fault)
    await expect(syncOf(world.run, world)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('gives only the tags that the rule selects', async () => {
    await using world = await scene(['1.4.2', '1.4.3', 'nightly-1'])
    const rule = { include: [{ tags: globs('1.*', 'nightly-*') }], exclude: [globs('nightly-*', '1.4.3')] }
    const { decision } = await syncOf(world.run, { ...world, rule })
    expect(driftTexts(decision)).toEqual(['1.4.2: missing'])
  })
})

describe('a destination', () => {
  it('that cannot be read fails alone', async () => {
    await using world = await scene(['1.4.2'])
    const fault: Fault = { at: {}, times: 99, injury: { kind: 'answer', status: 403 } }
    await using down = await faultyProxy(world.mirror.host, fault)
    const to = [repository(world.mirror, 'one'), repository(down, 'two'), repository(world.mirror, 'three')]
    const { decision } = await syncOf(world.run, { ...world, to })
    expect(decision.drift.map(({ error, tags }) => error?.code ?? tags.length)).toEqual([1, 'forbidden', 1])
    expect(decision.images).toMatchObject([{ destinations: [{ tags: ['1.4.2'] }, { tags: ['1.4.2'] }] }])
  })

  it('that is the source is refused, and the others are read', async () => {
    await using world = await scene(['1.4.2'])
    const { decision } = await syncOf(world.run, { ...world, to: [world.from, ...world.to] })
    expect(decision.drift).toMatchObject([{ error: { code: 'refused' } }, { tags: [{ state: 'missing' }] }])
  })

  it('whose list lacks a tag that an earlier run wrote is asked for that tag', async () => {
    await using world = await scene(['1.4.2'])
    const api = image({ label: '1.4.2' })
    await world.mirror.oracle.push(api, 'hub/api', '1.4.2')
    const late: Fault = {
      at: { path: /tags\/list/ },
      injury: { kind: 'answer', status: 200, body: { name: 'hub/api', tags: [] } },
    }
    await using delayed = await faultyProxy(world.mirror.host, late)
    const state = { ...emptyState, written: new Map([['1.4.2', api.root.digest as Digest]]) }
    const to = [repository(delayed, 'hub/api')]
    const { decision } = await syncOf(world.run, { ...world, to, states: [state] })
    expect(driftTexts(decision)).toEqual([])
  })
})
