import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, type TagOrDigest } from '../../oci/reference.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteStep, DeleteTagStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { inParallel } from '../../images/parallel.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { Capabilities, Deleter, ManifestReader } from '../../images/ports.ts'
import { resolveTags } from '../../images/tags/tags.ts'
import { type Deleted, deleteManifest, deleteTag, type OwnTags } from './delete-content.ts'
import { consequenceOf, isHeldByEvidence, isUnclear } from './delete-failure.ts'
import { DeleteLedger, type Settled, unattempted } from './delete-ledger.ts'
import { Lookout } from './lookout.ts'
import type { EndedDelete } from './prune-records.ts'
import { PendingDeletes, survivorsOf } from './survivors.ts'

/** Between two looks at the whole repository are at most so many deletes, and in a small one as many as it has tags, so that looks cost no more than deletes. */
const deletesPerLook = { most: 100, least: 16 } as const
/** As long as no delete of a kind has succeeded they go one at a time, and after so many that failed the rest is not tried. */
const maxTries = 3

export interface PruningPorts {
  readonly store: ManifestReader & Capabilities & Deleter
  readonly reader: RepositoryReader
  /** what something runs by now, beside the roots of the plan */
  readonly usedNow: readonly TagOrDigest[]
  /** deletes under way at once */
  readonly deletesAtOnce: number
  /** whether the plan saw all of the repository a moment ago: then that was the first look */
  readonly isOfThisMoment: boolean
  /** steps of a saved plan that are not executed, with their outcomes */
  readonly settled: ReadonlyMap<StepId, Settled>
  /** aborted: nothing more is deleted; what is under way ends */
  readonly stop: AbortSignal
  /** @throws `audit`. */
  readonly record: (ended: readonly EndedDelete[]) => Promise<void>
  readonly call: Call
}

/** The deletes of one repository: manifests first, then tags, in waves with looks between them. */
export class RepositoryPruning {
  readonly #plan: RepositoryPlan
  readonly #ports: PruningPorts
  readonly #ledger: DeleteLedger
  readonly #deletes: PendingDeletes
  readonly #lookout: Lookout
  /** digests in use */
  readonly #roots: readonly Digest[]
  /** reads end with the first Ctrl-C: there is nothing to finish */
  readonly #reading: Call
  readonly #proven = new Set<DeleteStep['kind']>()
  readonly #tries = new Map<DeleteStep['kind'], number>()
  #deletesSinceLook = 0
  /** the last look at all of it is followed by no delete yet */
  #hasJustLooked = false

  constructor(plan: RepositoryPlan, ports: PruningPorts) {
    this.#plan = plan
    this.#ports = ports
    this.#ledger = new DeleteLedger(plan)
    this.#deletes = new PendingDeletes(plan.steps, (step) => this.#ledger.isPending(step))
    this.#roots = [...plan.roots, ...ports.usedNow.flatMap((at) => ('digest' in at ? [at.digest] : []))]
    this.#lookout = new Lookout(ports.reader, plan.tags, this.#roots)
    this.#reading = { ...ports.call, signal: AbortSignal.any([ports.call.signal, ports.stop]) }
  }

  /** Resolves with an outcome for every step. @throws `audit` where a record cannot be written; what was under way is ended first. */
  async run(): Promise<readonly DeleteOutcome[]> {
    this.#ledger.settleKnown(this.#ports.settled)
    try {
      if (!this.#ports.isOfThisMoment) await this.#lookFirst()
      await this.#deleteAll('deleteManifest')
      await this.#deleteAll('deleteTag')
    } catch (thrown) {
      this.#endWith(thrown)
    }
    this.#ledger.settleAll(this.#ledger.pending(), 'notAttempted', unattempted(this.#whyStopped()))
    await this.#record()
    return this.#ledger.outcomes
  }

  /** Whatever of a repository cannot be read holds up all of it: what is needed could not be told. */
  #endWith(thrown: unknown): void {
    const error = toErrorInfo(thrown)
    if (error.code === 'audit') throw thrown
    if (this.#reading.signal.aborted) return
    this.#ledger.settleAll(this.#ledger.pending(), 'failed', error)
  }

  /** What is not there any more needs no delete: a plan that is carried out twice sends none the second time. */
  async #lookFirst(): Promise<void> {
    const graph = await this.#lookAtAll('all')
    const unseen = this.#ledger
      .pending()
      .filter((step) => step.kind === 'deleteManifest' && !graph.nodes.has(step.target.digest))
    await inParallel(unseen, this.#ports.deletesAtOnce, this.#reading, async (step, call) => {
      if (step.kind === 'deleteManifest' && (await this.#isGone(step, call)))
        this.#ledger.settle(step, 'unchanged')
    })
  }

  async #lookAtAll(referrers: 'all' | 'new'): Promise<RepositoryGraph> {
    const graph = await this.#lookout.lookAtAll(referrers, this.#reading)
    this.#deletesSinceLook = 0
    this.#hasJustLooked = true
    this.#keepSurvivors(graph)
    return graph
  }

