import { readInventory } from '../../../images/inventory/inventory-snapshot.ts'
import type { Inventory } from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { type DrayError, toDrayError } from '../../../lib/errors.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { InventoryReading } from '../../../usecases/prune/inventory/obstacles.ts'
import type { Context } from '../../wiring/context.ts'
import { growHeapSlowly } from '../../wiring/small-heap.ts'

/** A smaller repository needs little memory anyway. */
const manyManifests = 20_000

/** The inventories of the registries of a run. */
export class RunInventories {
  readonly #context: Pick<Context, 'inventory'>
  /** by registry: the messages that were reported */
  readonly #reported = new Set<string>()

  constructor(context: Pick<Context, 'inventory'>) {
    this.#context = context
  }

  /**
   * Reads the inventory of a repository, if there is one. If it cannot be read, dray warns once for
   * each registry and cause, and lists the tags through the OCI API. A missing token is no warning
   * unless `isNeeded`: the inventory would only save requests, and a rule that needs it is refused.
   * @throws `config` for wrong settings of the registry; the signal's reason.
   */
  async read(repository: RepositoryName, isNeeded: boolean, call: Call): Promise<InventoryReading> {
    const inventory = await this.#context.inventory(repository.registry)
    if (inventory === undefined) return { kind: 'none' }
    try {
      const snapshot = await readInventory(inventory, repository, call)
      if (snapshot.entries.size > manyManifests) growHeapSlowly()
      return { kind: 'read', snapshot }
    } catch (thrown) {
      call.signal.throwIfAborted()
      const error = toDrayError(thrown)
      // A repository that does not exist has no tags either.
      const isQuiet = error.code === 'not-found' || (!isNeeded && isMissingToken(error, repository))
      this.#report(inventory, repository, error, isQuiet ? 'note' : 'warning', call)
      return { kind: 'unread', name: inventory.name, error }
    }
  }

  #report(
    inventory: Inventory,
    { registry }: RepositoryName,
    error: DrayError,
    kind: 'note' | 'warning',
    { notify }: Call,
  ): void {
    const { code, message, why, hint } = error
    // The paths of repositories differ in messages of one cause.
    const key = `${registry} ${code}`
    if (this.#reported.has(key)) return
    this.#reported.add(key)
    const cause = [message, ...(why === undefined ? [] : [why])].join(': ')
    const fix = hint === undefined ? '' : ` ${hint}`
    notify({
      kind,
      text: `dray cannot read the inventory of ${inventory.name} at ${registry}, and lists the tags through the OCI API: ${cause}.${fix}`,
    })
  }
}

/** The error for a token that dray does not have is about the registry, and not a repository. */
function isMissingToken({ code, subject }: DrayError, { registry }: RepositoryName): boolean {
  return code === 'unauthorized' && subject === registry
}
