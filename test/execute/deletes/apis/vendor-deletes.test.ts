import { describe, expect, it } from 'vitest'
import type { PrunePorts } from '../../../../src/execute/ports.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import type { ServerOptions } from '../../../../src/embedded/server.ts'
import { image, index } from '../../../support/images.ts'
import { manualClock } from '../../../support/manual-clock.ts'
import { type PruneRegistry, startPruneRegistry } from '../../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf, recordsOf } from '../../../support/pruning.ts'
import {
  namesOf,
  storageInventory,
  type StorageInventory,
  type StorageInventoryOptions,
} from '../../../support/storage-inventory.ts'

const of = (label: string) => image({ label, layers: 0 })
const batches = { kind: 'ecr', manifests: 100, tags: 100, lastTagDeletesManifest: true } as const

interface Place {
  readonly world: PruneRegistry
  readonly inventory: StorageInventory
  readonly prune: (more?: Partial<PrunePorts>) => ReturnType<typeof executePrunePlan>
}

async function place(
  options: ServerOptions = {},
  deletes: StorageInventoryOptions = {},
  benchOptions?: Parameters<typeof startPruneRegistry>[1],
): Promise<Place> {
  const world = await startPruneRegistry(options, benchOptions)
  const inventory = storageInventory(world.storage, deletes)
  return {
    world,
    inventory,
    prune: async (more = {}) => {
      const plan = await prunePlanOf(world.run, [world.repository])
      world.registry.forget()
      return await executePrunePlan(world.run, plan, { inventory: async () => inventory, ...more })
    },
  }
}

describe('a registry that deletes nothing through the OCI API', () => {
  const ghcr = { profile: 'ghcr' } as const

  it('gets one delete through the OCI API, and the others through the API of the vendor', async () => {
    const { world, inventory, prune } = await place(ghcr)
    for (let n = 0; n < 5; n++) world.put(of(`${n}`), `pr-${n}`)
    world.put(of('prod'), 'prod')
    const done = await prune()
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 5, deletedBy: { ghcr: 5 }, errors: [] },
    ])
    expect(world.deletes()).toHaveLength(1)
    expect(inventory.requests.flat()).toHaveLength(5)
    expect(await world.remaining()).toEqual(['prod'])
  })

  it('gets no delete through the OCI API if that is known', async () => {
    const known = () => 'no' as const
    const { world, prune } = await place(ghcr, {}, { known })
    world.put(of('a'), 'pr-1')
    expect((await prune()).repositories).toMatchObject([{ status: 'pruned', deleted: 1 }])
    expect(world.deletes()).toEqual([])
  })

  it('gets the id of each manifest from a list of this run, and the record names the API', async () => {
    const { world, inventory, prune } = await place(ghcr)
    const digest = world.put(of('a'), 'pr-1')
    await prune()
    expect(inventory.requests).toEqual([[{ kind: 'manifest', digest, handle: `id-${digest}` }]])
    expect(await recordsOf(world.run)).toMatchObject([
      { phase: 'intent', before: digest },
      { phase: 'outcome', result: 'done', before: digest, after: null, by: 'ghcr' },
    ])
  })

  it('keeps what the vendor protects with its message, and the others are deleted (6)', async () => {
    const { world, inventory, prune } = await place(ghcr)
    const popular = world.put(of('a'), 'pr-0')
    for (let n = 1; n < 4; n++) world.put(of(`${n}`), `pr-${n}`)
    inventory.answer(popular, 'protected', 'more than 5000 downloads')
    const done = await prune()
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 3, locked: 1, kept: 1, errors: [] },
    ])
    expect(done.repositories[0]?.lockedItems).toMatchObject([
      { digest: popular, tags: ['pr-0'], error: { code: 'refused', why: 'more than 5000 downloads' } },
    ])
    expect((await recordsOf(world.run)).filter(({ result }) => result === 'unchanged')).toMatchObject([
      { before: popular, by: 'ghcr', error: { why: 'more than 5000 downloads' } },
    ])
  })

  it('counts what the vendor does not have any more as absent (6)', async () => {
    const { world, inventory, prune } = await place(ghcr)
    inventory.answer(world.put(of('a'), 'pr-1'), 'absent')
    expect((await prune()).repositories).toMatchObject([{ status: 'unchanged', absent: 1, errors: [] }])
  })

  it('keeps a manifest that the list of the vendor lacks although the registry has it (36)', async () => {
    const { world, inventory, prune } = await place(ghcr)
    const digest = world.put(of('a'), 'pr-1')
    const late = { ...inventory, entries: async function* () {} }
    const done = await prune({ inventory: async () => late })
    expect(done.repositories).toMatchObject([{ deleted: 0, locked: 1 }])
    expect(done.steps[0]?.error?.message).toContain('The Vendor does not list it')
    expect(await world.storage.manifest('dev/api', digest)).toBeDefined()
  })

  it('deletes nothing without a token, with one error', async () => {
    const { world, inventory, prune } = await place(ghcr, {}, { known: () => 'no' as const })
    for (let n = 0; n < 5; n++) world.put(of(`${n}`), `pr-${n}`)
    inventory.listError = new DrayError('unauthorized', 'dray has no token for The Vendor')
    const done = await prune()
    expect(done.repositories).toMatchObject([{ status: 'refused', deleted: 0 }])
    expect(done.repositories[0]?.errors).toHaveLength(1)
    expect(inventory.requests).toEqual([])
  })

  it('keeps a tag that moved to a manifest between the list and the delete (31)', async () => {
    const { world, inventory, prune } = await place(ghcr)
    const digest = world.put(of('a'), 'pr-1')
    world.put(of('b'), 'pr-2')
    world.put(of('prod'), 'prod')
    let isFirst = true
    const moving = {
      ...inventory,
      entries: (...how: Parameters<typeof inventory.entries>) => {
        if (isFirst) world.put(of('a'), 'prod')
        isFirst = false
        return inventory.entries(...how)
      },
    }
    const done = await prune({ inventory: async () => moving })
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 1, conflicts: 1 }])
    expect(await world.storage.tag('dev/api', 'prod')).toBe(digest)
  })
})

