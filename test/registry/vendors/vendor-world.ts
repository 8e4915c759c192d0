import { onTestFinished } from 'vitest'
import type { AccessOptions } from '../../../src/embedded/access/permissions.ts'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { startRegistry } from '../../../src/embedded/server.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { VendorImitation, VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import type { Inventory, InventoryEntry, InventoryKind } from '../../../src/images/inventory/inventory.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Digest, digestOf, parseDigest } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { type InventorySettings, openInventories } from '../../../src/registry/open-inventories.ts'
import { notedCall } from '../../support/http-world.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { send } from '../../embedded/http.ts'

export interface VendorWorldOptions {
  readonly kind: InventoryKind
  readonly vendor: VendorImitation
  readonly options?: VendorOptions
  readonly auth?: AccessOptions
  /** the credentials of the registry; by default none */
  readonly credential?: Credential
  /** settings that differ: by default the API has the origin of the registry */
  readonly settings?: Omit<InventorySettings, 'kind'>
  readonly env?: Readonly<Record<string, string>>
  /** of another world that has the API */
  readonly clock?: ManualClock
  /** Starts a proxy in front of the registry, through which all requests of dray go. */
  readonly proxy?: (registry: string) => Promise<string>
  /** is called when the answer to a request is complete, before it is sent */
  readonly onRequest?: (entry: AccessEntry) => void
}

/**
 * An embedded registry that imitates a vendor, and the inventory of it through the whole HTTP
 * stack. Waits of the stack advance the clock of both.
 */
export async function vendorWorld(world: VendorWorldOptions) {
  const clock = world.clock ?? manualClock()
  const storage = memoryStorage()
  const log: AccessEntry[] = []
  const running = await startRegistry({
    storage,
    clock,
    vendor: world.vendor,
    ...(world.options !== undefined && { vendorOptions: world.options }),
    ...(world.auth !== undefined && { auth: world.auth }),
    onRequest: (entry) => {
      log.push(entry)
      world.onRequest?.(entry)
    },
  })
  onTestFinished(() => running.close())
  const { records } = running
  const registry = (await world.proxy?.(running.registry)) ?? running.registry
  if (records === undefined) throw new DrayError('internal', 'no vendor is imitated')
  const opened = await openInventory(registry, running.registry, clock, world)

  /** Stores a manifest as an OCI client that pushed it now. */
  const push = async (repository: string, body: object, ...tags: readonly string[]): Promise<Digest> => {
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, ...body }
    const bytes = Buffer.from(JSON.stringify(manifest))
    const digest = digestOf(bytes)
    await storage.putManifest(repository, { mediaType: manifest.mediaType, digest, bytes }, tags)
    records.pushed(repository, digest, tags, clock.now())
    return digest
  }
  const repositoryOf = (path: string): RepositoryName => ({ registry, path })
  const entries = async (path: string): Promise<readonly InventoryEntry[]> =>
    await Array.fromAsync(opened.inventory.entries(repositoryOf(path), notedCall()))
  return { ...opened, registry, clock, storage, records, log, push, repositoryOf, entries }
}

/** The manifest of an image with a config and a layer; `content` makes it unique. */
export function imageManifest(content: string, more: object = {}): object {
  const config = { mediaType: mediaTypes.config, digest: digestOf(content), size: content.length }
  return { config, layers: [], ...more }
}

/** @param direct the registry without a proxy, which resolves tags as the OCI client does */
async function openInventory(
  registry: string,
  direct: string,
  clock: ManualClock,
  world: Pick<VendorWorldOptions, 'kind' | 'settings' | 'credential' | 'env'>,
): Promise<{ readonly inventory: Inventory; readonly naps: readonly number[] }> {
  const naps: number[] = []
  const stackClock = {
    now: () => clock.now(),
    sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted()
      naps.push(ms)
      await clock.advance(ms)
    },
  }
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => world.credential,
    userAgent: 'test',
    clock: stackClock,
    random: () => 0,
  })
  const settings: InventorySettings = { kind: world.kind, api: `http://${registry}`, ...world.settings }
  const inventories = openInventories({
    stack,
    settings: (host) => (host === registry ? settings : undefined),
    resolveTag: async ({ path }, tag) => {
      const { headers } = await send(direct, 'HEAD', `/v2/${path}/manifests/${tag}`)
      const digest = headers['docker-content-digest']
      return typeof digest === 'string' ? parseDigest(digest) : undefined
    },
    env: world.env ?? {},
    clock: stackClock,
    random: () => 0,
  })
  const inventory = await inventories.inventory(registry)
  if (inventory === undefined) throw new DrayError('internal', `no inventory of ${world.kind}`)
  return { inventory, naps }
}
