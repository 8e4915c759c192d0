import { describe, expect, it } from 'vitest'
import { readInventory } from '../../../src/images/inventory/inventory-snapshot.ts'
import type { Inventory, InventoryEntry } from '../../../src/images/inventory/inventory.ts'
import { notedCall } from '../../support/http-world.ts'
import { digestNamed } from '../../support/repository-graphs.ts'

const digest = digestNamed('a')

describe('entries of one digest', () => {
  it.each<[string, InventoryEntry['pulledAt'], InventoryEntry['pulledAt'], InventoryEntry['pulledAt']]>([
    ['unknown, if one is unknown and the other says never', 'never', undefined, undefined],
    ['never, if both say never', 'never', 'never', 'never'],
    ['the time, if only one has a time', 5, undefined, 5],
    ['the time, if the other says never', 'never', 5, 5],
    ['the later time', 5, 7, 7],
  ])('have as their last pull: %s', async (_, a, b, expected) => {
    for (const pulls of [
      [a, b],
      [b, a],
    ])
      expect(await lastPull(pulls)).toBe(expected)
  })
})

async function lastPull(pulls: readonly InventoryEntry['pulledAt'][]): Promise<InventoryEntry['pulledAt']> {
  const entries = pulls.map((pulledAt, i): InventoryEntry => ({
    digest,
    tags: [{ name: `v${i}` }],
    ...(pulledAt !== undefined && { pulledAt }),
  }))
  const inventory: Inventory = {
    kind: 'harbor',
    name: 'The Vendor',
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: 'exact',
      size: 'no',
      children: false,
      locks: false,
    },
    deletes: { manifests: 1, tags: 'no', lastTagDeletesManifest: false, restorable: false },
    entries: async function* () {
      yield* await Promise.resolve(entries)
    },
  }
  const repository = { registry: 'registry.example.com', path: 'dev/api' }
  const snapshot = await readInventory(inventory, repository, notedCall())
  return snapshot.entries.get(digest)?.pulledAt
}
