import { type Call, firstOf } from '../../lib/call.ts'
import { isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { Semaphore } from '../../lib/semaphore.ts'
import type { Digest } from '../../oci/digest.ts'
import type { StepOutcome } from '../../plan/outcome.ts'
import { writtenTag } from '../../plan/attempts/written-tag.ts'
import { isOfTag, type Plan, type Step, type StepId } from '../../plan/plan.ts'
import type { Obstacle } from '../../plan/review.ts'
import { Copier } from '../../images/copy.ts'
import type { UnlistedReferrer } from '../../images/ports.ts'
import type { ExecutePorts } from '../ports.ts'
import type { RecordWriter } from '../records/record-writer.ts'
import { ImageFields } from '../records/image-fields.ts'
import { RecordGroups } from '../records/record-groups.ts'
import { TagChecks } from '../tags/tag-checks.ts'
import { TagWriter } from '../tags/tag-writer.ts'
import { listReferrersOnce } from './attach.ts'
import { attest } from './attest.ts'
import { findFailedPreconditions, placementsOf } from './failed-preconditions.ts'
import { prepareStep } from './prepare-step.ts'
import type {
  Acted,
  PerformedStep,
  PreparedStep,
  StartedStep,
  StepCheck,
  StepContext,
  StepOrder,
} from './prepared-step.ts'
import { ReferrerLists } from './referrer-lists.ts'
import { failure, notAttempted, succeeded } from './step-outcomes.ts'

/** Steps that are executed at once. Blobs and requests have limits of their own. */
const stepsAtOnce = 32

/** Executes the steps of a plan in the order of `after`, and else side by side. */
export class PlanExecution {
  readonly #plan: Plan
  readonly #ports: ExecutePorts
  readonly #records: RecordWriter
  readonly #groups: RecordGroups
  /** the outcomes that are or will be written; a step does not wait for them */
  readonly #outcomes: Promise<void>[] = []
  readonly #call: Call
  readonly #context: StepContext
  readonly #slots = new Semaphore(stepsAtOnce)
  readonly #fields: ImageFields
  readonly #kinds: ReadonlyMap<StepId, Step['kind']>
  readonly #lists: ReferrerLists
  readonly #started = new Map<StepId, StartedStep>()
  /** resolves when a step begins to act; never for a step that does not */
  readonly #begun = new Map<StepId, PromiseWithResolvers<void>>()

  constructor(plan: Plan, ports: ExecutePorts, records: RecordWriter, call: Call) {
    this.#plan = plan
    this.#ports = ports
    this.#records = records
    this.#groups = new RecordGroups(records, ports.clock)
    this.#fields = new ImageFields(plan)
    this.#kinds = new Map(plan.steps.map(({ id, kind }) => [id, kind]))
    this.#call = { ...call, signal: firstOf(call.signal, records.failed) }
    const { stores, clock, gates, readAt, reviewed, signingKey, stop, tagLocks: locks } = ports
    const copier = new Copier()
    const contentCall = { ...this.#call, signal: firstOf(this.#call.signal, stop) }
    this.#lists = new ReferrerLists(plan.steps, stores, contentCall)
    this.#context = {
      stores,
      copier,
      tags: new TagWriter({ stores, copier, checks: new TagChecks(stores, clock), clock, locks, gates }),
      clock,
      attest: (step, inner) =>
        attest(step, plan, stores, { run: records.run, time: new Date(clock.now()), signingKey }, inner),
      checkGatesOfUntagged: async ({ placement }) =>
        this.#fields.hasTag(placement) ? undefined : await gates?.check(placement, contentCall),
      // a reviewed plan comes from a file: its steps do not say what the review read
      ...(readAt !== undefined && reviewed === undefined && { plannedAt: readAt }),
      isSync: plan.operation === 'sync',
      checksContent: readAt === undefined || reviewed !== undefined,
      call: this.#call,
      contentCall,
      listReferrers: listReferrersOnce(stores, contentCall),
    }
  }

  /** Resolves with an outcome for every step. @throws `audit` if a record cannot be written */
  async run(): Promise<readonly StepOutcome[]> {
    await this.#recordRefusals()
    const steps = this.#plan.steps.map((step) => this.#strengthened(step))
    const known = this.#ports.reviewed?.obstacles ?? new Map<StepId, Obstacle>()
    const isRead = this.#ports.readAt !== undefined
    const failed = isRead ? known : await findFailedPreconditions(steps, known, this.#context)
    const failedPlacements = placementsOf(steps, failed)
    for (const step of this.#plan.steps) {
      const obstacle = failed.get(step.id)
      this.#begun.set(step.id, Promise.withResolvers<void>())
      const performed =
        obstacle !== undefined
          ? this.#recorded(step, failure(step, obstacle.error, obstacle.found))
          : failedPlacements.has(step.placement)
            ? Promise.resolve(skipped(step, 'another step of this image has a conflict'))
            : this.#perform(step)
      this.#started.set(step.id, { step, performed, listed: this.#list(step, performed) })
    }
    const started = [...this.#started.values()]
    await Promise.allSettled(started.map(({ listed }) => listed))
    await this.#lists.confirm()
    const ended = await Promise.allSettled(started.map((one) => this.#end(one)))
    this.#groups.close()
    const settled = [...(await Promise.allSettled(this.#outcomes)), ...ended]
    const unrecorded = settled.find((one) => one.status === 'rejected')
    if (unrecorded !== undefined) throw unrecorded.reason
    return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /** Lists what a step has pushed, together with what other steps push for the same subject. */
  async #list(step: Step, performed: Promise<PerformedStep>): Promise<StepOutcome> {
    const { outcome, unlisted } = await performed.catch((error: unknown) => {
      // the lists do not wait for a step that has no outcome
      this.#lists.release(step)
      throw error
    })
    try {
      await this.#lists.write(step, unlisted)
      return outcome
    } catch (error) {
      return this.#unlisted(step, outcome, error)
    }
  }

  /** The outcome of a step at the end of the run, when the lists of referrers are confirmed. */
  async #end({ step, performed, listed }: StartedStep): Promise<StepOutcome> {
    const [outcome, { unlisted }] = [await listed, await performed]
    if (unlisted.length === 0) return outcome
    return await this.#recordOutcome(step, this.#confirmed(step, outcome, unlisted))
  }

  #confirmed(step: Step, listed: StepOutcome, unlisted: readonly UnlistedReferrer[]): StepOutcome {
    if (listed.isUnlisted === true) return listed
    try {
      this.#lists.check(step, unlisted)
      return listed
    } catch (error) {
      return this.#unlisted(step, listed, error)
    }
  }

  #unlisted(step: Step, { before, transferred }: StepOutcome, error: unknown): StepOutcome {
    return { ...failure(step, this.#reasonFor(error), before), transferred, isUnlisted: true }
  }

  /**
   * The step with what a review adds to its preconditions. Audit records show the step of the plan.
   */
  #strengthened(step: Step): Step {
    const more = this.#ports.reviewed?.expect.get(step.id)
    return more === undefined ? step : { ...step, expect: [...step.expect, ...more] }
  }

  async #perform(step: Step): Promise<PerformedStep> {
    const prepared = prepareStep(this.#strengthened(step), this.#context, this.#orderOf(step))
    const before = await Promise.all(step.after.flatMap((id) => this.#awaited(step, id)))
    const failed = before.find((outcome) => outcome.result !== 'done' && outcome.result !== 'unchanged')
    if (failed !== undefined) return skipped(step, `the earlier step ${failed.step} did not succeed`)
    // rejects only if the signal is aborted
    const release = await this.#slots.acquire(this.#call.signal).catch(() => undefined)
    this.#groups.begin()
    try {
      if (this.#ports.stop.aborted) return skipped(step, 'the run was stopped')
      if (this.#call.signal.aborted) return skipped(step, toErrorInfo(this.#call.signal.reason).message)
      return await this.#checkAndAct(step, prepared)
    } finally {
      this.#groups.end()
      release?.()
    }
  }

  /**
   * The steps and lists that a step waits for. A tag waits until the attached artifacts are listed.
   * Content waits for content that is pushed, so that one write lists all referrers of a subject.
   */
  #awaited({ kind }: Step, before: StepId): readonly Promise<StepOutcome>[] {
    const started = this.#started.get(before)
    if (started === undefined) return []
    return [kind === 'tag' ? started.listed : started.performed.then(({ outcome }) => outcome)]
  }

  #orderOf({ after }: Step): StepOrder {
    const [first, ...others] = after
    const isAfterCopy = first !== undefined && others.length === 0 && this.#kinds.get(first) === 'copy'
    return {
      followsContent: after.some((id) => this.#kinds.get(id) !== 'tag'),
      copyBegun: isAfterCopy ? this.#begun.get(first)?.promise : undefined,
    }
  }

  async #checkAndAct(step: Step, prepared: PreparedStep): Promise<PerformedStep> {
    let check: StepCheck
    try {
      check = await prepared.check()
    } catch (error) {
      return await this.#recorded(step, failure(step, this.#reasonFor(error)))
    }
    const found = 'found' in check ? check.found : undefined
    if (check.state === 'conflict') return await this.#recorded(step, failure(step, check.error, found))
    if (check.state === 'upToDate') return await this.#recorded(step, succeeded(step, 'unchanged', found))
    const acted = await this.#act(step, prepared, found)
    return acted.unlisted.length > 0 ? acted : await this.#recorded(step, acted.outcome)
  }

  async #recorded(step: Step, outcome: StepOutcome): Promise<PerformedStep> {
    return { outcome: await this.#recordOutcome(step, outcome), unlisted: [] }
  }

  /** @throws `audit` if the intent cannot be written */
  async #act(step: Step, prepared: PreparedStep, found: Digest | null | undefined): Promise<PerformedStep> {
    let isRecorded = false
    const recordIntent = async (): Promise<void> => {
      await this.#groups.intent({
        ...this.#fields.ofStep(step),
        ...(found !== undefined && { before: found }),
      })
      isRecorded = true
      this.#begun.get(step.id)?.resolve()
      // the record of another step may have failed in the meantime
      this.#records.failed.throwIfAborted()
    }
    let acted: Acted
    try {
      acted = await prepared.act(recordIntent)
    } catch (error) {
      if (!isRecorded) throw error
      return { outcome: failure(step, this.#reasonFor(error), found), unlisted: [] }
    }
    const { result = 'done', before, transferred, unlisted = [], error } = acted
    if (result === 'failed') return { outcome: failure(step, this.#reasonFor(error), before), unlisted: [] }
    return { outcome: succeeded(step, result, before, transferred), unlisted }
  }

  /** An interrupted step failed for the reason of the abort. Its own error does not matter. */
  #reasonFor(error: unknown): unknown {
    if (isDrayError(error) && error.code === 'conflict') return error
    if (this.#call.signal.aborted) return this.#call.signal.reason
    return this.#ports.stop.aborted ? this.#ports.stop.reason : error
  }

  async #recordRefusals(): Promise<void> {
    await this.#records.refusals(this.#plan.refusals.map((one) => this.#fields.ofRefusal(one)))
  }

  /**
   * The intent of a later step is written in the same group or after it, so that the log has the
   * outcome before the later step changes anything.
   */
  async #recordOutcome(step: Step, ended: StepOutcome): Promise<StepOutcome> {
    const outcome = ended.result === 'conflict' ? await this.#explain(step, ended) : ended
    const { result, before, error, movedBy, gates } = outcome
    const isUpToDate = step.kind === 'tag' && (result === 'done' || result === 'unchanged')
    const written = this.#groups.outcome({
      ...this.#fields.ofStep(step, gates),
      ...(before !== undefined && { before }),
      ...(isUpToDate && { after: step.target.digest }),
      ...(result !== 'notAttempted' && { result }),
      ...(error !== undefined && { error }),
      ...(movedBy !== undefined && { movedBy }),
    })
    written.catch(() => undefined)
    this.#outcomes.push(written)
    return outcome
  }

  /** Adds what refused the step: its gates, or the run that moved its tag. */
  async #explain(step: Step, conflict: StepOutcome): Promise<StepOutcome> {
    const gates = this.#ports.gates?.refused(step.placement)
    if (gates !== undefined && !hasMoved(step, conflict)) return { ...conflict, gates }
    const { explainConflict } = await import('../records/explain-conflict.ts')
    return await explainConflict(step, conflict, this.#ports.conflicts)
  }
}

/** Whether the tag of a step is not as the step expects it. */
function hasMoved(step: Step, { before }: StepOutcome): boolean {
  const tag = writtenTag(step)
  const own = tag && step.expect.find((one) => isOfTag(one, tag.repository, tag.tag))
  return own !== undefined && before !== undefined && own.digest !== before
}

function skipped(step: Step, why: string): PerformedStep {
  return { outcome: notAttempted(step, why), unlisted: [] }
}
