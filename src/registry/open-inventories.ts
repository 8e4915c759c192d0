import type { Inventories, Inventory, InventoryKind } from '../images/inventory/inventory.ts'
import type { Clock } from '../lib/clock.ts'
import { DrayError } from '../lib/errors.ts'
import { withoutUsualPort } from '../oci/registry-host.ts'
import type { FetchStack } from './http/stack.ts'
import { settingLine } from './http/transport/origins.ts'
import { type KnownVendor, vendorOfHost, vendorOfKind } from './known-vendors.ts'
import type { ApiSettings } from './vendors/api/api-access.ts'
import { vendorInventories } from './vendors/load-inventory.ts'
import type { VendorApi } from './vendors/vendor-api.ts'

/** The settings of a registry in dray.yaml that decide about its inventory. */
export interface InventorySettings extends ApiSettings {
  readonly kind?: InventoryKind | 'none'
  /** allows plain http to the host */
  readonly insecure?: boolean
}

export interface InventoriesOptions {
  readonly stack: FetchStack
  /** Returns the settings of a registry or of another host in its normal form. */
  readonly settings: (host: string) => InventorySettings | undefined
  /** Resolves a tag through the OCI API; undefined if it does not exist. */
  readonly resolveTag: VendorApi['resolveTag']
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** uniform in [0, 1) */
  readonly random: () => number
}

/** Opens the inventories of one run. The code of a vendor is loaded for a registry of its kind. */
export function openInventories(options: InventoriesOptions): Inventories {
  const opened = new Map<string, Promise<Inventory | undefined>>()
  return {
    inventory: async (registry) => {
      const known = opened.get(registry) ?? open(registry, options)
      opened.set(registry, known)
      return await known
    },
  }
}

/**
 * Returns the vendor of a registry: the one of dray.yaml, otherwise the one of the host. Undefined:
 * dray.yaml switches it off, or dray knows none for the host.
 * @throws `config` for settings of an API without a vendor.
 */
export function vendorOf(registry: string, settings: InventorySettings = {}): KnownVendor | undefined {
  const { kind, api, tokenEnv } = settings
  if (kind === 'none') return undefined
  const vendor = kind === undefined ? vendorOfHost(withoutUsualPort(registry)) : vendorOfKind(kind)
  const unused = api !== undefined ? 'api' : tokenEnv !== undefined ? 'tokenEnv' : undefined
  if (vendor !== undefined || unused === undefined) return vendor
  throw new DrayError('config', `registries.${registry}.${unused} needs the vendor of ${registry}`, {
    subject: registry,
    why: 'dray does not know the vendor of this host',
    hint: `Name it: ${settingLine(registry, 'kind: harbor')}`,
  })
}

async function open(registry: string, options: InventoriesOptions): Promise<Inventory | undefined> {
  const { settings: settingsOf, stack } = options
  const settings = settingsOf(registry) ?? {}
  const vendor = vendorOf(registry, settings)
  const load = vendor && vendorInventories[vendor.kind]
  if (vendor === undefined || load === undefined) return undefined
  const [create, { createVendorApi }, { checkInventory }] = await Promise.all([
    load(),
    import('./vendors/api/create-vendor-api.ts'),
    import('./vendors/api/check-inventory.ts'),
  ])
  const isInsecure = (host: string): boolean => settingsOf(host)?.insecure === true
  const api = createVendorApi({ ...options, registry, vendor, settings, isInsecure })
  return checkInventory(create(api), stack.secrets)
}
