import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { EndedDelete } from './prune-records.ts'
import { heldBack } from './survivors.ts'

/** The outcome of a step that a review decided before any delete. */
export type Settled = Pick<DeleteOutcome, 'result' | 'error'>

/** Which steps of a repository have ended, and which may come next. Each step costs time in proportion to its `after`. */
export class DeleteLedger {
  readonly #steps: readonly DeleteStep[]
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
  readonly #putOff = new Set<StepId>()
  readonly #ready: Readonly<Record<DeleteStep['kind'], ReadySteps>>
  /** steps that did not succeed, whose dependents are still to be settled */
  #failures: DeleteStep[] = []
  #unrecorded: EndedDelete[] = []

  constructor({ steps }: RepositoryPlan) {
    this.#steps = steps
    this.#pending = new Map(steps.map((step) => [step.id, step]))
    this.#positions = new Map(steps.map(({ id }, i) => [id, i]))
    const order = this.#order.bind(this)
    this.#ready = { deleteManifest: new ReadySteps(order), deleteTag: new ReadySteps(order) }
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
   * At most `most` steps whose predecessors have all succeeded. The caller settles each of them or puts it off: none is given
   * twice otherwise. Steps after another step come first, so that a run that is killed leaves as few orphaned manifests as possible.
   */
  takeReady(kind: DeleteStep['kind'], most: number): readonly DeleteStep[] {
    this.#settleDependents()
    return this.#ready[kind].take(most, (step) => this.isPending(step))
  }

  /**
   * Lets the attached artifacts of a manifest be deleted before it, if a registry wants it so; then the manifest is ready again. False if
   * the plan deletes no referrer of it, or that was tried.
   */
  putOff(step: DeleteStep): boolean {
    if (step.kind !== 'deleteManifest' || this.#putOff.has(step.id)) return false
    const { digest } = step.target
    if (!this.#referrers.has(digest)) return false
    this.#putOff.add(step.id)
    this.#waiting.set(digest, step)
    for (const dependent of this.#dependents.get(step.id) ?? [])
      if (refersTo(dependent, digest)) this.#meet(dependent)
    return true
  }

  settle(step: DeleteStep, result: DeleteOutcome['result'], error?: ErrorInfo): void {
    if (this.#outcomes.has(step.id)) return
    const { id, repository } = step
    const outcome = { step: id, repository, result, ...(error !== undefined && { error }) }
    this.#end(step, outcome)
    this.#unrecorded.push({ step, outcome })
  }

  settleKnown(settled: ReadonlyMap<StepId, Settled>): void {
    for (const step of this.#steps) {
      const known = settled.get(step.id)
      if (known !== undefined) this.settle(step, known.result, known.error)
    }
  }

  /** Settles the steps that must not happen, and those after them, in the order of the plan. */
  settleConflicts(conflicts: ReadonlyMap<DeleteStep, ErrorInfo>): void {
    for (const [step, error] of [...conflicts].toSorted(([a], [b]) => this.#order(a) - this.#order(b)))
      this.settle(step, 'conflict', error)
    this.#settleDependents()
  }

  /** The step has failed for this run and nobody saw its result: its intent stays open, and the next run checks it. */
  leaveOpen(step: DeleteStep, error: ErrorInfo): void {
    this.#end(step, { step: step.id, repository: step.repository, result: 'failed', error })
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

  #end(step: DeleteStep, outcome: DeleteOutcome): void {
    this.#outcomes.set(step.id, outcome)
    if (!this.#pending.delete(step.id)) return
    this.#countReferrer(step, -1)
    if (!isSuccess(outcome)) {
      this.#failures.push(step)
      return
    }
    for (const dependent of this.#dependents.get(step.id) ?? []) {
      // a step that was put off no longer holds back its referrers
      const isMet = this.#putOff.has(step.id) && refersTo(dependent, digestOf(step))
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

  /** Whatever a manifest that stays reaches is kept as well, for the same reason or unattempted. */
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
    // these have passed it on already
    this.#failures = []
  }

  #settleAfterFailure(step: DeleteStep): void {
    const before = step.after.flatMap((id) => this.#outcomes.get(id) ?? [])
    const bad = before.find((outcome) => !isSuccess(outcome))
    if (bad === undefined) return
    if (bad.result === 'conflict') this.settle(step, 'conflict', heldBack(step))
    else if (bad.result === 'kept') this.settle(step, 'kept', keptWith(step, bad))
    else this.settle(step, 'notAttempted', unattempted(`step ${bad.step} of this plan did not succeed`))
  }
}

/** Steps that are ready, without a search: each is added when its last predecessor ends. */
class ReadySteps {
  readonly #order: (step: DeleteStep) => number
  readonly #first = new Queue()
  readonly #later = new Queue()
  /** not in order yet: steps of one wave end in any order */
  #added: DeleteStep[] = []

  /** @param order the position of a step in the plan */
  constructor(order: (step: DeleteStep) => number) {
    this.#order = order
  }

  /** @param when `next`: before the steps that follow no other */
  add(step: DeleteStep, when?: 'next'): void {
    if (step.after.length > 0 || when === 'next') this.#added.push(step)
    else this.#later.add(step)
  }

  /** Removes and returns at most `most` steps; those that are not `isMeant` are dropped. */
  take(most: number, isMeant: (step: DeleteStep) => boolean): readonly DeleteStep[] {
    for (const step of this.#added.sort((a, b) => this.#order(a) - this.#order(b))) this.#first.add(step)
    this.#added = []
    const taken: DeleteStep[] = []
    while (taken.length < most) {
      const step = this.#first.take() ?? this.#later.take()
      if (step === undefined) break
      if (isMeant(step)) taken.push(step)
    }
    return taken
  }
}

/** First in, first out; `shift` of a long array moves all of it. */
class Queue {
  #steps: DeleteStep[] = []
  #taken = 0

  add(step: DeleteStep): void {
    this.#steps.push(step)
  }

  take(): DeleteStep | undefined {
    const step = this.#steps[this.#taken]
    if (step !== undefined) this.#taken += 1
    return step
  }
}

function isSuccess({ result }: DeleteOutcome): boolean {
  return result === 'done' || result === 'unchanged'
}

function refersTo(step: DeleteStep, subject: Digest): boolean {
  return step.kind === 'deleteManifest' && step.subject === subject
}

function digestOf(step: DeleteStep): Digest {
  return step.kind === 'deleteTag' ? step.digest : step.target.digest
}

export function unattempted(why: string): ErrorInfo {
  return { code: 'interrupted', message: `not attempted: ${why}` }
}

/** The registry's words about what it kept, of what that leads to. */
function keptWith(step: DeleteStep, { error }: DeleteOutcome): ErrorInfo {
  return { ...heldBack(step), code: 'unsupported', hint: error?.hint ?? 'The registry does not delete it.' }
}