describe('a vendor whose API takes many deletes at once', () => {
  it('gets 501 deletes in 6 requests: the first alone, then 100 each (10)', async () => {
    const { world, inventory, prune } = await place({}, batches)
    for (let n = 0; n < 501; n++) world.put(of(`${n}`), `pr-${n}`)
    const done = await prune({ readAt: Date.now() })
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 501, deletedBy: { ecr: 501 } }])
    expect(inventory.requests.map(({ length }) => length)).toEqual([1, 100, 100, 100, 100, 100])
    expect(world.deletes()).toEqual([])
  })

  it('never gets an index and its children in one request (11)', async () => {
    const { world, inventory, prune } = await place({}, batches)
    const parents = [1, 2, 3].map((n) => {
      const content = index(['arm64', 'amd64'], { label: `${n}`, layers: 0 })
      return { digest: world.put(content, `pr-${n}`), content }
    })
    await prune()
    const position = new Map(
      namesOf(inventory.requests).flatMap((names, i) => names.map((name) => [name, i])),
    )
    const late = parents.flatMap(({ digest, content }) =>
      content.manifests.filter(
        ({ descriptor: child }) =>
          child.digest !== digest && (position.get(child.digest) ?? 0) <= (position.get(digest) ?? 0),
      ),
    )
    expect(late).toEqual([])
    expect(new Set(parents.map(({ digest }) => position.get(digest))).size).toBe(2)
    expect(await world.remaining()).toEqual([])
  })

  it('gives an outcome for each item, and a failure of one stops no other (9)', async () => {
    const { world, inventory, prune } = await place({}, batches)
    const digests = Array.from({ length: 6 }, (_, n) => world.put(of(`${n}`), `pr-${n}`))
    inventory.answer(digests[2] ?? '', 'failed', new DrayError('unavailable', 'KmsError'))
    inventory.answer(digests[3] ?? '', 'protected', 'ImageReferencedByManifestList')
    inventory.answer(digests[4] ?? '', 'absent')
    const done = await prune()
    expect(done.repositories).toMatchObject([
      { status: 'failed', deleted: 3, failed: 1, locked: 1, absent: 1 },
    ])
  })

  it('gets only the items that a check before the request does not keep', async () => {
    const clock = manualClock(Date.now())
    const { world, inventory, prune } = await place({}, batches, { clock })
    const digests = Array.from({ length: 5 }, (_, n) => world.put(of(`${n}`), `pr-${n}`))
    world.put(of('prod'), 'prod')
    let requests = 0
    inventory.onRemove = async () => {
      requests += 1
      if (requests !== 2) return
      // the second request waits longer than a check is valid
      world.put(of('3'), 'new')
      await clock.advance(3_000)
    }
    const done = await prune({ clock, readAt: clock.now() })
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 4, conflicts: 1 }])
    expect(await world.storage.tag('dev/api', 'new')).toBe(digests[3])
    expect(inventory.requests.flat()).toHaveLength(4)
  })

  it('is replaced by the OCI API if it fails before its first success', async () => {
    const { world, inventory, prune } = await place({}, batches)
    for (let n = 0; n < 5; n++) world.put(of(`${n}`), `pr-${n}`)
    inventory.listError = new DrayError('unauthorized', 'there are no AWS credentials')
    const done = await prune()
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 5, deletedBy: { oci: 5 } }])
    const warnings = world.run.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    expect(warnings.filter((text) => text.includes('and uses the OCI API'))).toHaveLength(1)
  })

  it('records the intents of a wave before its request', async () => {
    const { world, inventory, prune } = await place({}, batches)
    for (let n = 0; n < 5; n++) world.put(of(`${n}`), `pr-${n}`)
    inventory.onRemove = async () => {
      if (inventory.requests.length === 0) return
      const records = await recordsOf(world.run)
      expect(records.filter(({ phase }) => phase === 'intent')).toHaveLength(5)
      throw new DrayError('internal', 'killed')
    }
    const done = await prune()
    expect(done.repositories).toMatchObject([{ deleted: 1, failed: 4 }])
  })

  it('gets no further request after a stop', async () => {
    const { world, inventory, prune } = await place({}, batches)
    for (let n = 0; n < 250; n++) world.put(of(`${n}`), `pr-${n}`)
    const stop = new AbortController()
    inventory.onRemove = async () => {
      if (inventory.requests.length === 1) stop.abort()
    }
    const done = await prune({ stop: stop.signal })
    expect(done.repositories).toMatchObject([{ deleted: 101, notAttempted: 149 }])
  })
})

