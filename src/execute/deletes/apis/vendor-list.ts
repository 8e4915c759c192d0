import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { DeleteStep, RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import type { Inventory, InventoryEntry } from '../../../images/inventory/inventory.ts'
import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import { type InventorySnapshot, readInventory } from '../../../images/inventory/inventory-snapshot.ts'
import { deleteConflict } from '../delete-conflicts.ts'
import type { DeleteLedger } from '../delete-ledger.ts'
import type { PendingDeletes } from '../live-set.ts'
import { isUntagged, type Rescans } from '../rescans.ts'

/** The pages of a list that a delete of an untagged manifest pays for. */
const pagesPerDelete = 1 / 8
/** Vendors with longer pages need fewer requests than this assumes. */
const pageSize = 100
/** A list may lack what was pushed so long before the plan was made, in milliseconds. */
const maxLagMs = 3_600_000

export interface VendorListPorts {
  readonly plan: RepositoryPlan
  /** undefined: dray has no inventory of the registry */
  readonly inventory: Inventory | undefined
  readonly ledger: DeleteLedger
  readonly deletes: PendingDeletes
  readonly rescans: Pick<Rescans, 'ofTags' | 'ofDigests'>
}

/**
 * The vendor's list of a repository while it is pruned. It has the handles for deletes, and shows
 * what the OCI API does not list: tags that moved to a manifest, and new manifests without tags.
 * The OCI API then decides whether something keeps a manifest.
 */
export class VendorList {
  readonly #ports: VendorListPorts
  readonly #hasUntagged: boolean
  /** when the untagged manifests of the plan were pushed, ms */
  readonly #pushedAt: ReadonlyMap<Digest, number>
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
    const { others, now, steps } = ports.plan
    this.#hasUntagged = steps.some(isUntagged)
    this.#pushedAt = new Map(
      others.flatMap(({ digest, pushedAt }) =>
        pushedAt === undefined ? [] : [[digest, Date.parse(pushedAt)] as const],
      ),
    )
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
    if (ledger.pending().length === 0) return
    if (inventory === undefined) return this.#keepUntagged(noInventory)
    const error = await this.#tryToRead()
    if (error === undefined) return await this.#keepLive()
    this.#keepUntagged(error)
    this.#warn(inventory, error)
  }

  /**
   * Reads the list again, if the untagged manifests of the waves so far pay for it. They are kept
   * if it cannot be read. @throws what reading the repository throws
   */
  async beforeDeletes(wave: readonly DeleteStep[]): Promise<void> {
    const count = wave.filter(isUntagged).length
    if (count === 0) return
    this.#unspent += count * pagesPerDelete
    const pages = Math.ceil((await this.snapshot()).entries.size / pageSize)
    if (pages > 1 && pages > this.#unspent) return
    this.#unspent = Math.max(0, this.#unspent - pages)
    const before = this.#listed
    this.#listed = undefined
    const error = await this.#tryToRead()
    if (error === undefined) return await this.#keepLive()
    this.#listed = before
    this.#keepUntagged(error)
  }

  async #read(): Promise<InventorySnapshot> {
    const { inventory, plan } = this.#ports
    if (inventory === undefined) throw new DrayError('internal', 'there is no inventory')
    return await readInventory(inventory, plan.repository, this.#call)
  }

  /** Returns why the list cannot be read. @throws the signal's reason */
  async #tryToRead(): Promise<ErrorInfo | undefined> {
    try {
      await this.snapshot()
      return undefined
    } catch (thrown) {
      this.#call.signal.throwIfAborted()
      return toErrorInfo(thrown)
    }
  }

  /**
   * Keeps the manifests that new tags and new manifests of the list lead to, and untagged manifests
   * that were pushed again.
   */
  async #keepLive(): Promise<void> {
    const entries = [...(await this.snapshot()).entries.values()]
    const { deletes, ledger, rescans } = this.#ports
    await rescans.ofTags(entries.flatMap((entry) => this.#newTags(entry)))
    ledger.settleConflicts(this.#pushedAgain(entries))
    const added = entries.filter(
      ({ digest, tags, pushedAt = Infinity }) =>
        // A new index without a tag yet can need the image of a tag; new tags are read as such.
        (this.#hasUntagged || tags.length === 0) &&
        deletes.of(digest) === undefined &&
        !this.#seen.has(digest) &&
        pushedAt > this.#newFrom,
    )
    for (const { digest } of added) this.#seen.add(digest)
    if (added.length === 0) return
    const graph = await rescans.ofDigests(added.map(({ digest }) => digest))
    ledger.settleConflicts(this.#subjects(added, graph))
  }

  /** Untagged manifests that got an attached artifact: a client is working on them. */
  #subjects(
    added: readonly InventoryEntry[],
    { nodes }: RepositoryGraph,
  ): ReadonlyMap<DeleteStep, ErrorInfo> {
    return new Map(
      added.flatMap(({ digest }) => {
        const subject = nodes.get(digest)?.subject
        const step = subject === undefined ? undefined : this.#ports.deletes.of(subject)
        if (step === undefined || !isUntagged(step)) return []
        const why = `the attached artifact ${digest} was pushed since the plan was made`
        return [[step, toErrorInfo(deleteConflict(step, why))] as const]
      }),
    )
  }

  /** The tags that the list has on a manifest to delete, and the plan has not. */
  #newTags({ digest, tags }: InventoryEntry): readonly string[] {
    const step = this.#ports.deletes.of(digest)
    if (step === undefined) return []
    return tags.map(({ name }) => name).filter((tag) => !step.losesTags.includes(tag))
  }

  #pushedAgain(entries: readonly InventoryEntry[]): ReadonlyMap<DeleteStep, ErrorInfo> {
    const why = 'it was pushed again since the plan was made'
    return new Map(
      entries.flatMap(({ digest, pushedAt = 0 }) => {
        const step = this.#ports.deletes.of(digest)
        // Times in a plan have no fractions of milliseconds.
        const isNewer = Math.floor(pushedAt) > (this.#pushedAt.get(digest) ?? Infinity)
        if (step === undefined || !isUntagged(step) || !isNewer) return []
        return [[step, toErrorInfo(deleteConflict(step, why))] as const]
      }),
    )
  }

  #keepUntagged(error: ErrorInfo): void {
    if (!this.#hasUntagged) return
    const { ledger } = this.#ports
    ledger.settleAll(ledger.pending('deleteManifest').filter(isUntagged), 'failed', error)
  }

  /** If the list was not read for the plan either, the reading of the plan has warned. */
  #warn({ name }: Inventory, { message, why, hint }: ErrorInfo): void {
    const { plan } = this.#ports
    if (plan.inventory === undefined) return
    const cause = why === undefined ? message : `${message}: ${why}`
    const text = `dray cannot read the list of ${name} for ${formatRepository(plan.repository)}, and checks tags with the OCI API alone: ${cause}.${hint === undefined ? '' : ` ${hint}`}`
    this.#call.notify({ kind: 'warning', text })
  }
}

const noInventory: ErrorInfo = {
  code: 'unsupported',
  message: 'cannot delete untagged manifests: dray has no inventory of the registry',
  hint: 'Set registries.HOST.kind in dray.yaml, as it was when the plan was made.',
}
