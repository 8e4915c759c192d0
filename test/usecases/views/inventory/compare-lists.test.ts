import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../../../src/embedded/storage/memory-storage.ts'
import type { Inventory } from '../../../../src/images/inventory/inventory.ts'
import { runCheck } from '../../../../src/images/registry-facts.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import { digestOf, parseDigest } from '../../../../src/oci/digest.ts'
import { renderDiagnoses } from '../../../../src/render/views/doctor.ts'
import { plainStyle } from '../../../../src/render/text/style.ts'
import { compareLists } from '../../../../src/usecases/views/inventory/compare-lists.ts'
import {
  diagnoseInventory,
  type InventoryDiagnosis,
} from '../../../../src/usecases/views/inventory/diagnose-inventory.ts'
import { embedded, newCall, openStores } from '../../../registry/client/world.ts'
import { image } from '../../../support/images.ts'
import { manualClock } from '../../../support/manual-clock.ts'
import { storageInventory } from '../../../support/storage-inventory.ts'

const token = { permissions: 'the scope read', create: 'https://vendor.example/tokens' }
const clock = manualClock()

async function start() {
  const storage = memoryStorage()
  const at = await embedded({ storage })
  const inventory = storageInventory(storage)
  const compare = async (by: Inventory = inventory, hasNames = false): Promise<InventoryDiagnosis> => {
    const call = newCall()
    const store = openStores().source({ registry: at.registry, path: 'secret-team/api' })
    at.clear()
    const lists = await runCheck(call, () => compareLists(store, by, clock, call))
    const repository = `${at.registry}/secret-team/api`
    return diagnoseInventory(
      { inventory: by, token, tool: '1.0.0', repository, lists, hasNames },
      Date.now() + 1,
    )
  }
  const push = (label: string, ...tags: string[]) => at.push(image({ label }), 'secret-team/api', ...tags)
  return { ...at, storage, inventory, compare, push }
}

const find = ({ findings }: InventoryDiagnosis, check: string) => findings.find((one) => one.check === check)

describe("the comparison of a vendor's list with the OCI API", () => {
  it('is ok if both agree, and sends only reads', async () => {
    const { compare, push, log } = await start()
    await push('a', 'tag-a', 'tag-b')
    await push('b', 'tag-c')
    const found = await compare()
    expect(find(found, 'vendorList')?.saw).toMatch(/^2 manifests, 3 tags, read in \d+ ms$/)
    expect(find(found, 'vendorTags')).toMatchObject({ state: 'ok' })
    expect(find(found, 'vendorDigests')).toMatchObject({ state: 'ok', saw: '3 tags compared, 0 differ' })
    expect(new Set(log.map(({ method }) => method))).toEqual(new Set(['GET', 'HEAD']))
  })

  it('reports tags of one list alone, and other digests', async () => {
    const { compare, push, inventory, storage } = await start()
    const one = await push('a', 'tag-a', 'tag-b')
    await push('b', 'tag-c')
    const late = {
      ...inventory,
      entries: async function* () {
        yield { digest: parseDigest(one.digest), tags: [{ name: 'tag-a' }, { name: 'tag-gone' }] }
        yield { digest: digestOf('before'), tags: [{ name: 'tag-c' }] }
      },
    }
    const found = await compare(late, true)
    expect(find(found, 'vendorTags')).toMatchObject({
      state: 'note',
      saw: "3 in the vendor's list, 3 in the OCI list; 1 only in the OCI list (tag-b), 1 only in the vendor's list (tag-gone)",
    })
    expect(find(found, 'vendorDigests')?.saw).toBe('2 tags compared, 1 differ (tag-c)')
    expect(await storage.tags('secret-team/api')).toHaveLength(3)
  })

  it('checks that some untagged manifests exist, and counts missing times', async () => {
    const { compare, push, inventory } = await start()
    await push('a', 'tag-a')
    const { digest } = await push('b')
    inventory.facts.set(parseDigest(digest), { pushedAt: Date.now() + 1e9 })
    const found = await compare()
    expect(find(found, 'vendorUntagged')).toMatchObject({ state: 'ok', saw: '1; 1 checked, all exist' })
    expect(find(found, 'vendorPushes')).toMatchObject({
      state: 'note',
      saw: '2 of 2 manifests have one, 1 in the future',
    })
    const none = { ...inventory, knows: { ...inventory.knows, untagged: false, pushedAt: false } }
    const without = await compare(none)
    expect(find(without, 'vendorUntagged')).toMatchObject({ state: 'note' })
    expect(find(without, 'vendorPushes')).toMatchObject({ state: 'note', saw: 'the API has no push times' })
  })

  it('does not report tags of attached artifacts, which a vendor may not list', async () => {
    const { compare, push, inventory } = await start()
    const subject = await push('a', 'tag-a')
    await push('b', `${subject.digest.replace(':', '-')}.sig`)
    const listed = {
      ...inventory,
      entries: async function* () {
        yield { digest: parseDigest(subject.digest), tags: [{ name: 'tag-a' }] }
      },
    }
    expect(find(await compare(listed), 'vendorTags')).toMatchObject({
      state: 'ok',
      saw: "1 in the vendor's list, 2 in the OCI list; 1 of attached artifacts only in the OCI list",
    })
  })

  it('has no name, digest or text of a server unless --names is passed', async () => {
    const { compare, push, registry, inventory } = await start()
    const { digest } = await push('a', 'canary-tag')
    const why = `canary-text of ${registry}/secret-team`
    const failing = { ...inventory, listError: undefined, entries: async function* () {} }
    const broken = {
      ...failing,
      entries: () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new DrayError('forbidden', 'no canary-message', { why, status: 403 })),
        }),
      }),
    }
    for (const by of [inventory, failing, broken]) {
      const found = await compare(by)
      const shown = `${JSON.stringify(found)}\n${renderDiagnoses([found], { style: plainStyle, width: 80 })}`
      for (const secret of ['canary', 'secret-team', registry, digest]) expect(shown).not.toContain(secret)
    }
    const named = JSON.stringify(await compare(broken, true))
    expect(named).toContain('canary-message')
    expect(find(await compare(broken), 'vendorList')).toMatchObject({
      state: 'problem',
      saw: 'cannot be read, forbidden, 403',
      hint: expect.stringContaining('the scope read') as string,
    })
  })
})
