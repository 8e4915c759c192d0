import { onTestFinished } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { type RunningRegistry, type ServerOptions, startRegistry } from '../../../src/embedded/server.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { vendorImitations } from '../../../src/embedded/vendors/load-vendor.ts'
import type { VendorName } from '../../../src/embedded/vendors/vendor.ts'
import type { VendorRecords } from '../../../src/embedded/vendors/vendor-records.ts'
import type { Inventory, InventoryEntry, Removal } from '../../../src/images/inventory/inventory.ts'
import type { InventorySnapshot } from '../../../src/images/inventory/inventory-snapshot.ts'
import { readInventory } from '../../../src/images/inventory/inventory-snapshot.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import type { CredentialSource } from '../../../src/registry/credential.ts'
import { createFetch, type FetchStack } from '../../../src/registry/http/stack.ts'
import { type InventorySettings, openInventories } from '../../../src/registry/open-inventories.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import { type NotedCall, notedCall } from '../http-world.ts'
import type { Content } from '../images.ts'
import { leapingClock } from '../manual-clock.ts'

export interface VendorWorldOptions extends Omit<ServerOptions, 'vendor' | 'storage' | 'clock'> {
  /** settings of the registry besides its kind and its API */
  readonly settings?: InventorySettings
  readonly credentials?: CredentialSource
  readonly env?: Readonly<Record<string, string>>
  /** of the registry and of dray; by default every wait advances it at once */
  readonly clock?: Clock
  /** of the repository; by default `team/api` */
  readonly path?: string
}

/** A registry with the API of a vendor, and its inventory through the HTTP stack. */
export interface VendorWorld {
  readonly registry: RunningRegistry
  readonly repository: RepositoryName
  readonly storage: RegistryStorage
  readonly records: VendorRecords
  readonly inventory: Inventory
  readonly stack: FetchStack
  readonly clock: Clock
  readonly call: NotedCall
  /** all answered requests */
  readonly requests: readonly AccessEntry[]
  /** Puts manifests without their blobs, pushed now, and tags the root. */
  put(content: Content, ...tags: readonly string[]): Promise<Digest>
  /** Reads the whole inventory of the repository. */
  read(): Promise<InventorySnapshot>
  /** Calls `act` after the `nth` matching request. */
  after(matches: (entry: AccessEntry) => boolean, act: () => void, nth?: number): void
  /** Removes through the API. Returns the results, with the text of a refusal. */
  remove(...batch: readonly Removal[]): Promise<readonly string[]>
  /** Returns the digests that the registry still has. */
  remaining(): Promise<readonly Digest[]>
}

/** Starts a registry with the API of a vendor. It is closed after the test. */
export async function vendorWorld(kind: VendorName, options: VendorWorldOptions = {}): Promise<VendorWorld> {
  const { settings, credentials = async () => undefined, env = {}, path = 'team/api', ...server } = options
  const clock = options.clock ?? leapingClock()
  const storage = memoryStorage()
  const requests: AccessEntry[] = []
  const hooks = new Set<(entry: AccessEntry) => void>()
  const vendor = await vendorImitations[kind]?.()
  if (vendor === undefined) throw new Error(`no imitation of ${kind}`)
  const onRequest = (entry: AccessEntry): void => {
    requests.push(entry)
    server.onRequest?.(entry)
    for (const hook of hooks) hook(entry)
  }
  const registry = await startRegistry({ ...server, vendor, storage, clock, onRequest })
  const random = (): number => 0
  const stack = createFetch({ settings: new Map(), credentials, userAgent: 'dray/test', clock, random })
  onTestFinished(async () => {
    await stack.close()
    await registry.close()
  })
  const { records } = registry
  if (records === undefined) throw new Error('the registry has no records')
  const { fetch, secrets } = stack
  const origin = (of: string): URL => stack.origin(of)
  const takeRetry = (of: string): boolean => stack.takeRetry(of)
  const repositories = openRepositories({ fetch, origin, clock, random, takeRetry, secrets })
  const api = `http://${registry.registry}`
  const inventories = openInventories({
    stack,
    settings: (host) => (host === registry.registry ? { kind, api, ...settings } : undefined),
    resolveTag: async (of, tag, call) => (await repositories.source(of).resolve({ tag }, call))?.digest,
    env,
    clock,
    random,
  })
  const inventory = await inventories.inventory(registry.registry)
  if (inventory === undefined) throw new Error(`no inventory of ${kind}`)
  const repository = { registry: registry.registry, path }
  const call = notedCall()
  return {
    registry,
    repository,
    storage,
    records,
    inventory,
    stack,
    clock,
    call,
    requests,
    put: (content, ...tags) => put(content, tags, { storage, records, path, now: clock.now() }),
    read: () => readInventory(inventory, repository, call),
    after: (matches, act, nth = 1) => hooks.add(afterNth(matches, act, nth)),
    remove: async (...batch) => {
      const outcomes = await Array.fromAsync(inventory.remove?.(repository, batch, call) ?? [])
      return outcomes.map((outcome) =>
        outcome.result === 'protected' ? `protected: ${outcome.text}` : outcome.result,
      )
    },
    remaining: async () =>
      (await Array.fromAsync(storage.manifests(path))).map(({ digest }) => digest).toSorted(),
  }
}

/** Formats entries without times, to compare them in one line each. */
export function shownEntries({ entries }: InventorySnapshot): readonly string[] {
  const shown = ({ digest, tags, subject, children }: InventoryEntry): string =>
    [
      digest.slice(7, 19),
      ...(tags.length > 0
        ? [
            tags
              .map(({ name }) => name)
              .toSorted()
              .join(),
          ]
        : []),
      ...(subject === undefined ? [] : [`of ${subject.slice(7, 19)}`]),
      ...(children === undefined ? [] : [`children ${children.length}`]),
    ].join(' ')
  return [...entries.values()].map(shown).toSorted()
}

interface PutOptions {
  readonly storage: RegistryStorage
  readonly records: VendorRecords
  readonly path: string
  readonly now: number
}

async function put(
  content: Content,
  tags: readonly string[],
  { storage, records, path, now }: PutOptions,
): Promise<Digest> {
  for (const { descriptor, bytes, tag, subject } of content.manifests) {
    const digest = parseDigest(descriptor.digest)
    const own = [
      ...(descriptor.digest === content.root.digest ? tags : []),
      ...(tag === undefined ? [] : [tag]),
    ]
    const { mediaType, size } = descriptor
    const entry = { mediaType, digest, size }
    const refers = subject === undefined ? {} : { refers: { subject: parseDigest(subject), entry } }
    await storage.putManifest(path, { mediaType, digest, bytes, ...refers }, own)
    records.pushed(path, digest, own, now)
  }
  return parseDigest(content.root.digest)
}

function afterNth(
  matches: (entry: AccessEntry) => boolean,
  act: () => void,
  nth: number,
): (entry: AccessEntry) => void {
  let count = 0
  return (entry) => {
    if (matches(entry) && ++count === nth) act()
  }
}
