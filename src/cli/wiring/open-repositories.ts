import type { Config } from '../../config/config.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import type { Repositories, RepositoryLister, SourceRepository } from '../../images/ports.ts'
import { LayoutRepositories } from '../../layout/layout-repositories.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { MachineLocks } from '../../lib/files/machine-locks.ts'
import { bundleRegistry, layoutRegistry, type RepositoryName } from '../../oci/reference.ts'
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

/** All repositories of a run. */
export interface AllRepositories extends Repositories, RepositoryLister {
  /** Reads the images of a bundle (`bundle:`) by these repositories. */
  openBundle(bundle: { source(name: RepositoryName): SourceRepository }): void
}

/** Opens repositories of registries over HTTP and of layouts (`oci:`) on disk. */
export function openAllRepositories({
  config,
  stack,
  cwd,
  clock,
  keepsReserves,
  locks: openLocks,
}: OpenOptions): AllRepositories {
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
  let bundle: Pick<Repositories, 'source'> | undefined
  return {
    openBundle: (opened) => (bundle = opened),
    source: (name) =>
      name.registry === bundleRegistry && bundle !== undefined
        ? bundle.source(name)
        : adapterOf(name).source(name),
    target: (name) => adapterOf(name).target(name),
    repositories: (registry, call) => registries.repositories(registry, call),
  }
}
