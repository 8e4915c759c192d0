import type {
  Inventory,
  InventoryDeletes,
  InventoryEntry,
  Removal,
  RemovalOutcome,
} from '../../src/images/inventory/inventory.ts'
import type { RegistryStorage } from '../../src/embedded/storage/storage.ts'
import type { Digest } from '../../src/oci/digest.ts'

export interface StorageInventory extends Inventory {
  /** the removals of each request that was sent */
  readonly requests: (readonly Removal[])[]
  /** how often the list was read */
  lists(): number
  /** Sets what a manifest or tag gets instead of its removal. */
  answer(of: string, outcome: Exclude<RemovalOutcome['result'], 'removed'>, error?: unknown): void
  /** Is called before each request, when its checks are done. */
  onRemove: () => Promise<void>
  /** manifests that were pushed long ago; the others were pushed just now */
  readonly old: Set<Digest>
  /** fields of entries, by digest */
  readonly facts: Map<string, Partial<InventoryEntry>>
  /** thrown by the list */
  listError: Error | undefined
}

export type StorageInventoryOptions = Partial<InventoryDeletes> & { readonly kind?: Inventory['kind'] }

/** An inventory of the manifests in a storage, which deletes there. */
export function storageInventory(
  storage: RegistryStorage,
  { kind = 'ghcr', ...deletes }: StorageInventoryOptions = {},
): StorageInventory {
  const answers = new Map<string, (removal: Removal) => RemovalOutcome>()
  let lists = 0
  const inventory: StorageInventory = {
    kind,
    name: 'The Vendor',
    knows: { untagged: true, pushedAt: true, pulledAt: 'no', size: 'no', children: false, locks: false },
    deletes: { manifests: 1, tags: 'no', lastTagDeletesManifest: false, restorable: false, ...deletes },
    requests: [],
    lists: () => lists,
    old: new Set(),
    facts: new Map(),
    listError: undefined,
    onRemove: async () => undefined,
    answer: (of, result, error) =>
      void answers.set(of, (removal) => {
        if (result === 'failed') return { removal, result, error }
        return result === 'protected' ? { removal, result, text: String(error) } : { removal, result }
      }),
    entries: async function* ({ path }) {
      lists += 1
      if (inventory.listError !== undefined) throw inventory.listError
      for await (const { digest } of storage.manifests(path)) {
        const tags = (await storage.tagsOf(path, digest)).map((name) => ({ name }))
        yield {
          digest,
          tags,
          pushedAt: inventory.old.has(digest) ? 1 : Date.now(),
          handle: `id-${digest}`,
          ...inventory.facts.get(digest),
        }
      }
    },
    remove: async function* ({ path }, batch, _, beforeAttempt) {
      for (let wait = beforeAttempt?.(); wait !== undefined; wait = beforeAttempt?.()) await wait
      await inventory.onRemove()
      for (let wait = beforeAttempt?.(); wait !== undefined; wait = beforeAttempt?.()) await wait
      inventory.requests.push(batch)
      for (const removal of batch) {
        const known = answers.get(removal.kind === 'tag' ? removal.tag : removal.digest)
        yield (
          known?.(removal) ?? {
            removal,
            result: (await removeFrom(storage, path, removal)) ? 'removed' : 'absent',
          }
        )
      }
    },
  }
  return inventory

  async function removeFrom(from: RegistryStorage, path: string, removal: Removal): Promise<boolean> {
    if (removal.kind === 'manifest') return await from.deleteManifest(path, removal.digest)
    const isGone = await from.deleteTag(path, removal.tag)
    const left: readonly string[] = await from.tagsOf(path, removal.digest)
    if (inventory.deletes.lastTagDeletesManifest && left.length === 0)
      await from.deleteManifest(path, removal.digest)
    return isGone
  }
}

/** The digest of each removal of a manifest, or the tag. */
export function namesOf(
  requests: readonly (readonly Removal[])[],
): readonly (readonly (Digest | string)[])[] {
  return requests.map((batch) => batch.map((one) => (one.kind === 'tag' ? one.tag : one.digest)))
}