  #keepSurvivors(graph: RepositoryGraph): void {
    const used = this.#ports.usedNow.flatMap((at) => ('tag' in at ? (graph.tags.get(at.tag) ?? []) : []))
    this.#ledger.settleConflicts(survivorsOf(this.#deletes, [...this.#roots, ...used], graph))
  }

  async #deleteAll(kind: DeleteStep['kind']): Promise<void> {
    for (;;) {
      const wave = this.#nextWave(kind)
      if (wave.length === 0 || this.#reading.signal.aborted) return
      if (kind === 'deleteManifest') await this.#lookAgain(wave.length)
      const own = await this.#lookAtOwnTags(wave.filter((step) => this.#ledger.isPending(step)))
      const left = wave.filter((step) => this.#ledger.isPending(step))
      await Promise.all(left.map((step) => this.#delete(step, own)))
      await this.#record()
      this.#tell()
    }
  }

  /** The first delete of a kind goes alone: whether the registry lets it be done can't be found out by reading. */
  #nextWave(kind: DeleteStep['kind']): readonly DeleteStep[] {
    return this.#ledger.takeReady(kind, this.#proven.has(kind) ? this.#ports.deletesAtOnce : 1)
  }

  async #lookAgain(deletes: number): Promise<void> {
    if (this.#hasJustLooked) return
    const { most, least } = deletesPerLook
    const limit = Math.min(most, Math.max(least, this.#lookout.size))
    if (this.#deletesSinceLook + deletes > limit) await this.#lookAtAll('new')
    else if (this.#lookout.isShort) {
      const graph = await this.#lookout.lookAtNewTags(this.#reading)
      if (graph !== undefined) this.#keepSurvivors(graph)
    }
  }

  /** The last look at the tags of what is to be deleted next; where one is on something else now, what that leads to stays as well. */
  async #lookAtOwnTags(wave: readonly DeleteStep[]): Promise<ReadonlyMap<StepId, OwnTags>> {
    const { store } = this.#ports
    const own = new Map<StepId, OwnTags>()
    await Promise.all(
      wave.map(async (step) => {
        if (step.kind === 'deleteTag') return
        try {
          own.set(step.id, await resolveTags(store, step.losesTags, this.#reading))
        } catch (thrown) {
          if (!this.#reading.signal.aborted) this.#failed(step, toDrayError(thrown))
        }
      }),
    )
    const moved = wave.flatMap((step) =>
      step.kind === 'deleteTag'
        ? []
        : [...(own.get(step.id) ?? [])].flatMap(([tag, now]) =>
            now === null || now === step.target.digest ? [] : [tag],
          ),
    )
    if (moved.length > 0) this.#keepSurvivors(await this.#lookout.lookAtTags(moved, this.#reading))
    return own
  }

  async #delete(step: DeleteStep, own: ReadonlyMap<StepId, OwnTags>): Promise<void> {
    const { call, stop, store } = this.#ports
    this.#deletesSinceLook += 1
    this.#hasJustLooked = false
    try {
      const result =
        step.kind === 'deleteTag'
          ? await deleteTag(store, step, stop, call)
          : await deleteManifest(store, step, own.get(step.id) ?? new Map(), stop, call)
      await this.#succeeded(step, result)
    } catch (thrown) {
      const error = toDrayError(thrown)
      if (error.code === 'conflict') this.#ledger.settle(step, 'conflict', toErrorInfo(error))
      else if (call.signal.aborted) this.#ledger.leaveOpen(step, toErrorInfo(call.signal.reason))
      else if (isUnclear(error)) await this.#findOut(step, error)
      else this.#failed(step, error)
    }
  }

  /** After a failure that leaves open what became of the delete. */
  async #findOut(step: DeleteStep, error: DrayError): Promise<void> {
    let isGone: boolean
    try {
      isGone = await this.#isGone(step, this.#ports.call)
    } catch {
      this.#ledger.leaveOpen(step, toErrorInfo(error))
      return this.#countTry(step, toErrorInfo(error))
    }
    if (isGone) await this.#succeeded(step, 'done')
    else this.#failed(step, error)
  }

  async #succeeded(step: DeleteStep, result: Deleted): Promise<void> {
    if (result === 'stopped')
      return this.#ledger.settle(step, 'notAttempted', unattempted(this.#whyStopped()))
    this.#lookout.forget(step.kind === 'deleteTag' ? [step.tag] : step.losesTags)
    if (step.kind === 'deleteTag' && result === 'done' && !this.#proven.has(step.kind))
      return await this.#afterFirstTag(step)
    if (step.kind === 'deleteManifest') this.#proven.add(step.kind)
    this.#ledger.settle(step, result)
  }

  /** A registry may take the manifest with its tag: where it did, or that cannot be seen, no other tag is deleted. */
  async #afterFirstTag(step: DeleteTagStep): Promise<void> {
    const { call, store } = this.#ports
    let isThere: boolean
    try {
      isThere = (await store.resolve({ digest: step.digest }, call)) !== undefined
    } catch (thrown) {
      this.#ledger.settle(step, 'done')
      return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'failed', toErrorInfo(thrown))
    }
    if (isThere) {
      this.#proven.add(step.kind)
      return this.#ledger.settle(step, 'done')
    }
    const error = tookTheManifest(step, this.#lookout.tagsOn(step.digest))
    this.#ledger.settle(step, 'failed', error)
    this.#ledger.settleAll(this.#ledger.pending(), 'refused', error)
  }

  #failed(step: DeleteStep, error: DrayError): void {
    const { store } = this.#ports
    if (isHeldByEvidence(step, error, store) && this.#ledger.putOff(step)) return
    const info = toErrorInfo(error)
    switch (consequenceOf(step, error, this.#proven.has(step.kind))) {
      case 'keepIt':
        return this.#ledger.settle(step, 'kept', info)
      case 'keepAll':
        return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'kept', info)
      case 'refuseAll':
        return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'refused', info)
      case 'refuseIt':
        this.#ledger.settle(step, 'refused', info)
        return this.#countTry(step, info)
      case 'failIt':
        this.#ledger.settle(step, 'failed', info)
        return this.#countTry(step, info)
    }
  }

  #countTry({ kind }: DeleteStep, error: ErrorInfo): void {
    if (this.#proven.has(kind)) return
    const tries = (this.#tries.get(kind) ?? 0) + 1
    this.#tries.set(kind, tries)
    if (tries < maxTries) return
    const rest = this.#ledger.pending(kind)
    if (error.code === 'refused') this.#ledger.settleAll(rest, 'refused', error)
    else this.#ledger.settleAll(rest, 'notAttempted', unattempted(`the first ${maxTries} deletes failed`))
  }

  async #isGone(step: DeleteStep, call: Call): Promise<boolean> {
    const at = step.kind === 'deleteTag' ? { tag: step.tag } : { digest: step.target.digest }
    return (await this.#ports.store.resolve(at, call)) === undefined
  }

  async #record(): Promise<void> {
    await this.#ports.record(this.#ledger.takeUnrecorded())
  }

  #tell(): void {
    this.#ports.call.notify({
      kind: 'deleted',
      repository: this.#plan.repository,
      ...this.#ledger.progress,
    })
  }

  #whyStopped(): string {
    const { call, stop } = this.#ports
    if (call.signal.aborted) return toErrorInfo(call.signal.reason).message
    return stop.aborted ? 'the run was stopped' : 'what has to go before it is still there'
  }
}

/** The worst that a registry can do: what was to stay is lost. */
function tookTheManifest({ repository, tag, digest }: DeleteTagStep, others: readonly string[]): ErrorInfo {
  const subject = formatAt(repository, { digest })
  const lost = others.length === 0 ? '' : `, and with it the tags ${others.join(', ')}`
  return toErrorInfo(
    new DrayError('protocol', `${repository.registry} deletes the manifest together with a tag of it`, {
      subject,
      why: `only the tag ${tag} was deleted, and ${digest} is gone too${lost}`,
      hint: 'Nothing more is deleted in this repository. Push that image again from where it came. Do not let rules delete tags of images that stay here: the registry cannot do that.',
    }),
  )
}
