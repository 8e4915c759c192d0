import { DrayError, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import { type PruneOutcome, summarisePrune } from '../../plan/prune/prune-outcome.ts'
import type { StepId } from '../../plan/plan.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import { escapeText } from '../../render/text/escape.ts'
import { renderPruneOutcome } from '../../render/prune/prune-outcome.ts'
import { renderPrunePlan } from '../../render/prune/prune-plan.ts'
import { removeRejected } from '../../usecases/prune/review.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import { ChangeCommand } from '../changes/change-command.ts'
import { type ChangeFlags, groundsOf } from '../command/change-flags.ts'
import { parseReport, pruneToCi, type Report } from '../ci/ci-report.ts'
import { type ExitCode, exitCodes } from '../command/exit-codes.ts'
import { checkGrounds } from '../changes/grounds.ts'
import type { InUseReader } from './images-in-use.ts'
import type { KnownRepositories } from './known-repositories.ts'
import { largeDelete } from './large-delete.ts'
import { outcomeDocument, planDocument } from './prune-document.ts'
import { exitOfPrune, exitOfPrunePlan } from './prune-exit.ts'
import type { PruneReview } from './review-prune.ts'

export interface PruneChange {
  readonly plan: PrunePlan
  /** decided in this very run, not read from a file */
  readonly isFresh: boolean
  /** when its reading began, ms */
  readonly readSince: number
  /** content that was read for the plan */
  readonly contents: ContentStore | undefined
  /** asks again what runs, where a question or a file has stood between the plan and its deletes */
  readonly askWhatRuns: () => Promise<(repository: RepositoryName) => readonly TagOrDigest[]>
  /**
   * Decides a saved plan again by the policy of now. @throws `refused`, and what reading throws.
   */
  readonly review?: () => Promise<PruneReview>
  /** runs that were broken off, whose leavings this plan deals with */
  readonly takenUp: readonly string[]
}

export interface PruneFlags extends Omit<ChangeFlags, 'output'> {
  readonly metrics: string | undefined
  readonly all: boolean
}

/** The base of the commands that delete by a plan: show it, ask, carry it out, tell what became of it. */
export abstract class PruneChangeCommand extends ChangeCommand {
  /** Shows or saves a plan, and ends the command. */
  protected async showPrune(plan: PrunePlan, flags: PruneFlags): Promise<unknown> {
    if (flags.out !== undefined) {
      const { savePlan } = await import('../changes/save-plan.ts')
      await savePlan(flags.out, plan, this.context, (text) => this.warn(text))
      this.say(`Saved. To carry it out: dray apply ${escapeText(flags.out)}`)
    }
    const facts = { plan, hash: hashOfPlan(plan), outcome: undefined }
    await pruneToCi(facts, (flags.report ?? []).map(parseReport), process.env)
    const exitCode = exitOfPrunePlan(plan, flags['detailed-exitcode'])
    const { name, file } = await this.context.config()
    const text = (page: Parameters<typeof renderPrunePlan>[1]): string =>
      renderPrunePlan(plan, page, { all: flags.all, configuration: name })
    return this.finish(planDocument(plan, file), text, exitCode)
  }

  /** What runs, asked when it is needed. */
  protected asker(reader: InUseReader, known: KnownRepositories): PruneChange['askWhatRuns'] {
    return async () => {
      const inUse = await reader.read(this.reading)
      return (repository) => inUse.in(repository, known).map(({ at }) => at)
    }
  }

  /** Asks, carries a plan out, tells, and ends the command. */
  protected async carryOutPrune(change: PruneChange, flags: PruneFlags): Promise<unknown> {
    const { plan } = change
    const reports = (flags.report ?? []).map(parseReport)
    const { config } = await this.context.config()
    let review: PruneReview | undefined
    try {
      checkGrounds(plan, config, groundsOf(flags))
      review = await change.review?.()
    } catch (error) {
      await this.#recordRefusal(change, toDrayError(error), flags)
      throw error
    }
    const asks = hasSteps(plan) && !flags.yes
    for (const text of [...(review?.warnings ?? []), ...(asks ? (review?.held ?? []) : [])]) this.warn(text)
    if (asks) await this.#confirmPrune(plan, flags)
    const began = review?.readSince ?? this.context.clock.now()
    const done = await this.#execute(change, !asks, flags, review)
    const durationMs = this.context.clock.now() - (change.isFresh ? change.readSince : began)
    return await this.#tell(done, durationMs, flags, reports)
  }

  async #tell(
    { plan, outcome, record }: Done,
    durationMs: number,
    flags: PruneFlags,
    reports: readonly Report[],
  ): Promise<unknown> {
    const exitCode = exitOfPrune(outcome, this.stop)
    const isTold = [
      await this.#orWarn(() => this.context.flushRecord(this.call)),
      await this.#orWarn(() => pruneToCi({ plan, hash: hashOfPlan(plan), outcome }, reports, process.env)),
      await this.#orWarn(() => this.#writeMetrics({ plan, outcome, durationMs, exitCode }, flags)),
    ].every(Boolean)
    const ended = exitCode === exitCodes.done && !isTold ? exitCodes.failed : exitCode
    this.finish(
      { ...outcomeDocument(plan, outcome, durationMs), record },
      (page) => renderPruneOutcome(plan, outcome, page, { durationMs }),
      ended,
    )
    if (hasSteps(plan) || plan.refusals.length > 0) this.say(`Record: ${escapeText(record)}`)
    return undefined
  }

  async #writeMetrics(facts: MetricsFacts, { metrics }: PruneFlags): Promise<void> {
    if (metrics === undefined) return
    const { writeMetrics } = await import('../ci/metrics.ts')
    const { plan, outcome, durationMs, exitCode } = facts
    await writeMetrics(
      metrics,
      { plan, outcome, durationMs, isSuccess: exitCode === exitCodes.done },
      this.context.clock,
    )
  }

  /** A report that cannot be written must not hide what was done: it is a warning, and the exit code says so too. */
  async #orWarn(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      const { message, why } = toErrorInfo(error)
      this.warn(why === undefined ? message : `${message}: ${why}`)
      return false
    }
  }

  async #confirmPrune(plan: PrunePlan, flags: PruneFlags): Promise<void> {
    const { name } = await this.context.config()
    this.say(renderPrunePlan(plan, this.errorPage, { all: flags.all, configuration: name }))
    const { questions } = this
    const word = largeDelete(plan)
    if (word === undefined || questions === undefined) {
      if (await this.ask('Delete?')) return
    } else {
      const question = `This deletes much. Type ${word} to go ahead:`
      const typed = await questions.enter(question, () => undefined)
      if (typed.trim() === word) return
    }
    throw new DrayError('refused', 'nothing was deleted: the answer was no')
  }

  async #execute(
    change: PruneChange,
    askedNothing: boolean,
    flags: PruneFlags,
    review?: PruneReview,
  ): Promise<Done> {
    const { plan } = change
    const askWhatRuns =
      review === undefined ? change.askWhatRuns : this.asker(review.inUseReader, review.known)
    const { readSince, contents } = review ?? change
    const plannedJustNow = (change.isFresh || review !== undefined) && askedNothing
    const usedNow = hasSteps(plan) && !plannedJustNow ? await askWhatRuns() : review?.usedNow
    const [{ execute }, { readersOf }, { PruneState }] = await Promise.all([
      import('../../execute/execute.ts'),
      import('./prune-run.ts'),
      import('./prune-state.ts'),
    ])
    const ports = await this.context.executePorts(
      plan,
      { auditFile: flags['audit-file'], ...groundsOf(flags) },
      this.call,
    )
    const state = new PruneState(await this.context.auditPath(flags['audit-file']), this.context.clock)
    const settledIn = ({ repository }: RepositoryPlan): ReadonlySet<StepId> =>
      new Set(review?.current(repository)?.settled.keys())
    // what is not executed must not be taken for the rest of a run that was broken off
    const kept = review === undefined ? plan : removeRejected(plan, settledIn)
    if (hasSteps(kept)) await state.save(ports.runId, kept)
    const outcomes = await execute(
      plan,
      {
        ...ports,
        stop: this.stop,
        ...(plannedJustNow && { readAt: readSince }),
        reader: readersOf(plan, ports.stores, contents),
        ...(usedNow !== undefined && { usedNow }),
        ...(review !== undefined && { current: review.current }),
      },
      this.call,
    )
    if (hasSteps(kept)) await state.end(ports.runId, kept, outcomes)
    const outcome = summarisePrune(plan, outcomes)
    if (exitOfPrune(outcome, this.stop) === exitCodes.done) await state.forgetDead(change.takenUp)
    return { plan, outcome, record: ports.sink.place }
  }

  /** What dray.yaml requires and was not given: the whole plan is refused for it, on record like any other refusal. */
  async #recordRefusal(change: PruneChange, error: DrayError, flags: PruneFlags): Promise<void> {
    if (error.code !== 'refused') return
    const repositories = change.plan.repositories.map((one) => ({ ...one, steps: [] }))
    const plan = { ...change.plan, repositories, refusals: [{ error: toErrorInfo(error) }] }
    await this.#execute({ ...change, plan }, true, flags)
    await this.context.flushRecord(this.call)
  }
}

interface Done {
  readonly plan: PrunePlan
  readonly outcome: PruneOutcome
  /** where the record is */
  readonly record: string
}

interface MetricsFacts {
  readonly plan: PrunePlan
  readonly outcome: PruneOutcome
  readonly durationMs: number
  readonly exitCode: ExitCode
}

function hasSteps({ repositories }: PrunePlan): boolean {
  return repositories.some(({ steps }) => steps.length > 0)
}
