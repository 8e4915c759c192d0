import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError, type ErrorCode, toDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import { deleteApiOf, type DeleteKind, requestSizeOf } from '../../../images/inventory/delete-api.ts'
import type { Inventory, Removal, RemovalOutcome } from '../../../images/inventory/inventory.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import type { TargetRepository } from '../../../images/ports.ts'
import { RemovalBatch } from './removal-batch.ts'

export interface DeleteApiPorts {
  readonly store: TargetRepository
  readonly clock: Clock
  /** of the registry; undefined: dray has none */
  readonly inventory: Inventory | undefined
  /** the list of this run, which has the handles. @throws what reading it throws */
  readonly listed: () => Promise<InventorySnapshot>
  readonly call: Call
}

/** The deletes of one step, through the OCI API or the vendor's. */
export interface StepApi {
  /** the API that the last request used: `oci`, or the kind of the inventory */
  readonly by: string | undefined
  /** Whether a manifest is deleted together with its tags. */
  takesTags(): boolean
  /** @throws as `Deleter` */
  deleteManifest(digest: Digest, beforeAttempt: BeforeAttempt): Promise<'deleted' | 'absent'>
  /** Deletes a tag alone. @throws as `Deleter` */
  deleteTag(tag: string, digest: Digest, beforeAttempt: BeforeAttempt): Promise<'deleted' | 'absent'>
  /** The step sends nothing more. */
  leave(): void
}

/** Failures that say nothing about the item: the OCI API may still delete it. */
const failuresOfApi: ReadonlySet<ErrorCode> = new Set([
  'unauthorized',
  'config',
  'unsupported',
  'network',
  'timeout',
  'unavailable',
])

/**
 * Chooses the API that deletes in one repository. The OCI API deletes if it can. The vendor's API
 * deletes if the OCI API does not, or if one request takes many items.
 */
export class DeleteApis {
  readonly #ports: DeleteApiPorts
  /** kinds for which the vendor's API failed before its first success */
  readonly #failed = new Set<DeleteKind>()
  readonly #proven = new Set<DeleteKind>()

  constructor(ports: DeleteApiPorts) {
    this.#ports = ports
  }

