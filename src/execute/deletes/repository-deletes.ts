import type { RecordedPut } from '../../audit/query/recorded-puts.ts'
import type { Call } from '../../lib/call.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type TagOrDigest } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { Inventory } from '../../images/inventory/inventory.ts'
import { DeleteApis } from './apis/delete-apis.ts'
import { LastTags } from './apis/last-tag.ts'
import { VendorList } from './apis/vendor-list.ts'
import type { DeletePorts } from './delete-content.ts'
import { DeleteLedger, type SettledDelete, unattempted } from './delete-ledger.ts'
import type { EndedDelete } from './delete-records.ts'
import { DeleteResults } from './delete-results.ts'
import { PendingDeletes } from './live-set.ts'
import { describeGone, describeLost, findLosses, type LossPorts } from './losses.ts'
import { OtherRuns } from './other-runs.ts'
import { isUntagged, Rescans } from './rescans.ts'
import type { TagDeletes } from './tag-deletes.ts'
import { describeStop, WaveSender } from './waves/wave-sender.ts'

export interface RepositoryPorts extends DeletePorts {
  readonly reader: RepositoryReader
  /** images in use, beside the roots of the plan */
  readonly usedNow: readonly TagOrDigest[]
  /** deletes that are under way at once */
  readonly deletesAtOnce: number
  /** what has to be read again before the first delete: a reading is valid for a short time */
  readonly rescanFirst: () => 'nothing' | 'keptTags' | 'all'
  /** whether the registry refused to delete the item in an earlier run: it comes last */
  readonly comesLast: (step: DeleteStep) => boolean
  /** the list and the API of the vendor; undefined: dray has none for the registry */
  readonly inventory: Inventory | undefined
  /** the deletes of single tags in all repositories of the run */
  readonly tagDeletes: TagDeletes
  /** the newest record of the run that put a digest here; undefined: there is no log */
  readonly findPut: ((digest: Digest) => Promise<RecordedPut | undefined>) | undefined
  /** steps of a saved plan that are not executed, with their outcomes */
  readonly settled: ReadonlyMap<StepId, SettledDelete>
  /** other repositories, which content of other runs comes from */
  readonly stores: Pick<Repositories, 'source'>
  /**
   * reads what other runs put into the repository according to the audit log; undefined: there is
   * no log
   */
  readonly recordedPuts: (() => Promise<readonly RecordedPut[]>) | undefined
  /** @throws `audit` */
  readonly recordIntents: (steps: readonly DeleteStep[]) => Promise<void>
  /** @throws `audit` */
  readonly recordOutcomes: (ended: readonly EndedDelete[]) => Promise<void>
}

/** Records in one write, so that the memory for them does not depend on the number of deletes. */
const recordsAtOnce = 1000

/**
 * Executes the deletes of one repository: manifests first, then tags, in waves with rescans between
 * them.
 */
export class RepositoryDeletes {
  readonly #plan: RepositoryPlan
  readonly #ports: RepositoryPorts
  readonly #ledger: DeleteLedger
  readonly #rescans: Rescans
  readonly #otherRuns: OtherRuns
  readonly #results: DeleteResults
  readonly #vendorList: VendorList
  readonly #apis: DeleteApis
  readonly #sender: WaveSender
  /** reads end with the first interrupt: there is nothing to finish */
  readonly #reading: Call

