import { attachAttestation } from '../audit/attestation/attestation-artifact.ts'
import type { Actor, AuditRecord, Run } from '../audit/log/record.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import type { AuditSink } from '../audit/log/sink.ts'
import type { Call } from '../lib/call.ts'
import type { Clock } from '../lib/clock.ts'
import { DrayError, isDrayError, toErrorInfo } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { StepOutcome } from '../plan/outcome.ts'
import { hashOfPlan } from '../plan/plan-hash.ts'
import type { AttestStep, Placement, PlacementId, Plan, Step, StepId } from '../plan/plan.ts'
import { Semaphore } from '../lib/semaphore.ts'
import { Copier } from '../images/copy.ts'
import type { Repositories } from '../images/ports.ts'
import { findObstacles, noObstacles, type Obstacles, type ReviewedSteps } from './prune/obstacles.ts'
import { promotionOf } from './promotion.ts'
import { type Check, TagChecks } from './check-tag.ts'
import { failure, notAttempted, succeeded } from './step-outcomes.ts'
import { TagWriter } from './tag-writer.ts'
import { prepareStep, type PreparedStep, type StepPorts } from './steps.ts'

/** Steps under way at once; below it, blobs and requests have limits of their own. */
const stepsAtOnce = 32
/** What was read of a tag counts as read just before its write for so long, where nothing has come between. */
const momentMs = 2_000

export interface ExecutePorts {
  readonly stores: Repositories
  /** without a place for records there is no change */
  readonly sink: AuditSink
  readonly clock: Clock
  readonly actor: Actor
  /** why, in a person's words, and the ticket that asked for it */
  readonly reason?: string
  readonly ticket?: string
  /** signs attestations; without it they are plain statements */
  readonly signingKey?: SigningKey
  /** version of dray, for the records */
  readonly tool: string
  readonly newId: () => string
  /** of this run, unique */
  readonly runId: string
  /** aborted: no new step is begun, content under way is given up, a tag being written is finished */
  readonly stop: AbortSignal
  /**
   * The plan was made a moment ago, and neither a question nor a file has stood between: content that the plan did not find is not looked for
   * again before it is put. Tags are read again in any case.
   */
  readonly plannedJustNow: boolean
  /**
   * With `plannedJustNow`, where a plan has read nothing that takes long: when it began to read, ms. For a moment from then on its reading of the tags is
   * the check; a plan that took longer (a list of many pages, a registry that makes wait) has seen tags that may be others by now.
   */
  readonly readSince?: number
  /** what a review of a saved plan found: see `Reviewed` */
  readonly reviewed?: ReviewedSteps
}

/**
 * Carries out a plan: for each step, in the order of `after` and else side by side, re-checks what the plan expected, writes the intent, acts, writes
 * the outcome. A step whose predecessor did not succeed is not attempted. Resolves with an outcome for every step, also after a failure or a stop.
 * @throws `audit` where a record cannot be written; what was under way is ended first.
 */
export async function execute(plan: Plan, ports: ExecutePorts, call: Call): Promise<readonly StepOutcome[]> {
  return new Execution(plan, ports, call).run()
}

class Execution {
  readonly #plan: Plan
  readonly #ports: ExecutePorts
  readonly #call: Call
  readonly #run: Run
  readonly #stepPorts: StepPorts
  readonly #slots = new Semaphore(stepsAtOnce)
  readonly #placements: ReadonlyMap<PlacementId, Placement>
  readonly #kinds: ReadonlyMap<StepId, Step['kind']>
  readonly #outcomes = new Map<StepId, Promise<StepOutcome>>()
  /** resolves when a step begins to act; never for one that does not */
  readonly #begun = new Map<StepId, PromiseWithResolvers<void>>()
  /** aborted by a record that cannot be written: nothing may change any more */
  readonly #unrecorded = new AbortController()

