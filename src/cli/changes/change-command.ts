import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { ExecutePorts } from '../../execute/ports.ts'
import { formatAt } from '../../oci/reference.ts'
import { type RunOutcome, summarise } from '../../plan/outcome.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import type { PlacementId, Plan } from '../../plan/plan.ts'
import type { Reviewed } from '../../plan/review.ts'
import { escapeText } from '../../render/text/escape.ts'
import { renderOutcome } from '../../render/outcome.ts'
import { renderPlan } from '../../render/plan.ts'
import type { Page } from '../../render/text/style.ts'
import type { AskPorts } from '../terminal/ask-images.ts'
import { BaseCommand } from '../command/base-command.ts'
import { parseReport, type Report, reportToCi } from '../ci/ci-report.ts'
import type { Answers } from '../command/command-line.ts'
import { type ChangeFlags, groundsOf } from '../command/change-flags.ts'
import { exitCodes } from '../command/exit-codes.ts'
import { checkGrounds } from './grounds.ts'
import { keepHeapSmall } from '../wiring/small-heap.ts'
import { exitOfOutcome, exitOfPlan, isGood, isPlaced } from '../command/run-exit.ts'

export interface Change {
  readonly plan: Plan
  /** when the reading began on which the plan rests, in milliseconds; absent if the plan comes from a file */
  readonly readAt?: number
  /**
   * Decides a saved plan again by the rules of now, before anything is changed.
   * @throws `refused`, `conflict`, and what the registries throw.
   */
  readonly review?: () => Promise<Reviewed>
  /**
   * `--verify`: what a plan has placed is read back piece by piece, and what is missing is planned anew; a plan without steps means that all of it is
   * there. @throws `conflict` where a tag was moved by someone else meanwhile.
   */
  readonly verify?: (plan: Plan, placed: ReadonlySet<PlacementId>) => Promise<Plan>
}

interface Done {
  readonly plan: Plan
  readonly outcome: RunOutcome
  /** where the record is */
  readonly record: string
  readonly verified?: boolean
}

/** What is known of the present state when a plan is carried out. */
type Moment = Pick<ExecutePorts, 'readAt' | 'reviewed'>

/** The rounds of mending that `--verify` tries before it gives up. */
const repairRounds = 2

/** The base of the commands that change a registry: show the plan, ask, carry it out, tell what became of it. */
export abstract class ChangeCommand extends BaseCommand {
  protected override readonly graceful = true

  /** For what only reads: it ends with the first Ctrl-C, for there is nothing to finish. */
  protected get reading(): Call {
    return { ...this.call, signal: AbortSignal.any([this.call.signal, this.stop]) }
  }

  /** Who can be asked for what was left out, with the registries of this run to make the answers from; undefined where there is nobody. */
  protected async asking(): Promise<AskPorts | undefined> {
    const { questions } = this
    if (questions === undefined) return undefined
    const { config } = await this.context.config()
    return {
      config,
      questions,
      tagsOf: async (repository) => {
        const { listTags } = await import('../../images/tags/tags.ts')
        return await listTags((await this.context.stores()).source(repository), this.reading)
      },
    }
  }

  /** Tells the command line that does the same as what was given and answered. */
  protected async sayWithoutQuestions(answers: Answers): Promise<void> {
    const { sameCommand } = await import('../command/command-line.ts')
    this.say(`Without questions: ${sameCommand(this.id ?? '', this.argv, answers)}`)
  }

