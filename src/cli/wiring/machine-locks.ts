import { realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import type { TagLocks } from '../../execute/tags/tag-locks.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { MachineLocks, removeAbandonedLocks } from '../../lib/files/machine-locks.ts'
import type { ProcessEnvironment, UserFolder } from '../../lib/files/user-folders.ts'
import { WriteTimes } from '../../lib/files/write-times.ts'
import { layoutRegistry, type RepositoryName } from '../../oci/reference.ts'
import { openOrWarn } from './open-or-warn.ts'
import { findSharedFolder, sharedFolders } from './private-folders.ts'

/** The files that the runs of this user on this machine share. */
export interface MachineFiles {
  readonly locks: MachineLocks
  readonly writes: WriteTimes
}

/**
 * Opens what the runs of this user on this machine share. Undefined, with a warning, if there is no
 * folder that others cannot write to: then a run does not wait for other runs.
 */
export function openMachineFiles(
  env: ProcessEnvironment,
  clock: Clock,
  call: Call,
  folders: readonly UserFolder[] = sharedFolders(env),
): MachineFiles | undefined {
  return openOrWarn('dray runs without locks between its runs', call, () => {
    const folder = findSharedFolder(folders)
    removeAbandonedLocks({ folder, clock })
    return { locks: new MachineLocks({ folder, clock }), writes: new WriteTimes(join(folder, 'writes')) }
  })
}

/**
 * The locks of tags.
 * @param cwd the base of relative layouts
 */
export function createTagLocks(files: MachineFiles, config: Config, cwd: string): TagLocks {
  const names = new RegistryNames(config.registries)
  const identify = (repository: RepositoryName): string =>
    repository.registry === layoutRegistry
      ? `${layoutRegistry}${realPath(resolve(cwd, repository.path))}`
      : names.identity(repository)
  return { ...files, nameOf: (repository, tag) => `tag ${identify(repository)}:${tag}` }
}

/** The path without links, or unchanged if it does not exist yet. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}
