import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { RegistryOrRepository } from '../../config/resolver/resolve-registry.ts'
import { runCheck } from '../../images/registry-facts.ts'
import type { InventoryKind } from '../../images/inventory/inventory.ts'
import { vendorOf } from '../../registry/open-inventories.ts'
import { type KnownVendor, vendorOfKind } from '../../registry/known-vendors.ts'
import type { InventoryDiagnosis } from '../../usecases/views/inventory/diagnose-inventory.ts'
import type { VendorFacts } from '../../usecases/views/inventory/vendor-finding.ts'
import type { Context } from '../wiring/context.ts'

/**
 * Returns what dray knows about the vendor's API of a registry. Sends no request.
 * @param hasCredentials whether dray has credentials for the registry
 * @param suggested the vendor that the challenge shows
 */
export async function vendorFactsOf(
  registry: string,
  hasCredentials: boolean,
  suggested: InventoryKind | undefined,
  context: Context,
): Promise<VendorFacts> {
  const { config } = await context.config()
  const settings = config.registries.get(registry)
  const base = { registry, isOff: settings?.kind === 'none', token: 'absent' } as const
  let vendor: KnownVendor | undefined
  try {
    vendor = vendorOf(registry, settings)
  } catch (error) {
    if (!isDrayError(error)) throw error
    return { ...base, vendor: { error: toErrorInfo(error) } }
  }
  if (vendor !== undefined) {
    const { tokenEnv } = settings ?? {}
    const isPresent = tokenEnv === undefined ? hasCredentials : (context.env[tokenEnv] ?? '') !== ''
    const token = vendor.api === 'signed' ? 'signed' : isPresent ? 'present' : 'absent'
    return { ...base, vendor, token, needs: vendor.token }
  }
  const shown = suggested && vendorOfKind(suggested)
  return { ...base, ...(shown !== undefined && { suggested: shown }) }
}

/**
 * Compares the vendor's list of a repository with the OCI API. Sends only reads.
 * @param hasNames shows names of hosts, repositories and tags
 * @throws `usage` without a repository or a vendor; `config`; the signal's reason
 */
export async function examineInventory(
  { registry, path }: RegistryOrRepository,
  hasNames: boolean,
  context: Context,
  call: Call,
): Promise<InventoryDiagnosis> {
  if (path === undefined) throw noRepository(registry)
  const [{ config }, inventory] = await Promise.all([context.config(), context.inventory(registry)])
  const vendor = vendorOf(registry, config.registries.get(registry))
  if (inventory === undefined || vendor === undefined) throw noVendor(registry)
  const [{ compareLists }, { diagnoseInventory }] = await Promise.all([
    import('../../usecases/views/inventory/compare-lists.ts'),
    import('../../usecases/views/inventory/diagnose-inventory.ts'),
  ])
  const repository = { registry, path }
  const store = (await context.stores()).source(repository)
  const lists = await runCheck(call, () => compareLists(store, inventory, context.clock, call))
  return diagnoseInventory(
    {
      inventory,
      token: vendor.token,
      tool: context.version,
      repository: formatRepository(repository),
      lists,
      hasNames,
    },
    context.clock.now(),
  )
}

function noRepository(registry: string): DrayError {
  return new DrayError('usage', '--inventory needs a repository', {
    hint: `Name one: dray doctor ${registry}/REPOSITORY --inventory`,
  })
}

function noVendor(registry: string): DrayError {
  return new DrayError('usage', `dray knows no API of the vendor of ${registry}`, {
    hint: `Name the vendor in dray.yaml: registries: { "${registry}": { kind: harbor } }. To see which one it may be: dray doctor ${registry}`,
  })
}