  /** Shows, saves or carries out a plan, as the flags say, and ends the command. */
  protected async change(change: Change, flags: ChangeFlags): Promise<unknown> {
    const { plan } = change
    const reports = (flags.report ?? []).map(parseReport)
    if (flags['dry-run'] || flags.out !== undefined) {
      await change.review?.()
      return this.#showOnly(plan, reports, flags)
    }
    const { config } = await this.context.config()
    let { readAt } = change
    let reviewed: Reviewed | undefined
    try {
      checkGrounds(plan, config, groundsOf(flags))
      if (change.review !== undefined) {
        readAt = this.context.clock.now()
        reviewed = await change.review()
      }
    } catch (error) {
      await this.#recordRefusal(plan, toDrayError(error), flags)
      throw error
    }
    const asks = plan.steps.length > 0 && !flags.yes
    if (asks) await this.#confirm(plan)
    const done = await this.#execute(plan, flags, {
      // what was read before a question is too old after it
      ...(readAt !== undefined && !asks && { readAt }),
      ...(reviewed !== undefined && { reviewed }),
    })
    const isDelivered = await this.#flushRecord()
    throwLoneRefusal(plan)
    const verified = change.verify === undefined ? done : await this.#verify(done, change.verify, flags)
    const isAllDelivered = (await this.#flushRecord()) && isDelivered
    const isTold = (await this.#tellCi(verified, reports)) && isAllDelivered
    const exitCode = exitOfOutcome(verified.outcome, this.stop)
    const text = textOf(flags, plan, (page) => renderOutcome(plan, verified.outcome, page))
    const isBad = exitCode === exitCodes.done && !isTold
    const finished = this.finish(documentOf(verified), text, isBad ? exitCodes.failed : exitCode)
    if (plan.steps.length + plan.refusals.length > 0) this.say(`Record: ${escapeText(done.record)}`)
    return finished
  }

  /** What dray.yaml requires and was not given: every image of the plan is refused for it, on record like any other refusal. */
  async #recordRefusal(plan: Plan, error: DrayError, flags: ChangeFlags): Promise<void> {
    if (error.code !== 'refused') return
    const images = [...new Set(plan.placements.map(({ image }) => image))]
    const refusals = images.map((image) => ({ image, error: toErrorInfo(error) }))
    await this.#execute({ ...plan, steps: [], refusals }, flags, {})
    await this.#flushRecord()
  }

  /** What is done is done: events that did not arrive, and had to, are a warning beside it, and the exit code says so too. */
  async #flushRecord(): Promise<boolean> {
    try {
      await this.context.flushRecord(this.call)
      return true
    } catch (error) {
      return this.#warnOf(error)
    }
  }

  /** A report that cannot be written must not hide what was done: it is a warning, and the exit code says so too. */
  async #tellCi({ plan, outcome }: Done, reports: readonly Report[]): Promise<boolean> {
    try {
      await reportToCi({ plan, hash: hashOfPlan(plan), outcome }, reports, process.env)
      return true
    } catch (error) {
      return this.#warnOf(error)
    }
  }

  #warnOf(error: unknown): false {
    const { message, why } = toErrorInfo(error)
    this.warn(why === undefined ? message : `${message}: ${why}`)
    return false
  }

  async #showOnly(plan: Plan, reports: readonly Report[], flags: ChangeFlags): Promise<unknown> {
    throwLoneRefusal(plan)
    if (flags.out !== undefined) {
      const { savePlan } = await import('./save-plan.ts')
      await savePlan(flags.out, plan, this.context, (text) => this.warn(text))
      this.say(`Saved. To carry it out: dray apply ${escapeText(flags.out)}`)
    }
    const hash = hashOfPlan(plan)
    await reportToCi({ plan, hash, outcome: undefined }, reports, process.env)
    const exitCode = exitOfPlan(plan, flags['detailed-exitcode'])
    const { name, file } = await this.context.config()
    const text = textOf(flags, plan, (page) => renderPlan(plan, page, name))
    return this.finish({ hash, plan, configuration: file ?? null }, text, exitCode)
  }

  async #confirm(plan: Plan): Promise<void> {
    const { name } = await this.context.config()
    this.say(renderPlan(plan, this.errorPage, name))
    if (await this.ask('Go ahead?')) return
    throw new DrayError('refused', 'nothing was changed: the answer was no')
  }

  async #execute(plan: Plan, flags: ChangeFlags, moment: Moment): Promise<Done> {
    const { execute } = await import('../../execute/execute.ts')
    keepHeapSmall()
    const ports = await this.context.executePorts(
      plan,
      { auditFile: flags['audit-file'], ...groundsOf(flags) },
      this.call,
    )
    this.expectBytes(bytesToMove(plan))
    const steps = await execute(plan, { ...ports, stop: this.stop, ...moment }, this.call)
    return { plan, outcome: summarise(plan, steps), record: ports.sink.place }
  }

  /**
   * Reads back what was placed and mends what is missing. @throws `corrupt` where it is still missing after that; why it cannot be mended, or read.
   */
  async #verify(done: Done, verify: NonNullable<Change['verify']>, flags: ChangeFlags): Promise<Done> {
    const placed = new Set(done.outcome.placements.filter(isPlaced).map(({ placement }) => placement))
    if (placed.size === 0) return done
    // A plan without steps was made from what was read back just now.
    if (done.plan.steps.length === 0) return { ...done, verified: true }
    for (let round = 0; ; round++) {
      const readAt = this.context.clock.now()
      const repair = await verify(done.plan, placed)
      const [refusal] = repair.refusals
      if (refusal !== undefined) throw errorOf(refusal.error)
      if (repair.steps.length === 0) return { ...done, verified: true }
      if (round === repairRounds) throw stillMissing(repair)
      this.warn(`reading back found something missing at ${placesOf(repair)}: it is put there again`)
      const { outcome } = await this.#execute(repair, flags, { readAt })
      if (!isGood(outcome)) throw this.#whyNotMended(outcome)
    }
  }

  #whyNotMended(outcome: RunOutcome): unknown {
    const [error] = outcome.placements.flatMap(({ errors }) => errors)
    return error === undefined || this.stop.aborted ? this.stop.reason : errorOf(error)
  }
}

