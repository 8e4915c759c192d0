import type { RecordedPut } from '../../audit/query/recorded-puts.ts'
import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import { isFresh } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type TagOrDigest } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { movedTagConflict } from './delete-conflicts.ts'
import {
  type DeletePorts,
  deleteManifest,
  deleteTag,
  movedTags,
  type OwnTags,
  readOwnTags,
} from './delete-content.ts'
import { DeleteLedger, type SettledDelete, unattempted } from './delete-ledger.ts'
import type { EndedDelete } from './delete-records.ts'
import { DeleteResults } from './delete-results.ts'
import { PendingDeletes } from './live-set.ts'
import { describeGone, describeLost, findLosses, type LossPorts } from './losses.ts'
import { OtherRuns } from './other-runs.ts'
import { Rescans } from './rescans.ts'
import type { TagDeletes } from './tag-deletes.ts'

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
  /** reads end with the first interrupt: there is nothing to finish */
  readonly #reading: Call
  #newlyLive: { readonly at: number; readonly steps: Promise<ReadonlyMap<DeleteStep, ErrorInfo>> } | undefined

  constructor(plan: RepositoryPlan, ports: RepositoryPorts) {
    const { call, clock, reader, recordedPuts, stop, store, stores, tagDeletes, usedNow } = ports
    this.#plan = plan
    this.#ports = ports
    this.#reading = { ...call, signal: AbortSignal.any([call.signal, stop]) }
    this.#ledger = new DeleteLedger(plan, ports.comesLast)
    const deletes = new PendingDeletes(plan.steps, (step) => this.#ledger.isPending(step))
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
      await this.#deleteAll('deleteManifest')
      await this.#deleteAll('deleteTag')
      if (!this.#reading.signal.aborted) await this.#reportLosses()
    } catch (thrown) {
      this.#endWith(thrown)
    }
    this.#ledger.settleAll(this.#ledger.pending(), 'notAttempted', unattempted(this.#whyStopped()))
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
      const wave = this.#ledger.takeReady(kind, isAlone ? 1 : this.#ports.deletesAtOnce)
      if (wave.length === 0 || this.#reading.signal.aborted) return
      const work = (): Promise<void> => this.#deleteWave(kind, wave)
      if (kind === 'deleteManifest' || !isAlone) await work()
      else await this.#ports.tagDeletes.oneByOne(this.#plan.repository.registry, work)
    }
  }

  async #deleteWave(kind: DeleteStep['kind'], wave: readonly DeleteStep[]): Promise<void> {
    if (kind === 'deleteManifest') await this.#rescans.beforeDeletes(wave.length)
    else this.#results.keepUnsafeTags()
    const attempted = wave.filter((step) => this.#ledger.isPending(step))
    await this.#recordIntents(attempted)
    const own = await this.#readOwnTags(attempted)
    await this.#otherRuns.settleLive(this.#ledger, this.#reading)
    const pending = wave.filter((step) => this.#ledger.isPending(step))
    const moved = await Promise.all(pending.map((step) => this.#delete(step, own)))
    await this.#record()
    if (kind === 'deleteManifest') await this.#rescans.ofTags(moved.flat())
    this.#notify()
  }

  /**
   * Reads the tags of the manifests of a wave. If one was moved, what it reaches now is kept as
   * well.
   */
  async #readOwnTags(wave: readonly DeleteStep[]): Promise<ReadonlyMap<StepId, OwnTags>> {
    const own = new Map<StepId, OwnTags>()
    const moved: string[] = []
    await Promise.all(
      wave.map(async (step) => {
        if (step.kind === 'deleteTag') return
        try {
          const read = await readOwnTags(step, this.#ports, this.#reading)
          own.set(step.id, read)
          moved.push(...movedTags(step, read).map(({ tag }) => tag))
        } catch (thrown) {
          if (!this.#reading.signal.aborted) this.#results.failed(step, toDrayError(thrown), true)
        }
      }),
    )
    await this.#rescans.ofTags(moved)
    return own
  }

  /** Returns the tags that were found on other manifests. */
  async #delete(step: DeleteStep, own: ReadonlyMap<StepId, OwnTags>): Promise<readonly string[]> {
    this.#rescans.countDelete()
    try {
      const deleted =
        step.kind === 'deleteTag'
          ? await deleteTag(step, this.#ports)
          : await deleteManifest(step, own.get(step.id) ?? noTags, this.#ports, {
              untagged: this.#results.untagged(step),
              findLive: () => this.#findLive(step),
            })
      if (typeof deleted === 'object' && 'live' in deleted) {
        this.#ledger.settle(step, 'conflict', deleted.live)
        return []
      }
      if (typeof deleted === 'object') {
        const found = step.kind === 'deleteTag' ? deleted.to : undefined
        this.#ledger.settle(step, 'conflict', toErrorInfo(movedTagConflict(step, deleted)), found)
        return [deleted.tag]
      }
      if (deleted === 'stopped') this.#ledger.settle(step, 'notAttempted', unattempted(this.#whyStopped()))
      else await this.#results.succeeded(step, deleted)
    } catch (thrown) {
      const { signal } = this.#ports.call
      if (signal.aborted) this.#ledger.leaveOpen(step, toErrorInfo(signal.reason))
      else await this.#results.requestFailed(step, toDrayError(thrown), this.#hasTags(step, own))
    }
    return []
  }

  /** Whether tags remain on the manifest of a step that failed. */
  #hasTags(step: DeleteStep, own: ReadonlyMap<StepId, OwnTags>): boolean {
    if (step.kind === 'deleteTag') return true
    const untagged = this.#results.untagged(step)
    const { tags } = own.get(step.id) ?? noTags
    return [...tags].some(([tag, to]) => to === step.target.digest && !untagged.has(tag))
  }

  /**
   * Why the manifest of a delete that had to wait is in the live set by now. The deletes of a wave
   * wait together, so they share a reading.
   */
  async #findLive(step: DeleteStep): Promise<ErrorInfo | undefined> {
    const { call, clock } = this.#ports
    if (this.#newlyLive === undefined || !isFresh(this.#newlyLive.at, clock.now()))
      this.#newlyLive = { at: clock.now(), steps: this.#readNewlyLive(call) }
    return (await this.#newlyLive.steps).get(step)
  }

  async #readNewlyLive(call: Call): Promise<ReadonlyMap<DeleteStep, ErrorInfo>> {
    const found = [await this.#rescans.findNewlyLive(call), await this.#otherRuns.findLive(call)]
    return new Map(found.flatMap((those) => [...those]))
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

  #whyStopped(): string {
    const { call, stop } = this.#ports
    if (call.signal.aborted) return toErrorInfo(call.signal.reason).message
    return stop.aborted ? 'the run was stopped' : 'a delete that must come first was not executed'
  }
}

const noTags: OwnTags = { at: -Infinity, tags: new Map() }