describe('a registry that deletes children with their index', () => {
  it.each([
    [true, 0],
    [undefined, 2],
  ])('keeps the index if a child is in use by now (%s)', async (cascades, deleted) => {
    const { world, prune } = await place({}, cascades === undefined ? {} : { cascades })
    const child = image({ platform: 'arm64', label: 'child', layers: 0 })
    const root = world.put(index([child, of('other')]), 'pr-1')
    const digest = world.put(child)
    const done = await prune({ usedNow: () => [{ digest }] })
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted }])
    expect((await world.storage.manifest('dev/api', root)) === undefined).toBe(deleted > 0)
    expect(await world.storage.manifest('dev/api', digest)).toBeDefined()
  })
})

describe('a registry that deletes an image with its last tag (8)', () => {
  const noTags = { abilities: { deleteTag: 'UNSUPPORTED' } } as const

  it('loses tags of a kept image in one request', async () => {
    const { world, inventory, prune } = await place(noTags, batches)
    const digest = world.put(of('prod'), 'prod', 'pr-1', 'pr-2', 'pr-3')
    const done = await prune()
    expect(done.repositories).toMatchObject([{ status: 'pruned', untagged: 3, deletedBy: { ecr: 3 } }])
    expect(inventory.requests.map(({ length }) => length)).toEqual([1, 2])
    expect(await world.storage.tagsOf('dev/api', digest)).toEqual(['prod'])
  })

  it('keeps the last tag of an image that a kept index lists', async () => {
    const { world, inventory, prune } = await place(noTags, batches)
    const child = image({ platform: 'arm64', label: 'child', layers: 0 })
    world.put(index([child]), 'prod')
    const digest = world.put(child, 'pr-1', 'pr-2', 'pr-3')
    const done = await prune()
    expect(done.repositories).toMatchObject([{ status: 'pruned', untagged: 2, kept: 1, errors: [] }])
    expect(done.steps.find(({ result }) => result === 'kept')?.error).toMatchObject({ code: 'unsupported' })
    expect(await world.storage.tagsOf('dev/api', digest)).toHaveLength(1)
    expect(inventory.requests.map(({ length }) => length)).toEqual([1, 1])
  })

  it('keeps a tag whose image loses its other tags meanwhile', async () => {
    const { world, inventory } = await place(noTags, batches)
    const digest = world.put(of('prod'), 'prod', 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository])
    await world.storage.deleteTag('dev/api', 'prod')
    const done = await executePrunePlan(world.run, plan, {
      inventory: async () => inventory,
      readAt: Date.now(),
    })
    expect(done.steps).toMatchObject([{ result: 'kept', error: { code: 'unsupported' } }])
    expect(await world.storage.tag('dev/api', 'pr-1')).toBe(digest)
    expect(inventory.requests).toEqual([])
  })
})