/** The story, or with `--output digest` what another program wants: the digests, in the order of the images. */
function textOf(flags: ChangeFlags, plan: Plan, story: (page: Page) => string): (page: Page) => string {
  if (flags.output === 'text') return story
  return () => [...new Set(plan.placements.map((placement) => placement.root.digest))].join('\n')
}

/** Of the images that are copied; within one registry blobs are mounted: nothing moves. */
function bytesToMove(plan: Plan): number {
  const copied = new Set(plan.steps.flatMap((step) => (step.kind === 'copy' ? [step.placement] : [])))
  const moving = plan.placements.filter(
    ({ id, from, to }) => copied.has(id) && from.repository.registry !== to.repository.registry,
  )
  return moving.reduce((sum, placement) => sum + (placement.size ?? 0), 0)
}

/** What `--json` prints of a run. */
function documentOf({ plan, outcome, record, verified }: Done): unknown {
  const byId = new Map(outcome.placements.map((one) => [one.placement, one]))
  return {
    operation: plan.operation,
    plan: hashOfPlan(plan),
    images: plan.placements.map(({ id, image, from, to, root, evidence, held }) => ({
      image,
      from,
      to,
      digest: root.digest,
      evidenceFound: evidence.found,
      ...byId.get(id),
      ...(held !== undefined && { held }),
    })),
    refusals: outcome.refusals,
    moved: outcome.moved,
    record,
    ...(verified !== undefined && { verified }),
  }
}

/** One image that is refused is an error like any other; of several, the outcome tells. */
function throwLoneRefusal(plan: Plan): void {
  const [refusal, ...more] = plan.refusals
  const images = new Set([...plan.placements, ...plan.refusals].map((one) => one.image))
  if (refusal !== undefined && more.length === 0 && images.size === 1 && plan.steps.length === 0)
    throw errorOf(refusal.error)
}

function errorOf(info: ErrorInfo): DrayError {
  return new DrayError(info.code, info.message, info)
}

function stillMissing(repair: Plan): DrayError {
  return new DrayError(
    'corrupt',
    `something is still missing at ${placesOf(repair)} after it was put there again`,
    {
      hint: 'The registry says that it has what it does not give out. Ask whoever runs it to check its storage; its cache may have to be emptied.',
    },
  )
}

function placesOf(plan: Plan): string {
  const damaged = new Set(plan.steps.map((step) => step.placement))
  const places = plan.placements.filter((placement) => damaged.has(placement.id))
  return places
    .map((placement) => formatAt(placement.to.repository, { digest: placement.root.digest }))
    .join(', ')
}
