import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { EndedDelete } from './prune-records.ts'
import { heldBack } from './survivors.ts'

/** The outcome of a step that a review decided before any delete. */
export type Settled = Pick<DeleteOutcome, 'result' | 'error'>

/** What of a repository's steps has ended, and what may come next. */
export class DeleteLedger {
  readonly #steps: readonly DeleteStep[]
  readonly #outcomes = new Map<StepId, DeleteOutcome>()
  /** subjects that wait for their evidence, by digest */
  readonly #waiting = new Map<StepId, Digest>()
  #unrecorded: EndedDelete[] = []

  constructor({ steps }: RepositoryPlan) {
    this.#steps = steps
  }

  get outcomes(): readonly DeleteOutcome[] {
    return [...this.#outcomes.values()]
  }

  /** steps that have ended, of how many */
  get progress(): { readonly done: number; readonly of: number } {
    return { done: this.#outcomes.size, of: this.#steps.length }
  }

  /** in the order of the plan */
  pending(kind?: DeleteStep['kind']): readonly DeleteStep[] {
    return this.#steps.filter(
      (step) => !this.#outcomes.has(step.id) && (kind === undefined || step.kind === kind),
    )
  }

  isPending({ id }: DeleteStep): boolean {
    return !this.#outcomes.has(id)
  }

  /**
   * Steps whose predecessors have all succeeded. What belonged to something that is gone comes first, so that a run that is killed leaves as little as can
   * be without what it belonged to.
   */
  ready(kind: DeleteStep['kind']): readonly DeleteStep[] {
    this.#holdBack()
    const ready = this.pending(kind).filter((step) => this.#isReady(step))
    return [
      ...ready.filter(({ after }) => after.length > 0),
      ...ready.filter(({ after }) => after.length === 0),
    ]
  }

  /**
   * Lets the evidence of a manifest go before it, where a registry wants it so; then its turn comes again. False where no evidence of it is to go, or that
   * was tried.
   */
  putOff(step: DeleteStep): boolean {
    if (step.kind !== 'deleteManifest' || this.#waiting.has(step.id)) return false
    if (!this.#hasEvidence(step.target.digest)) return false
    this.#waiting.set(step.id, step.target.digest)
    return true
  }

  settle(step: DeleteStep, result: DeleteOutcome['result'], error?: ErrorInfo): void {
    if (this.#outcomes.has(step.id)) return
    const { id, repository } = step
    const outcome = { step: id, repository, result, ...(error !== undefined && { error }) }
    this.#outcomes.set(id, outcome)
    this.#unrecorded.push({ step, outcome })
  }

  settleKnown(settled: ReadonlyMap<StepId, Settled>): void {
    for (const step of this.#steps) {
      const known = settled.get(step.id)
      if (known !== undefined) this.settle(step, known.result, known.error)
    }
  }

  /** It has failed for this run, and nobody saw what became of it: its intent stays open, and the next run looks. */
  leaveOpen(step: DeleteStep, error: ErrorInfo): void {
    this.#outcomes.set(step.id, { step: step.id, repository: step.repository, result: 'failed', error })
  }

  settleAll(steps: readonly DeleteStep[], result: DeleteOutcome['result'], error: ErrorInfo): void {
    for (const step of steps) this.settle(step, result, error)
  }

  /** What has ended and was not taken yet. */
  takeUnrecorded(): readonly EndedDelete[] {
    const taken = this.#unrecorded
    this.#unrecorded = []
    return taken
  }

  #isReady(step: DeleteStep): boolean {
    const subject = step.kind === 'deleteManifest' ? step.subject : undefined
    const waits = this.#waiting.get(step.id)
    if (waits !== undefined && this.#hasEvidence(waits)) return false
    return step.after.every(
      (id) => this.#outcomes.has(id) || (subject !== undefined && this.#waiting.get(id) === subject),
    )
  }

  #hasEvidence(of: Digest): boolean {
    return this.pending('deleteManifest').some(
      (step) => step.kind === 'deleteManifest' && step.subject === of,
    )
  }

  /** What a manifest that stays leads to stays as well: for the same reason, or unattempted. In the order of the plan, so that it reaches to the end. */
  #holdBack(): void {
    for (const step of this.pending()) {
      const before = step.after.flatMap((id) => this.#outcomes.get(id) ?? [])
      const bad = before.find(({ result }) => result !== 'done' && result !== 'unchanged')
      if (bad === undefined) continue
      if (bad.result === 'conflict') this.settle(step, 'conflict', heldBack(step))
      else if (bad.result === 'kept') this.settle(step, 'kept', keptWith(step, bad))
      else this.settle(step, 'notAttempted', unattempted(`step ${bad.step} of this plan did not succeed`))
    }
  }
}

export function unattempted(why: string): ErrorInfo {
  return { code: 'interrupted', message: `not attempted: ${why}` }
}

/** The registry's words about what it kept, of what that leads to. */
function keptWith(step: DeleteStep, { error }: DeleteOutcome): ErrorInfo {
  return { ...heldBack(step), code: 'unsupported', hint: error?.hint ?? 'The registry does not delete it.' }
}
