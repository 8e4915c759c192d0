import { boolean, option, string } from '@oclif/core/flags'
import { DrayError, type ErrorInfo } from '../errors.ts'
import { formatAt } from '../oci/reference.ts'
import { type RunOutcome, summarise } from '../plan/outcome.ts'
import { hashOfPlan } from '../plan/plan-hash.ts'
import type { Plan } from '../plan/plan.ts'
import { renderOutcome } from '../render/outcome.ts'
import { renderPlan } from '../render/plan.ts'
import type { Page } from '../render/style.ts'
import { BaseCommand } from './base-command.ts'
import { parseReport, type Report, reportToCi } from './ci-report.ts'
import { exitOfOutcome, exitOfPlan, isGood } from './run-exit.ts'

/** What every command that changes a registry can be told. */
export const changeFlags = {
  yes: boolean({ char: 'y', summary: 'Go ahead without a question.' }),
  'dry-run': boolean({ summary: 'Show the plan and change nothing.' }),
  'detailed-exitcode': boolean({ summary: 'With --dry-run or --out: exit 2 where the plan has changes.' }),
  'audit-file': string({
    summary: 'Where the record of each change goes.',
    helpValue: 'FILE',
    env: 'DRAY_AUDIT_FILE',
  }),
  output: option({ options: ['text', 'digest'] as const })({
    char: 'o',
    summary: 'What stands on stdout: the story, or the digest of each image on a line.',
    default: 'text' as const,
  }),
  report: string({
    summary: 'Write DRAY_DIGEST, DRAY_CHANGED and DRAY_PLAN to a file: dotenv=FILE.',
    helpValue: 'KIND=FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
}

export const outFlag = {
  out: string({
    summary: 'Save the plan for `dray apply` and change nothing.',
    helpValue: 'FILE',
  }),
}

export interface ChangeFlags {
  readonly yes: boolean
  readonly 'dry-run': boolean
  readonly 'detailed-exitcode': boolean
  readonly 'audit-file': string | undefined
  readonly out?: string | undefined
  readonly output: 'text' | 'digest'
  readonly report: readonly string[] | undefined
}

export interface Change {
  readonly plan: Plan
  /** decided in this very run, not read from a file */
  readonly isFresh: boolean
  /** `--verify`: decides anew from what is at the targets, piece by piece; a plan without steps means that all of it is there */
  readonly verify?: () => Promise<Plan>
}

interface Done {
  readonly plan: Plan
  readonly outcome: RunOutcome
  /** where the record is */
  readonly record: string
  readonly verified?: boolean
}

/** The rounds of mending that `--verify` tries before it gives up. */
const repairRounds = 2

/** The base of the commands that change a registry: show the plan, ask, carry it out, tell what became of it. */
export abstract class ChangeCommand extends BaseCommand {
  protected override readonly graceful = true

  /** Shows, saves or carries out a plan, as the flags say, and ends the command. */
  protected async change(change: Change, flags: ChangeFlags): Promise<unknown> {
    const { plan } = change
    const reports = (flags.report ?? []).map(parseReport)
    if (flags['dry-run'] || flags.out !== undefined) return this.#showOnly(plan, reports, flags)
    const asks = plan.steps.length > 0 && !flags.yes
    if (asks) await this.#confirm(plan)
    const done = await this.#execute(plan, change.isFresh && !asks, flags)
    throwLoneRefusal(plan)
    const verified = change.verify === undefined ? done : await this.#verify(done, change.verify, flags)
    await reportToCi({ plan, hash: hashOfPlan(plan), outcome: verified.outcome }, reports, process.env)
    const exitCode = exitOfOutcome(verified.outcome, this.stop)
    const text = textOf(flags, plan, (page) => renderOutcome(plan, verified.outcome, page))
    return this.finish(documentOf(verified), text, exitCode)
  }

  async #showOnly(plan: Plan, reports: readonly Report[], flags: ChangeFlags): Promise<unknown> {
    throwLoneRefusal(plan)
    if (flags.out !== undefined) {
      const { formatPlanFile } = await import('../plan/plan-file.ts')
      const { writeFileAtomic } = await import('../files/atomic.ts')
      await writeFileAtomic(flags.out, formatPlanFile(plan))
      this.say(`Saved. To carry it out: dray apply ${flags.out}`)
    }
    const hash = hashOfPlan(plan)
    await reportToCi({ plan, hash, outcome: undefined }, reports, process.env)
    const exitCode = exitOfPlan(plan, flags['detailed-exitcode'])
    const text = textOf(flags, plan, (page) => renderPlan(plan, page))
    return this.finish({ hash, plan }, text, exitCode)
  }

  async #confirm(plan: Plan): Promise<void> {
    this.say(renderPlan(plan, this.errorPage))
    if (await this.ask('Go ahead?')) return
    throw new DrayError('refused', 'nothing was changed: the answer was no')
  }

  async #execute(plan: Plan, plannedJustNow: boolean, flags: ChangeFlags): Promise<Done> {
    const { execute } = await import('../execute/execute.ts')
    const ports = await this.context.executePorts(flags['audit-file'])
    this.expectBytes(bytesToMove(plan))
    const steps = await execute(plan, { ...ports, stop: this.stop, plannedJustNow }, this.call)
    return { plan, outcome: summarise(plan, steps), record: ports.sink.place }
  }

  /** Mends what reading back finds missing. @throws `corrupt` where it is still missing after that. */
  async #verify(done: Done, decideAnew: () => Promise<Plan>, flags: ChangeFlags): Promise<Done> {
    if (!isGood(done.outcome)) return done
    for (let round = 0; ; round++) {
      const repair = await decideAnew()
      const [refusal] = repair.refusals
      if (refusal !== undefined) throw errorOf(refusal.error)
      if (repair.steps.length === 0) return { ...done, verified: true }
      if (round === repairRounds) throw stillMissing(repair)
      this.warn(`reading back found something missing at ${placesOf(repair)}: it is put there again`)
      const { outcome } = await this.#execute(repair, true, flags)
      if (!isGood(outcome)) return { ...done, outcome, verified: false }
    }
  }
}

/** The story, or with `--output digest` what another program wants: the digests, in the order of the images. */
function textOf(flags: ChangeFlags, plan: Plan, story: (page: Page) => string): (page: Page) => string {
  if (flags.output === 'text') return story
  return () => [...new Set(plan.placements.map((placement) => placement.root.digest))].join('\n')
}

/** Within one registry blobs are mounted: nothing moves. */
function bytesToMove(plan: Plan): number {
  const between = plan.placements.filter(
    ({ from, to }) => from.repository.registry !== to.repository.registry,
  )
  return between.reduce((sum, placement) => sum + placement.size, 0)
}

/** What `--json` prints of a run. */
function documentOf({ plan, outcome, record, verified }: Done): unknown {
  const byId = new Map(outcome.placements.map((one) => [one.placement, one]))
  return {
    operation: plan.operation,
    plan: hashOfPlan(plan),
    images: plan.placements.map(({ id, image, from, to, root, evidence }) => ({
      image,
      from,
      to,
      digest: root.digest,
      evidenceFound: evidence.found,
      ...byId.get(id),
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
