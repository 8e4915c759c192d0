import { onTestFinished, vi } from 'vitest'
import { createEcrImitation } from '../../../src/embedded/vendors/ecr.ts'
import type { ServerOptions } from '../../../src/embedded/server.ts'
import type { VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import type {
  Inventory,
  InventoryEntry,
  Removal,
  RemovalOutcome,
} from '../../../src/images/inventory/inventory.ts'
import { type DrayError, isDrayError } from '../../../src/lib/errors.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { type InventorySettings, openInventories } from '../../../src/registry/open-inventories.ts'
import type { Call } from '../../../src/lib/call.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { newCall } from '../client/world.ts'
import { started } from '../../embedded/http.ts'

/** A clock of a client that advances another one in place of sleeping. */
function hastyClock(time: ManualClock): Clock {
  return {
    now: () => time.now(),
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      await time.advance(ms)
    },
  }
}

/** The access key of tests. */
export const accessKey = { id: 'AKIDEXAMPLE000000001', secret: 'canary/secret+ACCESS/key0000000000000001' }

/** Sets the variables of AWS for one test, and hides the files and services of this machine. */
export function stubAws(variables: Readonly<Record<string, string | undefined>> = {}): void {
  const all = {
    AWS_ACCESS_KEY_ID: accessKey.id,
    AWS_SECRET_ACCESS_KEY: accessKey.secret,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    AWS_REGION: undefined,
    AWS_DEFAULT_REGION: undefined,
    AWS_ENDPOINT_URL: undefined,
    AWS_ENDPOINT_URL_ECR: undefined,
    AWS_CONFIG_FILE: '/nonexistent/config',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...variables,
  }
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
}

/** The inventory of a registry through the real HTTP stack. */
export async function inventoryAt(
  registry: string,
  settings: InventorySettings,
  time = manualClock(),
): Promise<Inventory> {
  const clock = hastyClock(time)
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => undefined,
    userAgent: 'dray/test',
    clock,
    random: () => 0.5,
  })
  onTestFinished(() => stack.close())
  const random = (): number => 0.5
  const resolveTag = async (): Promise<undefined> => undefined
  const inventories = openInventories({ stack, settings: () => settings, resolveTag, env: {}, clock, random })
  const inventory = await inventories.inventory(registry)
  if (inventory === undefined) throw new Error('no inventory')
  return inventory
}

/** An imitation of ECR and its inventory. */
export async function ecr(vendorOptions: VendorOptions = {}, options: ServerOptions = {}) {
  stubAws()
  const clock = manualClock()
  const server = await started({ vendor: createEcrImitation(), vendorOptions, clock, ...options })
  const { registry } = server
  const inventory = await inventoryAt(registry, { kind: 'ecr', api: `http://${registry}` }, clock)
  return { ...server, clock, inventory, name: (path: string) => ({ registry, path }) }
}

export async function entriesOf(
  inventory: Inventory,
  repository: { readonly registry: string; readonly path: string },
  call: Call = newCall(),
): Promise<readonly InventoryEntry[]> {
  return await Array.fromAsync(inventory.entries(repository, call))
}

/** The outcomes of a batch in the order of its removals: `removed`, `protected: TEXT`, … */
export async function outcomesOf(
  inventory: Inventory,
  repository: { readonly registry: string; readonly path: string },
  batch: readonly Removal[],
): Promise<readonly string[]> {
  const outcomes = await Array.fromAsync(inventory.remove?.(repository, batch, newCall()) ?? [])
  if (outcomes.length !== batch.length) throw new Error(`${outcomes.length} outcomes of ${batch.length}`)
  return batch.map((removal) => shown(outcomes.find((one) => one.removal === removal)))
}

function shown(outcome: RemovalOutcome | undefined): string {
  if (outcome?.result === 'protected') return `protected: ${outcome.text}`
  if (outcome?.result === 'failed') return `failed: ${String(outcome.error)}`
  return outcome?.result ?? 'missing'
}

/** The error of a promise that must be rejected. */
export async function errorOf(promise: Promise<unknown>): Promise<DrayError> {
  const error = await promise.then(
    () => 'no error',
    (thrown: unknown) => thrown,
  )
  if (isDrayError(error)) return error
  throw error
}

/** The status of each request of the API. */
export function operations(
  log: readonly { readonly method: string; readonly path: string; readonly status: number }[],
) {
  return log.filter(({ path }) => path === '/').map(({ status }) => status)
}