  /** The most deletes of one request. */
  batchSize(kind: DeleteKind): number {
    return this.usesVendor(kind) ? requestSizeOf(kind, this.#vendorFor(kind)) : 1
  }

  /** Whether the vendor's API gets the next delete of this kind. */
  usesVendor(kind: DeleteKind): boolean {
    return deleteApiOf(kind, this.#vendorFor(kind), this.#ports.store.capability(kind)) !== 'oci'
  }

  /**
   * Whether the registry deletes the manifest with its last tag, through any API (Gitea does so
   * through the OCI API).
   */
  get lastTagDeletesManifest(): boolean {
    return this.#ports.inventory?.deletes.lastTagDeletesManifest === true
  }

  /** Opens the deletes of a wave, one for each of its `count` steps. */
  openWave(kind: DeleteKind, count: number): () => StepApi {
    const { inventory, store, clock, call } = this.#ports
    const { repository } = store
    const batch =
      this.batchSize(kind) > 1 && inventory !== undefined
        ? new RemovalBatch(count, { inventory, repository, clock }, call)
        : undefined
    return () => this.#openStep(batch)
  }

  #openStep(batch: RemovalBatch | undefined): StepApi {
    let by: string | undefined
    let isInBatch = batch !== undefined
    const note = (api: string): void => void (by = api)
    const openBatch = (): RemovalBatch | undefined => {
      const own = isInBatch ? batch : undefined
      isInBatch = false
      return own
    }
    const leave = (): void => openBatch()?.leave()
    const { store, call } = this.#ports
    return {
      get by() {
        return by
      },
      takesTags: () => this.usesVendor('deleteManifest') || store.capability('deleteTagged') !== 'no',
      deleteManifest: async (digest, before) =>
        await this.#delete('deleteManifest', {
          note,
          oci: () => {
            leave()
            return store.deleteManifest(digest, call, before)
          },
          vendor: async () => {
            const removal = await this.#manifestRemoval(digest)
            return removal === undefined ? 'absent' : await this.#remove(removal, openBatch(), before)
          },
        }),
      deleteTag: async (tag, digest, before) =>
        await this.#delete('deleteTag', {
          note,
          oci: () => {
            leave()
            return store.deleteTag(tag, call, before)
          },
          vendor: () => this.#remove({ kind: 'tag', tag, digest }, openBatch(), before),
        }),
      leave,
    }
  }

  /** Deletes through one API, and through the other one if the first does not delete here. */
  async #delete(
    kind: DeleteKind,
    apis: {
      readonly note: (by: string) => void
      readonly oci: () => Promise<'deleted' | 'absent'>
      readonly vendor: () => Promise<'deleted' | 'absent'>
    },
  ): Promise<'deleted' | 'absent'> {
    const { store } = this.#ports
    const inventory = this.#vendorFor(kind)
    if (inventory !== undefined && this.usesVendor(kind)) {
      try {
        apis.note(inventory.kind)
        const deleted = await apis.vendor()
        this.#proven.add(kind)
        return deleted
      } catch (thrown) {
        if (!this.#isOfApi(kind, thrown) || store.capability(kind) === 'no') throw thrown
        this.#giveUp(kind, inventory, thrown)
      }
    }
    try {
      apis.note('oci')
      return await apis.oci()
    } catch (thrown) {
      const isUnsupported = toDrayError(thrown).code === 'unsupported'
      const vendor = isUnsupported ? this.#vendorFor(kind) : undefined
      if (vendor === undefined) throw thrown
      apis.note(vendor.kind)
      return await apis.vendor()
    }
  }

  /** Whether the vendor's API as a whole failed, before its first success in the repository. */
  #isOfApi(kind: DeleteKind, thrown: unknown): boolean {
    const { call } = this.#ports
    return !call.signal.aborted && !this.#proven.has(kind) && failuresOfApi.has(toDrayError(thrown).code)
  }

  #giveUp(kind: DeleteKind, { name }: Inventory, thrown: unknown): void {
    if (this.#failed.has(kind)) return
    this.#failed.add(kind)
    const { store, call } = this.#ports
    const { message, why, hint } = toDrayError(thrown)
    const cause = why === undefined ? message : `${message}: ${why}`
    const text = `dray cannot delete in ${formatRepository(store.repository)} through the API of ${name}, and uses the OCI API: ${cause}.${hint === undefined ? '' : ` ${hint}`}`
    call.notify({ kind: 'warning', text })
  }

  /** The inventory, if its API may delete items of this kind. */
  #vendorFor(kind: DeleteKind): Inventory | undefined {
    const { inventory } = this.#ports
    if (inventory?.remove === undefined || this.#failed.has(kind)) return undefined
    return requestSizeOf(kind, inventory) > 0 ? inventory : undefined
  }

  /**
   * The manifest with the vendor's id of this run. Undefined: neither the list nor the registry has
   * the manifest any more.
   */
  async #manifestRemoval(digest: Digest): Promise<Removal | undefined> {
    const { inventory, store, listed, call } = this.#ports
    const entry = (await listed()).entries.get(digest)
    if (entry !== undefined) {
      const { handle } = entry
      return { kind: 'manifest', digest, ...(handle !== undefined && { handle }) }
    }
    if ((await store.resolve({ digest }, call)) === undefined) return undefined
    const subject = formatAt(store.repository, { digest })
    throw new DrayError('refused', `cannot delete ${subject}: ${inventory?.name} does not list it`, {
      subject,
      why: 'the registry has the manifest, and the list of the vendor lacks it',
      hint: 'The list may be late. Run the command again later.',
    })
  }

  async #remove(
    removal: Removal,
    shared: RemovalBatch | undefined,
    beforeAttempt: BeforeAttempt,
  ): Promise<'deleted' | 'absent'> {
    const { inventory, store, clock, call } = this.#ports
    if (inventory === undefined) throw new DrayError('internal', 'there is no inventory')
    const { repository } = store
    const batch = shared ?? new RemovalBatch(1, { inventory, repository, clock }, call)
    return resultOf(await batch.add(removal, beforeAttempt), store, inventory)
  }
}

/** @throws `refused` with the vendor's message, if the vendor keeps the item; its failure */
function resultOf(
  outcome: RemovalOutcome,
  { repository }: TargetRepository,
  { name }: Inventory,
): 'deleted' | 'absent' {
  switch (outcome.result) {
    case 'removed':
      return 'deleted'
    case 'absent':
      return 'absent'
    case 'protected': {
      const { removal, text } = outcome
      const subject = formatAt(
        repository,
        removal.kind === 'tag' ? { tag: removal.tag } : { digest: removal.digest },
      )
      throw new DrayError('refused', `cannot delete ${subject}: ${name} refused`, {
        subject,
        why: text,
        hint: 'Remove the lock or the rule in the registry, or protect the image in the retention policy.',
      })
    }
    case 'failed':
      throw outcome.error
  }
}
