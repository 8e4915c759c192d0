import type { Config } from '../../../config/config.ts'
import type { Inventories } from '../../../images/inventory/inventory.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { FetchStack } from '../../../registry/http/stack.ts'
import { openInventories } from '../../../registry/open-inventories.ts'

/** The inventories of a run, with the settings of `dray.yaml`. */
export function openAllInventories(
  { registries }: Config,
  stack: FetchStack,
  stores: Repositories,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Inventories {
  const settings = (host: string): ReturnType<typeof registries.get> => registries.get(host)
  return openInventories({
    stack,
    settings,
    resolveTag: async (repository, tag, call) =>
      (await stores.source(repository).resolve({ tag }, call))?.digest,
    env,
    clock,
    random: Math.random,
  })
}
