import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { DeleteManifestStep, DeleteStep, RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import type { Inventory, InventoryEntry } from '../../../images/inventory/inventory.ts'
import { type InventorySnapshot, readInventory } from '../../../images/inventory/inventory-snapshot.ts'
import type { DeleteLedger } from '../delete-ledger.ts'
import type { PendingDeletes } from '../live-set.ts'
import type { Rescans } from '../rescans.ts'

const untaggedRole: string = 'untagged'
/** The pages of a list that a delete of an untagged manifest pays for. */
const pagesPerDelete = 1 / 8
/** Vendors with longer pages need fewer requests than this assumes. */
const pageSize = 100
/** A list may lack what was pushed so long before the plan was made, in milliseconds. */
const maxLagMs = 3_600_000

export interface VendorListPorts {
  readonly plan: RepositoryPlan
  readonly inventory: Inventory | undefined
  readonly ledger: DeleteLedger
  readonly deletes: PendingDeletes
  readonly rescans: Pick<Rescans, 'ofTags' | 'ofDigests'>
}

/**
 * The vendor's list of a repository while it is pruned. It has the handles for deletes, and shows
 * what the OCI API does not list: tags that moved to a manifest, and new manifests without tags.
 * What keeps a manifest is then read through the OCI API.
 */
export class VendorList {
  readonly #ports: VendorListPorts
  readonly #untagged: ReadonlySet<Digest>
  /** manifests pushed since then are new, ms */
  readonly #newFrom: number
  readonly #seen = new Set<Digest>()
  readonly #call: Call
  #unspent = 0
  #listed: Promise<InventorySnapshot> | undefined

  /** @param call ends with the first interrupt */
  constructor(ports: VendorListPorts, call: Call) {
    this.#ports = ports
    this.#call = call
    const { others, now } = ports.plan
    const untagged = others.filter(({ role, verdict }) => role === untaggedRole && verdict === 'delete')
    this.#untagged = new Set(untagged.map(({ digest }) => digest))
    this.#newFrom = Date.parse(now) - maxLagMs
  }

  /** The list of this run. @throws what reading it throws */
  snapshot(): Promise<InventorySnapshot> {
    this.#listed ??= this.#read()
    return this.#listed
  }

  /**
   * Reads the list before the first delete. Untagged manifests are kept if it cannot be read.
   * @throws what reading the repository throws
   */
  async begin(): Promise<void> {
    const { inventory, ledger } = this.#ports
    if (inventory === undefined) return this.#keepUntagged(noInventory)
    try {
      await this.snapshot()
    } catch (thrown) {
      this.#call.signal.throwIfAborted()
      this.#warn(inventory, thrown)
      return this.#keepUntagged(toErrorInfo(thrown))
    }
    if (ledger.pending('deleteManifest').length > 0) await this.#keepLive()
  }

  /**
   * Reads the list again, if the untagged manifests of the waves so far pay for it.
   * They are kept if it cannot be read. @throws what reading the repository throws
   */
  async beforeDeletes(wave: readonly DeleteStep[]): Promise<void> {
    const { inventory } = this.#ports
    const count = wave.filter((step) => this.#isUntagged(step)).length
    if (count === 0 || inventory === undefined) return
    this.#unspent += count * pagesPerDelete
    const pages = Math.ceil((await this.snapshot()).entries.size / pageSize)
    if (pages > 1 && pages > this.#unspent) return
    this.#unspent = Math.max(0, this.#unspent - pages)
    const before = this.#listed
    this.#listed = this.#read()
    try {
      await this.snapshot()
    } catch (thrown) {
      this.#call.signal.throwIfAborted()
      this.#listed = before
      return this.#keepUntagged(toErrorInfo(thrown))
    }
    await this.#keepLive()
  }

  async #read(): Promise<InventorySnapshot> {
    const { inventory, plan } = this.#ports
    if (inventory === undefined) throw new DrayError('internal', 'there is no inventory')
    return await readInventory(inventory, plan.repository, this.#call)
  }

  /** Keeps the manifests that new tags and new manifests of the list lead to. */
  async #keepLive(): Promise<void> {
    const { entries } = await this.snapshot()
    const { deletes, rescans } = this.#ports
    const tags = [...entries.values()].flatMap((entry) => this.#newTags(entry))
    const isNew = ({ digest, pushedAt = Infinity }: InventoryEntry): boolean =>
      deletes.of(digest) === undefined && !this.#seen.has(digest) && pushedAt > this.#newFrom
    const added = this.#untagged.size === 0 ? [] : [...entries.values()].filter(isNew)
    for (const { digest } of added) this.#seen.add(digest)
    await rescans.ofTags(tags)
    await rescans.ofDigests(added.map(({ digest }) => digest))
  }

  /** The tags that the list has on a manifest to delete, and the plan has not. */
  #newTags({ digest, tags }: InventoryEntry): readonly string[] {
    const step = this.#ports.deletes.of(digest)
    if (step === undefined) return []
    return tags.map(({ name }) => name).filter((tag) => !step.losesTags.includes(tag))
  }

  #isUntagged(step: DeleteStep): step is DeleteManifestStep {
    return step.kind === 'deleteManifest' && this.#untagged.has(step.target.digest)
  }

  #keepUntagged(error: ErrorInfo): void {
    const { ledger } = this.#ports
    if (this.#untagged.size === 0) return
    const steps = ledger.pending('deleteManifest').filter((step) => this.#isUntagged(step))
    ledger.settleAll(steps, 'failed', error)
  }

  #warn({ name }: Inventory, thrown: unknown): void {
    const { message, why } = toErrorInfo(thrown)
    const text = `cannot read the list of ${name} for ${formatRepository(this.#ports.plan.repository)}: ${message}. dray checks tags with the OCI API alone.`
    this.#call.notify({ kind: 'warning', text, ...(why !== undefined && { from: why }) })
  }
}

const noInventory: ErrorInfo = {
  code: 'unsupported',
  message: 'cannot delete untagged manifests: dray has no inventory of the registry',
  hint: 'Set registries.HOST.kind in dray.yaml, as it was when the plan was made.',
}
