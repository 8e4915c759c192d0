import { describe, expect, it } from 'vitest'
import type { InventoryEntry } from '../../../../src/images/inventory/inventory.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import { memoryStorage } from '../../../../src/embedded/storage/memory-storage.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { type ListOptions, listRepository } from '../../../../src/usecases/views/list/list.ts'
import { embedded, newCall, openStores } from '../../../registry/client/world.ts'
import { cosignSignature, image, together } from '../../../support/images.ts'
import { storageInventory } from '../../../support/storage-inventory.ts'

const day = 86_400_000
const now = Date.UTC(2026, 5, 1)

async function start() {
  const storage = memoryStorage()
  const at = await embedded({ storage })
  const inventory = storageInventory(storage)
  const list = async (over: Partial<ListOptions>) => {
    const call = newCall()
    const store = openStores().source({ registry: at.registry, path: 'api' })
    at.clear()
    const view = await listRepository(
      store,
      {
        limit: undefined,
        evidenceTags: false,
        brief: true,
        filter: {},
        now,
        readingOf: () => plainReading,
        inventory: async () => inventory,
        ...over,
      },
      call,
    )
    const warnings = call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    return { view, warnings, requests: at.log.map(({ method, kind }) => `${method} ${kind}`) }
  }
  const root = await at.push(image(), 'api', '1.0.0', '0.9.0')
  const set = (facts: Partial<InventoryEntry>): void => void inventory.facts.set(root.digest, facts)
  return { ...at, inventory, list, root, set }
}

describe('a list of all tags by the API of the vendor', () => {
  it('sends no request to the OCI API with --brief', async () => {
    const { list, root } = await start()
    const { view, requests } = await list({})
    expect(requests).toEqual([])
    expect(view).toMatchObject({ inventory: 'ghcr', total: 2 })
    expect(view.tags.map(({ tag, image: one }) => [tag, one?.digest])).toEqual([
      ['1.0.0', root.digest],
      ['0.9.0', root.digest],
    ])
  })

  it('has the times and media types that the vendor knows', async () => {
    const { list, root, set } = await start()
    set({ mediaType: root.mediaType, pushedAt: now - day, pulledAt: 'never' })
    const { view } = await list({ limit: 1 })
    expect(view.tags).toMatchObject([{ tag: '1.0.0' }])
    const { view: timed } = await list({ limit: 1, times: true })
    expect(timed.tags).toEqual([
      {
        tag: '1.0.0',
        image: { digest: root.digest, mediaType: root.mediaType },
        pushedAt: '2026-05-31T00:00:00.000Z',
        pulledAt: 'never',
      },
    ])
  })

  it('is not read for a few tags without --times', async () => {
    const { list, inventory } = await start()
    const { view, requests } = await list({ limit: 50 })
    expect([inventory.lists(), view.inventory, requests.includes('GET tags')]).toEqual([0, undefined, true])
  })

  it('saves the HEAD of each tag if images are read', async () => {
    const { list } = await start()
    const { view, requests } = await list({ brief: false })
    expect(view.tags).toMatchObject([{ platforms: ['linux/amd64'] }, { platforms: ['linux/amd64'] }])
    expect(requests.filter((one) => one.startsWith('HEAD'))).toEqual([])
  })

  it('still shows tags of attached artifacts, which a vendor may not list', async () => {
    const { list, push, inventory } = await start()
    const signed = image({ label: 'signed' })
    const root = await push(together(signed, cosignSignature(signed)), 'api', '2.0.0')
    inventory.facts.set(root.digest, {})
    const hidden = {
      ...inventory,
      entries: async function* (...of: Parameters<typeof inventory.entries>) {
        for await (const entry of inventory.entries(...of))
          if (!entry.tags.some(({ name }) => name.startsWith('sha256-'))) yield entry
      },
    }
    const { view } = await list({ evidenceTags: true, inventory: async () => hidden })
    expect(view.tags.map(({ tag }) => tag).some((tag) => tag.endsWith('.sig'))).toBe(true)
    const { view: images } = await list({ brief: false, inventory: async () => hidden })
    expect(images.tags.find(({ tag }) => tag === '2.0.0')?.evidence).toEqual({ sig: 1 })
  })

  it('is replaced by the OCI API with one warning if it cannot be read (33)', async () => {
    const { list, inventory } = await start()
    inventory.listError = new DrayError('unavailable', 'the API is down')
    const { view, warnings } = await list({})
    expect(view).toMatchObject({ tags: [{ tag: '1.0.0' }, { tag: '0.9.0' }] })
    expect(view.inventory).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining('and uses the OCI API: the API is down.') as string])
  })

  it('needs no token unless times are wanted (34)', async () => {
    const { list, inventory, registry } = await start()
    inventory.listError = new DrayError('unauthorized', 'dray has no token', { subject: registry })
    expect((await list({})).warnings).toEqual([])
    expect((await list({ times: true })).warnings).toHaveLength(1)
    inventory.listError = new DrayError('unauthorized', 'refused', { subject: `${registry}/api` })
    expect((await list({})).warnings).toHaveLength(1)
  })

  it('has unknown times with one warning if the vendor is unknown', async () => {
    const { list } = await start()
    const { view, warnings } = await list({ times: true, inventory: async () => undefined })
    expect(view.tags[0]).not.toHaveProperty('pushedAt')
    expect(warnings).toEqual([expect.stringContaining('.kind in dray.yaml') as string])
  })
})
