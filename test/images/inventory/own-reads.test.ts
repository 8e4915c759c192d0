import { describe, expect, it } from 'vitest'
import { pruneCache } from '../../../src/cli/prune/prune-cache.ts'
import type { InventorySnapshot } from '../../../src/images/inventory/inventory-snapshot.ts'
import type { InventoryEntry } from '../../../src/images/inventory/inventory.ts'
import { addOwnReads, isOwnRead, withoutOwnReads } from '../../../src/images/inventory/own-reads.ts'
import type { OwnReads } from '../../../src/images/inventory/own-read.ts'
import { digestNamed } from '../../support/repository-graphs.ts'
import { memoryContents } from '../../support/retention/listed-world.ts'

const minute = 60_000
const day = 1440 * minute
const at = Date.parse('2026-06-01T00:00:00Z')
const [a, b, c] = [digestNamed('a'), digestNamed('b'), digestNamed('c')]
const reads: OwnReads = new Map([[a, { from: at, to: at + minute, before: at - 90 * day }]])

function snapshotOf(
  pulls: Readonly<Record<string, InventoryEntry['pulledAt']>>,
  { ownReads = reads, precision = 'exact' }: { ownReads?: OwnReads; precision?: 'exact' | 'day' } = {},
): InventorySnapshot {
  const entries = Object.entries(pulls).map(([name, pulledAt]): InventoryEntry => ({
    digest: digestNamed(name),
    tags: [],
    ...(pulledAt !== undefined && { pulledAt }),
  }))
  return {
    kind: 'harbor',
    name: 'Harbor',
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: precision,
      size: 'no',
      children: true,
      locks: true,
    },
    deletes: { manifests: 1, tags: 1, lastTagDeletesManifest: false, restorable: false },
    entries: new Map(entries.map((entry) => [entry.digest, entry])),
    tags: new Map(),
    ownReads,
  }
}

describe('a pull that can be a read of dray', () => {
  it.each([
    ['in its time', at + minute / 2, 'exact', true],
    ['noted a little later', at + 2.5 * minute, 'exact', true],
    ['noted much later', at + 10 * minute, 'exact', false],
    ['before it', at - 10 * minute, 'exact', false],
    ['up to a day before it, of a time that is exact to a day', at - day + minute, 'day', true],
  ] as const)('is one %s: %#', (_, pulledAt, precision, isOwn) => {
    expect(isOwnRead(snapshotOf({}, { precision }), a, pulledAt)).toBe(isOwn)
  })

  it('is none of another manifest, and no unknown pull', () => {
    expect(isOwnRead(snapshotOf({}), b, at)).toBe(false)
    expect(isOwnRead(snapshotOf({}), a, 'never')).toBe(false)
    expect(isOwnRead(snapshotOf({}), a, undefined)).toBe(false)
  })

  it('is replaced in views by the pull before it, and a later pull is not', () => {
    expect(withoutOwnReads(snapshotOf({ a: at })).entries.get(a)?.pulledAt).toBe(at - 90 * day)
    expect(withoutOwnReads(snapshotOf({ a: at + day })).entries.get(a)?.pulledAt).toBe(at + day)
    const ownReads: OwnReads = new Map([[a, { from: at, to: at }]])
    expect(withoutOwnReads(snapshotOf({ a: at }, { ownReads })).entries.get(a)?.pulledAt).toBeUndefined()
  })
})

describe('the reads that are remembered', () => {
  const again = { from: at + day, to: at + day }

  it('have the pull before the first of several, and only of manifests that are listed', () => {
    const added = addOwnReads(snapshotOf({ a: at, b: 'never' }), [a, b, c], again)
    expect(added).toEqual(
      new Map([
        [a, { ...again, before: at - 90 * day }],
        [b, { ...again, before: 'never' }],
      ]),
    )
    expect(addOwnReads(snapshotOf({ b: 'never' }), [], again)).toEqual(new Map())
  })

  it('are in the cache of the user, and a damaged value is ignored', async () => {
    const kept = new Map<string, unknown>()
    const cache = pruneCache(memoryContents(), {
      get: async (key) => await Promise.resolve(kept.get(key)),
      put: async (key, value) => {
        await Promise.resolve()
        kept.set(key, JSON.parse(JSON.stringify(value)))
      },
    })
    const repository = { registry: 'r.example.com', path: 'dev/api' }
    const all: OwnReads = new Map([
      ...reads,
      [b, { from: 1, to: 2, before: 'never' }],
      [c, { from: 1, to: 2 }],
    ])
    await cache.rememberOwnReads(repository, all)
    expect(await cache.ownReads(repository)).toEqual(all)
    expect(await cache.last(repository)).toBeUndefined()
    for (const key of kept.keys()) kept.set(key, [7, { from: '1' }, { from: 1, to: 2, before: { x: 1 } }])
    expect(await cache.ownReads(repository)).toEqual(new Map())
  })
})
