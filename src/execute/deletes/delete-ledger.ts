import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { keptWithPredecessor, predecessorIsKept, withParents } from './delete-conflicts.ts'
import { digestOf, type EndedDelete } from './delete-records.ts'
import type { DeletedContent, Loss } from './losses.ts'
import { ReadySteps } from './ready-steps.ts'

/** The outcome of a step that a review decided before any delete. */
export type SettledDelete = Pick<DeleteOutcome, 'result' | 'error'>

/**
 * Which steps of a repository have ended, and which may come next. Each step costs time in
 * proportion to its `after`.
 */
export class DeleteLedger {
  readonly #steps: readonly DeleteStep[]
  readonly #cascades: boolean
  readonly #outcomes = new Map<StepId, DeleteOutcome>()
  /** in the order of the plan */
  readonly #pending: Map<StepId, DeleteStep>
  readonly #positions: ReadonlyMap<StepId, number>
  /** the steps that come after a step */
  readonly #dependents = new Map<StepId, DeleteStep[]>()
  /** how many predecessors a step still waits for */
  readonly #unmet = new Map<StepId, number>()
  /** how many referrers of a subject are still to be deleted */
  readonly #referrers = new Map<Digest, number>()
  /** subjects that wait for their attached artifacts, by digest and by step */
  readonly #waiting = new Map<Digest, DeleteStep>()
  readonly #postponed = new Set<StepId>()
  /** steps whose intents are recorded */
  readonly #announced = new Set<StepId>()
  readonly #ready: Readonly<Record<DeleteStep['kind'], ReadySteps>>
  /** the API that each step was sent to */
  readonly #apis = new Map<StepId, string>()
  /** steps that did not succeed, whose dependents are still to be settled */
  #failures: DeleteStep[] = []
  #unrecorded: EndedDelete[] = []

