import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { type InventorySnapshot, readInventory } from '../../../src/images/inventory/inventory-snapshot.ts'
import type {
  Inventory,
  InventoryDeletes,
  InventoryEntry,
  InventoryKnowledge,
} from '../../../src/images/inventory/inventory.ts'
import type { ContentStore } from '../../../src/images/cache/content-store.ts'
import type { Rule } from '../../../src/config/retention/policy.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { decideFrom, type RepositoryDecision } from '../../../src/usecases/prune/decide-repository.ts'
import { type Evaluation, evaluatePolicy } from '../../../src/usecases/prune/evaluate.ts'
import { gather, type PruneGatherOptions } from '../../../src/usecases/prune/gather.ts'
import type { InventoryReading } from '../../../src/usecases/prune/inventory/obstacles.ts'
import { explain } from '../../../src/usecases/prune/policy/explain.ts'
import type { Explanation } from '../../../src/usecases/prune/policy/explanation.ts'
import type { RepositoryPolicy } from '../../../src/usecases/prune/policy/policy.ts'
import type { PruneRequest, RepositorySnapshot } from '../../../src/usecases/prune/snapshot.ts'
import type { Content } from '../images.ts'
import { startPruneRegistry } from '../prune-registry.ts'

export const now: number = Date.parse('2026-06-01T00:00:00Z')
export const dayMs = 86_400_000

/** A registry whose manifests an inventory lists. By default, all were pushed 100 days ago. */
export interface ListedWorld {
  /** Pushes content with the facts of its root, and tags the root. */
  put(content: Content, options?: PutOptions): Digest
  /** the facts of entries beside their digests and tags */
  readonly facts: Map<Digest, Partial<InventoryEntry>>
  readonly storage: RegistryStorage
  /** Reads the inventory, then the repository, and decides. */
  readonly plan: (rules: readonly Rule[], options?: PlanOptions) => Promise<ListedPlan>
  /** the requests of the OCI API by `METHOD kind`, since the last plan began */
  counts(): Readonly<Record<string, number>>
  after(matches: (entry: AccessEntry) => boolean, act: () => void): void
}

interface PutOptions {
  readonly tags?: readonly string[]
  /** days since the push of all its manifests */
  readonly pushed?: number
  /** days since the last pull of its root */
  readonly pulled?: number | 'never'
  readonly name?: string
}

export interface PlanOptions
  extends Partial<PruneGatherOptions>, Partial<Pick<PruneRequest, 'inUse' | 'orphaned'>> {
  readonly knows?: Partial<InventoryKnowledge>
  readonly deletes?: Partial<InventoryDeletes>
  readonly protect?: RepositoryPolicy['protect']
  readonly timeFrom?: RepositoryPolicy['timeFrom']
  /** changes the repository between the inventory and the other reads */
  readonly between?: () => void | Promise<void>
  readonly change?: (snapshot: InventorySnapshot) => InventorySnapshot
  readonly reading?: InventoryReading
}

export interface ListedPlan {
  readonly decision: RepositoryDecision
  readonly snapshot: RepositorySnapshot
  readonly evaluation: Evaluation
  /** names of the deleted manifests and `:tag` of the deleted tags */
  readonly deleted: readonly string[]
  readonly warnings: readonly string[]
  readonly explain: (at: string) => Explanation
}

/** Starts a registry. It is closed after the test. */
export async function listedWorld(): Promise<ListedWorld> {
  const world = await startPruneRegistry()
  const { registry, run, storage, repository } = world
  const facts = new Map<Digest, Partial<InventoryEntry>>()
  const names = new Map<string, string>()
  const digestOf = (name: string): Digest =>
    [...names].flatMap(([digest, own]) => (own === name ? [parseDigest(digest)] : []))[0] ?? parseDigest(name)
  return {
    facts,
    storage,
    put: (content, { tags = [], pushed = 100.5, pulled, name = tags[0] } = {}) => {
      const root = world.put(content, ...tags)
      for (const { descriptor } of content.manifests) {
        const digest = parseDigest(descriptor.digest)
        const known = facts.get(digest)
        facts.set(digest, { mediaType: descriptor.mediaType, pushedAt: now - pushed * dayMs, ...known })
      }
      if (name !== undefined) names.set(root, name)
      const pulledAt = typeof pulled === 'number' ? now - pulled * dayMs : pulled
      facts.set(root, { ...facts.get(root), ...(pulledAt !== undefined && { pulledAt }) })
      return root
    },
    plan: async (rules, options = {}) => {
      const { knows, deletes, protect = [], timeFrom = ['pushed'], between, change, reading } = options
      const { inUse = [], orphaned = [], ...rest } = options
      const inventory = literalInventory(storage, facts, knows, deletes)
      const listed = await readInventory(inventory, repository, run.call)
      await between?.()
      registry.forget()
      const policy: RepositoryPolicy = { protect, rules, limits: {}, timeFrom, reading: plainReading }
      const { snapshot } = await gather(
        run.freshStores().source(repository),
        { repository, image: 'dev/api', inUse, orphaned },
        {
          ...rest,
          policy,
          now: () => now,
          inventory: reading ?? { kind: 'read', snapshot: change === undefined ? listed : change(listed) },
        },
        run.call,
      )
      const evaluation = evaluatePolicy(snapshot, policy)
      const decision = decideFrom(evaluation)
      const { steps } = decision.plan
      return {
        decision,
        snapshot,
        evaluation,
        warnings: decision.warnings,
        deleted: steps
          .map((step) =>
            step.kind === 'deleteTag'
              ? `:${step.tag}`
              : (names.get(step.target.digest) ?? step.target.digest),
          )
          .toSorted(),
        explain: (at) =>
          explain(evaluation, policy, snapshot.graph.tags.has(at) ? { tag: at } : { digest: digestOf(at) }),
      }
    },
    counts: () => {
      const kinds = registry.requests.map(({ method, kind }) => `${method} ${kind}`)
      return Object.fromEntries(
        [...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => [kind, all.length]),
      )
    },
    after: (matches, act) => world.after(matches, act),
  }
}

/** An inventory of the manifests in a storage. */
function literalInventory(
  storage: RegistryStorage,
  facts: ReadonlyMap<Digest, Partial<InventoryEntry>>,
  knows: Partial<InventoryKnowledge> = {},
  deletes: Partial<InventoryDeletes> = {},
): Inventory {
  return {
    kind: 'harbor',
    name: 'The Vendor',
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: 'no',
      size: 'no',
      children: false,
      locks: true,
      ...knows,
    },
    deletes: { manifests: 1, tags: 'no', lastTagDeletesManifest: false, restorable: false, ...deletes },
    entries: async function* ({ path }) {
      for await (const { digest } of storage.manifests(path)) {
        const tags = (await storage.tagsOf(path, digest)).map((name) => ({ name }))
        yield { digest, tags, ...facts.get(digest) }
      }
    },
  }
}

/** Keeps content from run to run. */
export function memoryContents(): ContentStore {
  const kept = new Map<Digest, Uint8Array>()
  return {
    get: async (digest) => await Promise.resolve(kept.get(digest)),
    put: async (digest, bytes) => {
      await Promise.resolve()
      kept.set(digest, bytes)
    },
    flush: () => Promise.resolve(),
  }
}
