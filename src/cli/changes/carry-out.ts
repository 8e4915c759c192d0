import { DrayError, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import { escapeText } from '../../render/text/escape.ts'
import { needsReport, parseReport, type ReportTarget, reportToCi } from '../ci/ci-report.ts'
import { exitCodes } from '../command/exit-codes.ts'
import { exitOfPlan, exitOfRun } from '../command/run-exit.ts'
import { flushAuditLog, succeeds } from '../audit/flush-audit-log.ts'
import { changeDocument, planDocument } from './documents.ts'
import { checkJustification, justificationOf } from './justification.ts'
import type { ResultLines } from '../output/result-lines.ts'
import type {
  ChangedImage,
  ChangePorts,
  Executed,
  Failure,
  Operation,
  OperationTypes,
  PlannedChange,
  PlanPageOptions,
  Review,
} from './operation.ts'

/**
 * The pipeline of every operation: shows or saves a plan; or checks it, asks for confirmation,
 * executes it and reports the outcome. It ends the command.
 * @throws `refused` for a plan that must not be executed; `cancelled` if the answer is no; `audit`.
 */
export async function carryOut<T extends OperationTypes>(
  operation: Operation<T>,
  change: PlannedChange<T>,
  ports: ChangePorts,
): Promise<void> {
  const { flags, terminal } = ports
  const { plan, isSaved = false } = change
  const files = (flags.report ?? []).map(parseReport)
  if (flags['dry-run'] || flags.out !== undefined) return await showPlan(operation, change, files, ports)
  const review = await reviewOrRefuse(operation, change, ports)
  const mustConfirm = operation.hasSteps(plan) && !isSaved && !flags.yes
  for (const text of review.warnings) terminal.warn(text)
  if (mustConfirm) {
    for (const text of review.omissions) terminal.warn(text)
    await confirm(operation, plan, ports)
  }
  const executed = await operation.execute(plan, review.findings, mustConfirm, ports)
  const isDelivered = await flushAuditLog(ports)
  if (operation.onlyRefusal?.(plan) !== undefined)
    await measureRefusal(operation, plan, executed, review.startedAt, ports)
  throwOnlyRefusal(operation, plan)
  const verified = await operation.verify?.(executed.plan ?? plan, executed, review.findings, ports)
  const isAllDelivered = (verified === undefined || (await flushAuditLog(ports))) && isDelivered
  await report(
    operation,
    plan,
    verified ?? executed,
    { startedAt: review.startedAt, files, isAllDelivered },
    ports,
  )
}

async function showPlan<T extends OperationTypes>(
  operation: Operation<T>,
  { plan: given, review }: PlannedChange<T>,
  files: readonly ReportTarget[],
  ports: ChangePorts,
): Promise<void> {
  const { flags, context, terminal } = ports
  const { warnings, omissions, shown: plan = given } = await review()
  for (const text of [...warnings, ...omissions]) terminal.warn(text)
  throwOnlyRefusal(operation, plan)
  if (flags.out !== undefined) {
    const { savePlan } = await import('./plan-file.ts')
    await savePlan(flags.out, plan, context, (text) => terminal.warn(text))
  }
  if (needsReport(files, context.env))
    await reportToCi(await operation.ciReport(plan, undefined, hashOfPlan(plan)), files, context.env)
  if (flags.metrics !== undefined && flags['dry-run'])
    await operation.writePlanMetrics?.(flags.metrics, plan, context.clock)
  const { file } = await context.config()
  const options = await pageOptions(ports)
  const outcome = operation.withoutExecution(plan)
  terminal.finish(
    { ...planDocument(operation, plan), configuration: file ?? null },
    (page) => operation.renderPlan(plan, page, options),
    exitOfPlan(
      { parts: operation.parts(outcome), refusals: plan.refusals },
      operation.hasSteps(plan),
      flags['detailed-exitcode'],
      operation.hasDifferences?.(plan),
    ),
    linesOf(() => operation.imagesOf(plan)),
  )
  if (flags.out !== undefined) {
    const next = operation.hasSteps(plan)
      ? `To execute it, run: dray apply ${escapeText(flags.out)}`
      : 'It has nothing to execute.'
    terminal.say(`Plan saved. ${next}`)
  }
  reportFailures(plan.refusals, ports)
}

/** Checks the justification and reviews the plan. A refusal is written to the audit log. */
async function reviewOrRefuse<T extends OperationTypes>(
  operation: Operation<T>,
  { plan, review }: PlannedChange<T>,
  ports: ChangePorts,
): Promise<Review<T>> {
  const { context } = ports
  const { config } = await context.config()
  const startedAt = context.clock.now()
  try {
    await checkJustification(operation.changedTargets(plan), config, justificationOf(ports.flags))
    return await review()
  } catch (error) {
    if (toDrayError(error).code === 'refused') {
      const refused = operation.refuseAll(plan, toErrorInfo(error))
      const executed = await operation.execute(refused, undefined, false, ports)
      await flushAuditLog(ports)
      await measureRefusal(operation, refused, executed, startedAt, ports)
    }
    throw error
  }
}

/** Writes the metrics of a run that ends with an error. A monitor must see it. */
async function measureRefusal<T extends OperationTypes>(
  { writeMetrics }: Operation<T>,
  plan: T['plan'],
  executed: Executed<T>,
  startedAt: number,
  ports: ChangePorts,
): Promise<void> {
  const { flags, context } = ports
  const { metrics } = flags
  if (metrics === undefined || writeMetrics === undefined) return
  const durationMs = context.clock.now() - startedAt
  const facts = { plan: executed.plan ?? plan, outcome: executed.outcome, durationMs, isSuccess: false }
  await succeeds(ports, () => writeMetrics(metrics, facts, context.clock))
}

async function confirm<T extends OperationTypes>(
  { confirmation, renderPlan }: Operation<T>,
  plan: T['plan'],
  ports: ChangePorts,
): Promise<void> {
  const { terminal } = ports
  terminal.showPlan(renderPlan(plan, terminal.errorPage, await pageOptions(ports)))
  const word = confirmation.typedAnswer?.(plan)
  const questions = word === undefined ? undefined : terminal.questions()
  const typed = await questions?.enter(`Type ${word} to confirm:`, () => undefined)
  const isConfirmed =
    typed === undefined ? await terminal.ask(confirmation.question(plan)) : typed.trim() === word
  if (!isConfirmed) throw new DrayError('cancelled', 'cancelled, nothing was changed')
}

interface ReportOptions {
  /** when the reading of the registries began, ms */
  readonly startedAt: number
  /** of `--report` */
  readonly files: readonly ReportTarget[]
  /** every audit record has reached the webhook */
  readonly isAllDelivered: boolean
}

/**
 * Reports an outcome: of the plan `first`, or of what dray decided after it. A report that fails
 * cannot undo the change: it is a warning, and the run exits with 1.
 */
async function report<T extends OperationTypes>(
  operation: Operation<T>,
  first: T['plan'],
  executed: Executed<T>,
  { startedAt, files, isAllDelivered }: ReportOptions,
  ports: ChangePorts,
): Promise<void> {
  const { flags, context, terminal } = ports
  const { outcome, auditLog, plan = first } = executed
  const durationMs = context.clock.now() - startedAt
  const result = { parts: operation.parts(outcome), refusals: outcome.refusals }
  const isStrict = flags.strict === true && operation.hasLocked?.(outcome) === true
  const exitCode = exitOfRun(result, ports.stop, isStrict)
  const facts = { plan, outcome, durationMs, isSuccess: exitCode === exitCodes.done }
  const isReported = [
    await succeeds(ports, async () => {
      if (!needsReport(files, context.env)) return
      await reportToCi(await operation.ciReport(plan, outcome, hashOfPlan(first)), files, context.env)
    }),
    await succeeds(ports, async () => {
      if (flags.metrics !== undefined) await operation.writeMetrics?.(flags.metrics, facts, context.clock)
    }),
  ].every(Boolean)
  terminal.finish(
    changeDocument(operation, first, executed, durationMs),
    (page) => operation.renderOutcome(plan, outcome, page, { durationMs, all: flags.all ?? false }),
    facts.isSuccess && !(isReported && isAllDelivered) ? exitCodes.failed : exitCode,
    linesOf(() => operation.imagesOf(plan, executed)),
  )
  reportFailures([...outcome.refusals, ...operation.failures(plan, outcome)], ports)
  if (operation.hasSteps(plan) || plan.refusals.length > 0) terminal.say(`Audit log: ${escapeText(auditLog)}`)
}

function throwOnlyRefusal<T extends OperationTypes>({ onlyRefusal }: Operation<T>, plan: T['plan']): void {
  const refusal = onlyRefusal?.(plan)
  if (refusal !== undefined) throw new DrayError(refusal.code, refusal.message, refusal)
}

async function pageOptions({ flags, context }: ChangePorts): Promise<PlanPageOptions> {
  return { all: flags.all ?? false, configuration: (await context.config()).name }
}

function linesOf(list: () => readonly ChangedImage[]): ResultLines {
  return {
    names: () => list().map(({ reference }) => reference),
    digests: () => list().map(({ digest }) => digest),
  }
}

/** Reports each error once: the outcome of a refused image repeats the refusal. */
function reportFailures(failures: readonly Failure[], { terminal }: ChangePorts): void {
  const distinct = new Map(failures.toReversed().map((one) => [JSON.stringify(one.error), one]))
  for (const failure of [...distinct.values()].toReversed()) terminal.reportFailure(failure)
}
