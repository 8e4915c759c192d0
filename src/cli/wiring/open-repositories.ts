import type { Config } from '../../config/config.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import type { RepositoryLister, Repositories } from '../../images/ports.ts'
import { LayoutRepositories } from '../../layout/layout-repositories.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { MachineLocks } from '../../lib/files/machine-locks.ts'
import { layoutRegistry, type RepositoryName } from '../../oci/reference.ts'
import type { FetchStack } from '../../registry/http/stack.ts'
import { openRepositories } from '../../registry/open-repositories.ts'

interface OpenOptions {
  readonly config: Config
  readonly stack: FetchStack
  readonly cwd: string
  readonly clock: Clock
  /** whether the run leaves the `reservePulls` of registries for others */
  readonly keepsReserves?: boolean
  readonly locks: (call: Call) => Promise<MachineLocks | undefined>
}

/** Opens repositories of registries over HTTP and of layouts (`oci:`) on disk. */
export function openAllRepositories({
  config,
  stack,
  cwd,
  clock,
  keepsReserves,
  locks: openLocks,
}: OpenOptions): Repositories & RepositoryLister {
  const names = new RegistryNames(config.registries)
  const registries = openRepositories({
    fetch: stack.fetch,
    origin: (registry) => stack.origin(registry),
    clock,
    random: Math.random,
    ...(keepsReserves === true && { reservedPulls: (host) => config.registries.get(host)?.reservePulls }),
    takeRetry: (registry) => stack.takeRetry(registry),
    exclusively: async (name, call, work) => {
      const locks = await openLocks(call)
      return locks === undefined ? await work() : await locks.run(names.lockName(name), call.signal, work)
    },
    secrets: stack.secrets,
    speaksTls: (registry, call) => stack.speaksTls(registry, call),
  })
  const layouts = new LayoutRepositories(cwd, clock)
  const adapterOf = ({ registry }: RepositoryName): Repositories =>
    registry === layoutRegistry ? layouts : registries
  return {
    source: (name) => adapterOf(name).source(name),
    target: (name) => adapterOf(name).target(name),
    repositories: (registry, call) => registries.repositories(registry, call),
  }
}