  /**
   * @param isLast steps that come after all others of their kind
   * @param cascades the registry deletes what a manifest leads to together with it
   */
  constructor({ steps }: RepositoryPlan, isLast?: (step: DeleteStep) => boolean, cascades = false) {
    this.#cascades = cascades
    this.#steps = steps
    this.#pending = new Map(steps.map((step) => [step.id, step]))
    this.#positions = new Map(steps.map(({ id }, i) => [id, i]))
    const order = this.#order.bind(this)
    this.#ready = {
      deleteManifest: new ReadySteps(order, isLast),
      deleteTag: new ReadySteps(order, isLast),
    }
    for (const step of steps) {
      this.#unmet.set(step.id, step.after.length)
      for (const id of step.after) {
        const dependents = this.#dependents.get(id)
        if (dependents === undefined) this.#dependents.set(id, [step])
        else dependents.push(step)
      }
      this.#countReferrer(step, 1)
      if (step.after.length === 0) this.#ready[step.kind].add(step)
    }
  }

  get outcomes(): readonly DeleteOutcome[] {
    return [...this.#outcomes.values()]
  }

  /** steps that have ended, of how many */
  get progress(): { readonly done: number; readonly of: number } {
    return { done: this.#outcomes.size, of: this.#steps.length }
  }

  /** in the order of the plan; takes time in proportion to all steps that are pending */
  pending(kind?: DeleteStep['kind']): readonly DeleteStep[] {
    const pending = [...this.#pending.values()]
    return kind === undefined ? pending : pending.filter((step) => step.kind === kind)
  }

  isPending({ id }: DeleteStep): boolean {
    return this.#pending.has(id)
  }

  /**
   * Returns at most `most` steps whose predecessors have all succeeded. The caller settles or
   * postpones each of them: none is returned twice otherwise. Steps that follow another step come
   * first, so that a killed run leaves as few orphaned manifests as possible.
   */
  takeReady(kind: DeleteStep['kind'], most: number): readonly DeleteStep[] {
    this.#settleDependents()
    return this.#ready[kind].take(most, (step) => this.isPending(step))
  }

  /**
   * Lets the attached artifacts of a manifest be deleted before it, for a registry that wants that.
   * The manifest is ready again after them. Returns false if the plan deletes no referrer of it, if
   * it was postponed before, or if only others keep it.
   * @param keepers digests that keep it according to the registry; none: it named none
   */
  postpone(step: DeleteStep, keepers: readonly string[] = []): boolean {
    if (step.kind !== 'deleteManifest' || this.#postponed.has(step.id)) return false
    const { digest } = step.target
    if (!this.#referrers.has(digest)) return false
    const dependents = (this.#dependents.get(step.id) ?? []).filter((one) => refersTo(one, digest))
    const own = new Set<string>(dependents.map(digestOf))
    if (keepers.length > 0 && !keepers.some((keeper) => own.has(keeper))) return false
    this.#postponed.add(step.id)
    this.#waiting.set(digest, step)
    for (const dependent of dependents) this.#meet(dependent)
    return true
  }

  /**
   * Returns the steps whose intents have to be recorded before a wave: none if all steps of the
   * wave have one. Else those of the wave, and at most `most` in all of those that probably come
   * next, so that few writes are needed. No step is returned twice.
   */
  takeUnannounced(wave: readonly DeleteStep[], most: number): readonly DeleteStep[] {
    const taken = wave.filter(({ id }) => !this.#announced.has(id))
    const [first] = taken
    if (first === undefined) return []
    for (const { id } of taken) this.#announced.add(id)
    const dependentsOf = ({ id }: DeleteStep): readonly DeleteStep[] => this.#dependents.get(id) ?? []
    const open = [...wave.flatMap(dependentsOf), ...this.#ready[first.kind].peek(most)].toReversed()
    for (let step = open.pop(); step !== undefined && taken.length < most; step = open.pop()) {
      if (this.#announced.has(step.id) || !this.isPending(step)) continue
      this.#announced.add(step.id)
      taken.push(step)
      open.push(...dependentsOf(step))
    }
    return taken
  }

  /** Notes the API that a step is sent to; its outcome names it. */
  noteApi({ id }: DeleteStep, api: string): void {
    this.#apis.set(id, api)
  }

  /** @param found what the tag of the step points at, if it is not what the plan saw */
  settle(step: DeleteStep, result: DeleteOutcome['result'], error?: ErrorInfo, found?: Digest): void {
    this.#settle(step, { result, ...(error !== undefined && { error }) }, found)
  }

  /** Ends a step that removed other tags than planned. */
  settleLost(
    step: DeleteStep,
    result: DeleteOutcome['result'],
    losesTags: readonly string[],
    error: ErrorInfo,
  ): void {
    this.#settle(step, { result, error, losesTags })
  }

  settleKnown(settled: ReadonlyMap<StepId, SettledDelete>): void {
    for (const step of this.#steps) {
      const known = settled.get(step.id)
      if (known !== undefined) this.settle(step, known.result, known.error)
    }
  }

  /**
   * Settles the steps that must not be executed, and those after them, in the order of the plan.
   */
  settleConflicts(conflicts: ReadonlyMap<DeleteStep, ErrorInfo>): void {
    const all = this.#cascades ? withParents(conflicts, this.#pending) : conflicts
    for (const [step, error] of [...all].toSorted(([a], [b]) => this.#order(a) - this.#order(b)))
      this.settle(step, 'conflict', error)
    this.#settleDependents()
  }

  /** Ends a step whose result is unknown: its intent stays open, and the next run checks it. */
  leaveOpen(step: DeleteStep, error: ErrorInfo): void {
    this.#end(step, { step: step.id, repository: step.repository, result: 'failed', error })
  }

  /** Adds the losses of other clients to a delete that is done. */
  addLoss({ step, error }: Loss): void {
    const outcome = this.#outcomes.get(step.id)
    if (outcome === undefined) return
    this.#outcomes.set(step.id, { ...outcome, losses: [...(outcome.losses ?? []), error] })
  }

  /** The content that was deleted so far. */
  get deleted(): DeletedContent {
    const done = this.#steps.filter(({ id }) => this.#outcomes.get(id)?.result === 'done')
    const manifests = done.filter((step) => step.kind === 'deleteManifest')
    const tags = done.filter((step) => step.kind === 'deleteTag')
    return {
      manifests: new Map(manifests.map((step) => [step.target.digest, step])),
      tags: new Map(tags.map((step) => [step.tag, step])),
    }
  }

  settleAll(steps: readonly DeleteStep[], result: DeleteOutcome['result'], error: ErrorInfo): void {
    for (const step of steps) this.settle(step, result, error)
  }

  /** The steps that have ended since the last call. */
  takeUnrecorded(): readonly EndedDelete[] {
    const taken = this.#unrecorded
    this.#unrecorded = []
    return taken
  }

  #settle(step: DeleteStep, fields: Omit<DeleteOutcome, 'step' | 'repository'>, found?: Digest): void {
    if (this.#outcomes.has(step.id)) return
    const by = isSent(fields.result) ? this.#apis.get(step.id) : undefined
    const outcome = { step: step.id, repository: step.repository, ...fields, ...(by !== undefined && { by }) }
    this.#end(step, outcome)
    this.#unrecorded.push({ step, outcome, ...(found !== undefined && { found }) })
  }

  #end(step: DeleteStep, outcome: DeleteOutcome): void {
    this.#outcomes.set(step.id, outcome)
    if (!this.#pending.delete(step.id)) return
    this.#countReferrer(step, -1)
    if (!isSuccess(outcome)) {
      this.#failures.push(step)
      return
    }
    for (const dependent of this.#dependents.get(step.id) ?? []) {
      // a postponed step no longer keeps its referrers waiting
      const isMet = this.#postponed.has(step.id) && refersTo(dependent, digestOf(step))
      if (!isMet) this.#meet(dependent)
    }
  }

  /** The position of a step in the plan. */
  #order({ id }: DeleteStep): number {
    return this.#positions.get(id) ?? 0
  }

  /** One predecessor less to wait for. */
  #meet(step: DeleteStep): void {
    const unmet = (this.#unmet.get(step.id) ?? 0) - 1
    this.#unmet.set(step.id, unmet)
    if (unmet === 0) this.#ready[step.kind].add(step)
  }

  #countReferrer(step: DeleteStep, by: 1 | -1): void {
    const subject = step.kind === 'deleteManifest' ? step.subject : undefined
    if (subject === undefined) return
    const left = (this.#referrers.get(subject) ?? 0) + by
    if (left > 0) return void this.#referrers.set(subject, left)
    this.#referrers.delete(subject)
    const waiting = this.#waiting.get(subject)
    this.#waiting.delete(subject)
    if (waiting !== undefined) this.#ready[waiting.kind].add(waiting, 'next')
  }

  /** Keeps what a kept manifest reaches: for the same reason, or as not attempted. */
  #settleDependents(): void {
    const affected = new Set<DeleteStep>()
    const open = this.#failures
    this.#failures = []
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      for (const dependent of this.#dependents.get(step.id) ?? []) {
        if (affected.has(dependent) || !this.isPending(dependent)) continue
        affected.add(dependent)
        open.push(dependent)
      }
    }
    for (const step of [...affected].toSorted((a, b) => this.#order(a) - this.#order(b)))
      this.#settleAfterFailure(step)
    // their dependents are settled already
    this.#failures = []
  }

  #settleAfterFailure(step: DeleteStep): void {
    const before = step.after.flatMap((id) => this.#outcomes.get(id) ?? [])
    const bad = before.find((outcome) => !isSuccess(outcome))
    if (bad === undefined) return
    if (bad.result === 'conflict') this.settle(step, 'conflict', predecessorIsKept(step))
    else if (bad.result === 'kept' || bad.result === 'locked')
      this.settle(step, 'kept', keptWithPredecessor(step, bad))
    else this.settle(step, 'notAttempted', unattempted(`the earlier step ${bad.step} did not succeed`))
  }
}

/** Whether the result can be the answer to a delete. */
function isSent(result: DeleteOutcome['result']): boolean {
  return result !== 'conflict' && result !== 'notAttempted'
}

function isSuccess({ result }: DeleteOutcome): boolean {
  return result === 'done' || result === 'unchanged'
}

function refersTo(step: DeleteStep, subject: Digest): boolean {
  return step.kind === 'deleteManifest' && step.subject === subject
}

export function unattempted(why: string): ErrorInfo {
  return { code: 'interrupted', message: `not attempted: ${why}` }
}