  constructor(plan: RepositoryPlan, ports: RepositoryPorts) {
    const { call, clock, inventory, reader, recordedPuts, stop, store, stores, tagDeletes, usedNow } = ports
    this.#plan = plan
    this.#ports = ports
    this.#reading = { ...call, signal: AbortSignal.any([call.signal, stop]) }
    this.#ledger = new DeleteLedger(plan, ports.comesLast, inventory?.deletes.cascades)
    const isPending = (step: DeleteStep): boolean => this.#ledger.isPending(step)
    const deletes = new PendingDeletes(plan.steps, isPending)
    this.#rescans = new Rescans(
      { plan, ledger: this.#ledger, deletes, clock, reader, usedNow },
      this.#reading,
    )
    this.#otherRuns = new OtherRuns({ deletes, clock, reader, stores, recordedPuts })
    this.#results = new DeleteResults(this.#ledger, this.#rescans, {
      store,
      tagDeletes,
      describeRestore: (step, losesTags) => describeLost(step, losesTags, ports, call),
      call,
    })
    const rescans = this.#rescans
    this.#vendorList = new VendorList(
      { plan, inventory, ledger: this.#ledger, deletes, rescans },
      this.#reading,
    )
    this.#apis = new DeleteApis({ store, clock, inventory, listed: () => this.#vendorList.snapshot(), call })
    this.#sender = new WaveSender({
      store,
      clock,
      stop,
      call,
      ledger: this.#ledger,
      rescans,
      otherRuns: this.#otherRuns,
      results: this.#results,
      apis: this.#apis,
      lastTags: new LastTags(plan, isPending),
      reading: this.#reading,
    })
  }

  /** Resolves with an outcome for every step. @throws `audit` if a record cannot be written */
  async run(): Promise<readonly DeleteOutcome[]> {
    this.#ledger.settleKnown(this.#ports.settled)
    try {
      // The log can be slow, and the reading of the plan is valid for a short time.
      const isStopped = this.#reading.signal.aborted
      if (!isStopped) await this.#recordIntents(this.#ledger.pending().slice(0, 1))
      const first = this.#ports.rescanFirst()
      if (first === 'all') await this.#rescanAll()
      else if (first === 'keptTags') await this.#rescans.allKept()
      if (!isStopped) await this.#vendorList.begin()
      await this.#deleteAll('deleteManifest')
      await this.#deleteAll('deleteTag')
      if (!this.#reading.signal.aborted) await this.#reportLosses()
    } catch (thrown) {
      this.#endWith(thrown)
    }
    this.#ledger.settleAll(this.#ledger.pending(), 'notAttempted', unattempted(describeStop(this.#ports)))
    await this.#record()
    return this.#ledger.outcomes
  }

  /** If some of a repository cannot be read, nothing is deleted in it: its live set is unknown. */
  #endWith(thrown: unknown): void {
    const error = toErrorInfo(thrown)
    if (error.code === 'audit') throw thrown
    if (this.#reading.signal.aborted) return
    this.#ledger.settleAll(this.#ledger.pending(), 'failed', error)
  }

  /** Deleted content needs no delete: a plan that is executed twice sends none the second time. */
  async #rescanAll(): Promise<void> {
    const graph = await this.#rescans.all()
    const unseen = this.#ledger
      .pending()
      .filter((step) => step.kind === 'deleteManifest' && !graph.nodes.has(step.target.digest))
    await inParallel(unseen, this.#ports.deletesAtOnce, this.#reading, async (step, call) => {
      if (await this.#results.isGone(step, call)) this.#ledger.settle(step, 'unchanged')
    })
  }

  async #deleteAll(kind: DeleteStep['kind']): Promise<void> {
    for (;;) {
      // the first delete of a kind goes alone: only its response shows whether the registry allows
      // it
      const isAlone = this.#results.goesAlone(kind)
      const most = Math.max(this.#ports.deletesAtOnce, this.#apis.batchSize(kind))
      const wave = this.#ledger.takeReady(kind, isAlone ? 1 : most)
      if (wave.length === 0 || this.#reading.signal.aborted) return
      const work = (): Promise<void> => this.#deleteWave(kind, wave)
      if (kind === 'deleteManifest' || !isAlone) await work()
      else await this.#ports.tagDeletes.oneByOne(this.#plan.repository.registry, work)
    }
  }

  async #deleteWave(kind: DeleteStep['kind'], wave: readonly DeleteStep[]): Promise<void> {
    if (kind === 'deleteManifest') {
      await this.#rescans.beforeDeletes(wave.length, wave.filter(isUntagged).length)
      await this.#vendorList.beforeDeletes(wave)
    } else this.#results.keepUnsafeTags()
    const attempted = wave.filter((step) => this.#ledger.isPending(step))
    await this.#recordIntents(attempted)
    const own = await this.#sender.readOwnTags(attempted)
    await this.#otherRuns.settleLive(this.#ledger, this.#reading)
    const pending = wave.filter((step) => this.#ledger.isPending(step))
    const moved = await this.#sender.send(kind, pending, own)
    await this.#record()
    if (kind === 'deleteManifest') await this.#rescans.ofTags(moved)
    this.#notify()
  }

  /** Reports losses of other clients. If the repository cannot be read, it warns. */
  async #reportLosses(): Promise<void> {
    const { deleted } = this.#ledger
    if (deleted.manifests.size + deleted.tags.size === 0) return
    const { repository } = this.#plan
    const { reader, stores, call } = this.#ports
    try {
      const { added, gone } = await this.#rescans.listLast()
      const puts = await this.#otherRuns.puts()
      const readPuts: LossPorts['readPuts'] = (some, c) => this.#otherRuns.read(some, c)
      const ports = { repository, reader, stores, deleted, readPuts }
      const losses = await findLosses(puts, added, ports, this.#reading)
      for (const loss of losses) this.#ledger.addLoss(loss)
      const recorded = new Set(puts.map(({ tag }) => tag))
      const unexplained = gone.filter((tag) => !recorded.has(tag))
      if (unexplained.length > 0)
        call.notify({ kind: 'warning', text: describeGone(repository, unexplained) })
    } catch (thrown) {
      const { message, why } = toErrorInfo(thrown)
      const text = `cannot check ${formatRepository(repository)} after the last delete: ${message}`
      call.notify({ kind: 'warning', text, ...(why !== undefined && { from: why }) })
    }
  }

  async #recordIntents(next: readonly DeleteStep[]): Promise<void> {
    const steps = this.#ledger.takeUnannounced(next, recordsAtOnce)
    if (steps.length > 0) await this.#ports.recordIntents(steps)
  }

  async #record(): Promise<void> {
    const ended = this.#ledger.takeUnrecorded()
    for (let at = 0; at < ended.length; at += recordsAtOnce)
      await this.#ports.recordOutcomes(ended.slice(at, at + recordsAtOnce))
  }

  #notify(): void {
    this.#ports.call.notify({
      kind: 'deleted',
      repository: this.#plan.repository,
      ...this.#ledger.progress,
    })
  }
}