  constructor(plan: Plan, ports: ExecutePorts, call: Call) {
    this.#plan = plan
    this.#placements = new Map(plan.placements.map((placement) => [placement.id, placement]))
    this.#kinds = new Map(plan.steps.map(({ id, kind }) => [id, kind]))
    this.#ports = ports
    this.#call = { ...call, signal: AbortSignal.any([call.signal, this.#unrecorded.signal]) }
    this.#run = {
      id: ports.runId,
      operation: plan.operation,
      plan: hashOfPlan(plan),
      policy: plan.policy,
      actor: ports.actor,
      ...(ports.reason !== undefined && { reason: ports.reason }),
      ...(ports.ticket !== undefined && { ticket: ports.ticket }),
      tool: ports.tool,
    }
    const copier = new Copier()
    this.#stepPorts = {
      stores: ports.stores,
      copier,
      writer: new TagWriter(ports.stores, copier),
      attest: (step, inner) => this.#attest(step, inner),
      lookFirst: !ports.plannedJustNow,
      tags: new TagChecks(ports.stores, ports.clock),
      isOfThisMoment: () =>
        ports.plannedJustNow &&
        ports.readSince !== undefined &&
        ports.clock.now() - ports.readSince <= momentMs,
      call: this.#call,
      // Content may be given up at any moment and is taken up by the next run; a tag is one request, and it is finished.
      contentCall: { ...this.#call, signal: AbortSignal.any([this.#call.signal, ports.stop]) },
    }
  }

  async run(): Promise<readonly StepOutcome[]> {
    await this.#recordRefusals()
    const { plannedJustNow, reviewed } = this.#ports
    const plan = { ...this.#plan, steps: this.#plan.steps.map((step) => this.#strengthened(step)) }
    const obstacles = plannedJustNow ? noObstacles : await findObstacles(plan, this.#stepPorts, reviewed)
    for (const step of this.#plan.steps) {
      this.#begun.set(step.id, Promise.withResolvers<void>())
      this.#outcomes.set(step.id, this.#perform(step, obstacles))
    }
    const settled = await Promise.allSettled(this.#outcomes.values())
    const unrecorded = settled.find((one) => one.status === 'rejected')
    if (unrecorded !== undefined) throw unrecorded.reason
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /** A step with what a review found that it must rest on; the audit records show it as the plan has it. */
  #strengthened(step: Step): Step {
    const more = this.#ports.reviewed?.expect.get(step.id)
    return more === undefined ? step : { ...step, expect: [...step.expect, ...more] }
  }

  async #perform(step: Step, obstacles: Obstacles): Promise<StepOutcome> {
    const own = obstacles.found.get(step.id)
    if (own !== undefined) return this.#recordOutcome(step, undefined, failure(step, own))
    if (obstacles.placements.has(step.placement)) {
      return notAttempted(step, 'another step of this image cannot be done')
    }
    const prepared = prepareStep(this.#strengthened(step), this.#stepPorts, this.#beginOfCopyBefore(step))
    const before = await Promise.all(step.after.flatMap((id) => this.#outcomes.get(id) ?? []))
    const failed = before.find((outcome) => outcome.result !== 'done' && outcome.result !== 'unchanged')
    if (failed !== undefined) return notAttempted(step, `step ${failed.step} of this plan did not succeed`)
    // refused only where the signal is aborted
    const free = await this.#slots.acquire(this.#call.signal).catch(() => undefined)
    try {
      if (this.#ports.stop.aborted) return notAttempted(step, 'the run was stopped')
      if (this.#call.signal.aborted) return notAttempted(step, toErrorInfo(this.#call.signal.reason).message)
      return await this.#act(step, prepared, before)
    } finally {
      free?.()
    }
  }

  /** Where one copy comes before a step and nothing else: resolves when that copy begins to act. */
  #beginOfCopyBefore({ after: [before, ...others] }: Step): Promise<void> | undefined {
    if (before === undefined || others.length > 0 || this.#kinds.get(before) !== 'copy') return undefined
    return this.#begun.get(before)?.promise
  }

  async #act(step: Step, prepared: PreparedStep, before: readonly StepOutcome[]): Promise<StepOutcome> {
    let check: Check
    try {
      check = await prepared.check(before)
    } catch (error) {
      return this.#recordOutcome(step, undefined, failure(step, this.#reasonFor(error)))
    }
    if (check.state === 'asWanted')
      return this.#recordOutcome(step, check.before, succeeded(step, 'unchanged'))
    await this.#write([
      this.#record(step, 'intent', { ...(check.before !== undefined && { before: check.before }) }),
    ])
    this.#begun.get(step.id)?.resolve()
    return this.#recordOutcome(step, check.before, await this.#outcomeOf(step, prepared))
  }

  async #outcomeOf(step: Step, prepared: PreparedStep): Promise<StepOutcome> {
    try {
      // another step's record may have failed while this one's was written
      this.#unrecorded.signal.throwIfAborted()
      return succeeded(step, 'done', await prepared.act())
    } catch (error) {
      return failure(step, this.#reasonFor(error))
    }
  }

  async #recordOutcome(
    step: Step,
    before: Digest | null | undefined,
    outcome: StepOutcome,
  ): Promise<StepOutcome> {
    const { result, error } = outcome
    const isSo = step.kind === 'tag' && (result === 'done' || result === 'unchanged')
    const record = this.#record(step, 'outcome', {
      ...(before !== undefined && { before }),
      ...(isSo && { after: step.target.digest }),
      ...(result !== 'notAttempted' && { result }),
      ...(error !== undefined && { error }),
    })
    await this.#write([record])
    return outcome
  }

  /** What was aborted failed for the reason of the abort, however the layers below worded it. */
  #reasonFor(error: unknown): unknown {
    if (isDrayError(error) && error.code === 'conflict') return error
    if (this.#call.signal.aborted) return this.#call.signal.reason
    return this.#ports.stop.aborted ? this.#ports.stop.reason : error
  }

  async #attest(step: AttestStep, call: Call): Promise<void> {
    const placement = this.#placements.get(step.placement)
    if (placement === undefined) throw new DrayError('internal', `step ${step.id} belongs to no placement`)
    const promotion = promotionOf(this.#plan, placement, this.#run, new Date(this.#ports.clock.now()))
    const { signingKey } = this.#ports
    await attachAttestation(
      this.#ports.stores.target(step.repository),
      { promotion, subject: step.subject, ...(signingKey !== undefined && { key: signingKey }) },
      call,
    )
  }

  async #recordRefusals(): Promise<void> {
    if (this.#plan.refusals.length === 0) return
    const placements = this.#plan.placements
    await this.#write(
      this.#plan.refusals.map(({ image, placement: id, error }) => {
        const placement = placements.find((one) => (id === undefined ? one.image === image : one.id === id))
        return { ...this.#base(), phase: 'refused', image, ...environmentOf(placement), error }
      }),
    )
  }

  #base(): Omit<AuditRecord, 'phase'> {
    const { id: run, ...rest } = this.#run
    return {
      schema: 'dray.audit/1',
      id: this.#ports.newId(),
      run,
      time: new Date(this.#ports.clock.now()).toISOString(),
      ...rest,
    }
  }

  #record(step: Step, phase: AuditRecord['phase'], rest: Partial<AuditRecord>): AuditRecord {
    const placement = this.#placements.get(step.placement)
    return {
      ...this.#base(),
      phase,
      step,
      ...(placement !== undefined && { image: placement.image }),
      ...environmentOf(placement),
      ...rest,
    }
  }

  async #write(records: readonly AuditRecord[]): Promise<void> {
    try {
      await this.#ports.sink.write(records)
    } catch (cause) {
      const error =
        isDrayError(cause) && cause.code === 'audit'
          ? cause
          : new DrayError('audit', `the record cannot be written to ${this.#ports.sink.place}`, { cause })
      this.#unrecorded.abort(error)
      throw error
    }
  }
}

/** The environments that an image goes between, where it does. */
function environmentOf(placement: Placement | undefined): Pick<AuditRecord, 'environment'> {
  const { environment: from } = placement?.from ?? {}
  const { environment: to } = placement?.to ?? {}
  if (from === undefined && to === undefined) return {}
  return { environment: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) } }
}
