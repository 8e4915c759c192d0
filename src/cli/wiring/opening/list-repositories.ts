import type { Inventory } from '../../../images/inventory/inventory.ts'
import type { RepositoryLister } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import { formatCause, isDrayError } from '../../../lib/errors.ts'

/** The part of a registry whose repositories are needed. */
interface RepositoriesOf {
  readonly registry: string
  /** how their paths begin */
  readonly prefix: string
}

/**
 * Returns the paths of the repositories of a registry, at least all those that begin with `prefix`:
 * by the vendor's API if it lists them, because many vendors have no catalog. The catalog is used
 * if that fails, for example because a token is missing.
 * @throws the error of the vendor's API if both fail.
 */
export async function listRepositories(
  inventory: Inventory | undefined,
  catalogs: RepositoryLister,
  { registry, prefix }: RepositoriesOf,
  call: Call,
): Promise<readonly string[]> {
  if (inventory?.repositories === undefined)
    return await Array.fromAsync(catalogs.repositories(registry, call))
  try {
    return await Array.fromAsync(inventory.repositories(prefix, call))
  } catch (error) {
    call.signal.throwIfAborted()
    if (!isDrayError(error)) throw error
    call.notify({ kind: 'note', text: `${formatCause(error)}; dray reads the catalog instead` })
    try {
      return await Array.fromAsync(catalogs.repositories(registry, call))
    } catch {
      call.signal.throwIfAborted()
      throw error
    }
  }
}
