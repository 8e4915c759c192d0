import { onTestFinished } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import type { AccessOptions } from '../../../src/embedded/access/permissions.ts'
import { startRegistry } from '../../../src/embedded/server.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { StoredManifest } from '../../../src/embedded/storage/storage.ts'
import { vendorImitations } from '../../../src/embedded/vendors/load-vendor.ts'
import type { VendorName, VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import type { VendorRecords } from '../../../src/embedded/vendors/vendor-records.ts'
import type { Inventory } from '../../../src/images/inventory/inventory.ts'
import { type InventorySnapshot, readInventory } from '../../../src/images/inventory/inventory-snapshot.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { type InventorySettings, openInventories } from '../../../src/registry/open-inventories.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { newCall } from '../client/world.ts'

export interface ImitatedOptions {
  readonly vendorOptions?: VendorOptions
  readonly auth?: AccessOptions
  readonly credential?: Credential | (() => Credential)
  readonly clock?: Clock
  /** over `kind` and `api` of the imitation */
  readonly settings?: InventorySettings
  readonly env?: Readonly<Record<string, string>>
  readonly onRequest?: (entry: AccessEntry) => void
}

/** An embedded registry that imitates a vendor, and the inventory that reads it over HTTP. */
export async function imitatedVendor(vendor: VendorName, options: ImitatedOptions = {}) {
  const { vendorOptions, auth, clock = leapingClock() } = options
  const storage = memoryStorage()
  const log: AccessEntry[] = []
  const imitation = await vendorImitations[vendor]?.()
  const running = await startRegistry({
    storage,
    clock,
    ...(imitation !== undefined && { vendor: imitation }),
    ...(vendorOptions !== undefined && { vendorOptions }),
    ...(auth !== undefined && { auth }),
    onRequest: (entry) => {
      log.push(entry)
      options.onRequest?.(entry)
    },
  })
  onTestFinished(() => running.close())
  const host = running.registry
  const inventory = await openInventory(host, vendor, { ...options, clock })
  const name = (path: string) => ({ registry: host, path })
  return {
    host,
    log,
    inventory,
    storage,
    records: running.records as VendorRecords,
    clock,
    name,
    /** `METHOD path?query status` of each request */
    requests: () =>
      log.map(({ method, path, query, status }) => {
        const text = query.toString()
        return `${method} ${path}${text === '' ? '' : `?${text}`} ${status}`
      }),
    read: (path: string): Promise<InventorySnapshot> => readInventory(inventory, name(path), newCall()),
    /** Stores manifests without their blobs, each with its tags. */
    store: async (path: string, manifest: StoredManifest, ...tags: string[]): Promise<Digest> => {
      await storage.putManifest(path, manifest, tags)
      return manifest.digest
    },
  }
}

/** Opens the inventory of a registry with the real HTTP stack. */
export async function openInventory(
  host: string,
  kind: VendorName,
  { credential, settings, env = {}, clock = leapingClock() }: ImitatedOptions = {},
): Promise<Inventory> {
  const stack = createFetch({
    settings: new Map(),
    credentials: async (registry) => {
      if (registry !== host) return undefined
      return typeof credential === 'function' ? credential() : credential
    },
    userAgent: 'test',
    clock,
    random: () => 0,
  })
  onTestFinished(() => stack.close())
  const ofHost = { kind, api: `http://${host}`, ...settings }
  const opened = openInventories({
    stack,
    settings: (registry) => (registry === host ? ofHost : undefined),
    env,
    clock,
    random: () => 0,
    resolveTag: () => Promise.reject(new Error('not used')),
  })
  const inventory = await opened.inventory(host)
  if (inventory === undefined) throw new Error(`no inventory of ${kind}`)
  return inventory
}

/** The manifest of an image of one layer, without the blobs. */
export function imageManifest(seed: string, more: object = {}): StoredManifest {
  const config = { mediaType: mediaTypes.config, digest: digestOf(`config ${seed}`), size: 100 }
  const layer = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: digestOf(`layer ${seed}`),
    size: 1000,
  }
  return stored({ mediaType: mediaTypes.manifest, config, layers: [layer], ...more })
}

export function indexManifest(...children: readonly StoredManifest[]): StoredManifest {
  const manifests = children.map(({ mediaType, digest, bytes }) => ({
    mediaType,
    digest,
    size: bytes.byteLength,
  }))
  return stored({ mediaType: mediaTypes.index, manifests })
}

function stored(manifest: { readonly mediaType: string } & Record<string, unknown>): StoredManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...manifest }))
  return { mediaType: manifest.mediaType, digest: digestOf(bytes), bytes }
}
