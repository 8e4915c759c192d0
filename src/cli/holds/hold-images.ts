import type { HoldPorts } from '../../execute/holds/hold-ports.ts'
import { DrayError, type ErrorInfo, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { HoldItem, HoldOutcome, HoldPlan } from '../../plan/holds/hold-plan.ts'
import { renderHoldOutcome, renderHoldPlan } from '../../render/holds.ts'
import { escapeText } from '../../render/text/escape.ts'
import { decide, type HoldChange, type IsOpenHold } from '../../usecases/hold/decide.ts'
import { gather } from '../../usecases/hold/gather.ts'
import { flushAuditLog, succeeds } from '../audit/flush-audit-log.ts'
import { checkJustification, justificationOf } from '../changes/justification.ts'
import type { ChangePorts } from '../changes/operation.ts'
import { exitCodes } from '../command/exit-codes.ts'
import { exitOfPlan, exitOfRun, problemOf, type RunPart } from '../command/run-exit.ts'
import { checkResidencyOfAttached } from '../gates/residency.ts'
import { digestLines } from '../output/result-lines.ts'
import type { RegistryMemory } from '../prune/memory/registry-memory.ts'
import { loadKeyOfFlags } from '../wiring/private-key.ts'
import { checkExpiry, holdRequests } from './hold-requests.ts'

export interface HoldOptions {
  readonly references: readonly string[]
  readonly env: string | undefined
  readonly decision: HoldPlan['decision']
  readonly expires: string | undefined
  /** the file of a private key */
  readonly key: string | undefined
  /** the environment variable with its password */
  readonly passwordEnv: string | undefined
}

/**
 * Holds images, or ends their holds: reads, decides, asks for confirmation, executes and reports.
 * @throws `usage`; `refused` without a reason; `cancelled`; `audit`
 */
export async function holdImages(options: HoldOptions, ports: ChangePorts): Promise<void> {
  const { flags, context, call, terminal } = ports
  const startedAt = context.clock.now()
  const plan = await refuseByResidency(await planHolds(options, ports), ports)
  const hasSteps = plan.images.some(isChanged)
  if (flags['dry-run']) {
    const parts = plan.images.map((): RunPart => ({ problem: undefined, countsAsDone: false }))
    terminal.finish(
      { plan },
      (page) => renderHoldPlan(plan, page),
      exitOfPlan({ parts, refusals: plan.refusals }, hasSteps, flags['detailed-exitcode']),
      digestLines(plan.images),
    )
    return
  }
  if (hasSteps && !flags.yes) await confirm(plan, ports)
  const executing = await executionPorts(options, ports)
  const { executeHolds } = await import('../../execute/holds/execute-holds.ts')
  const outcomes = await executeHolds(plan, executing, call)
  await report({ plan, outcomes, executing, startedAt }, ports)
}

interface ExecutedHolds {
  readonly plan: HoldPlan
  readonly outcomes: readonly HoldOutcome[]
  readonly executing: HoldPorts
  /** milliseconds since 1970 */
  readonly startedAt: number
}

async function report(
  { plan, outcomes, executing, startedAt }: ExecutedHolds,
  ports: ChangePorts,
): Promise<void> {
  const { context, terminal } = ports
  const isDelivered = await flushAuditLog(ports)
  await succeeds(ports, () => rememberLosses(executing.neverUntag, ports))
  for (const { isTagLeft, tag, repository } of outcomes)
    if (isTagLeft === true)
      terminal.warn(
        `the tag ${tag} stays, because ${repository.registry} does not delete single tags; dray prune deletes it with its image`,
      )
  const { operation, decision, refusals } = plan
  const exitCode = exitOfRun({ parts: outcomes.map(partOf), refusals }, ports.stop)
  const auditLog = executing.sink.path
  const durationMs = context.clock.now() - startedAt
  terminal.finish(
    { operation, decision, images: outcomes, refusals, durationMs, auditLog },
    (page) => renderHoldOutcome(plan, outcomes, page),
    exitCode === exitCodes.done && !isDelivered ? exitCodes.failed : exitCode,
    digestLines(outcomes.filter(({ status }) => partOf({ status }).problem === undefined)),
  )
  for (const { image, error } of refusals) terminal.reportFailure({ image, error })
  terminal.say(`Audit log: ${escapeText(auditLog)}`)
}

async function planHolds(options: HoldOptions, ports: ChangePorts): Promise<HoldPlan> {
  const { flags, context, reading } = ports
  const { config } = await context.config()
  const now = new Date(context.clock.now())
  const { reason, ticket } = justificationOf(flags)
  const requests = holdRequests(options.references, options.env, config)
  if (reason === undefined) {
    throw new DrayError('usage', `a reason is missing`, {
      hint: 'Pass --reason TEXT. It is in the statement, the audit log and the explanations of dray prune.',
    })
  }
  const change: HoldChange = {
    decision: options.decision,
    reason,
    ...(ticket !== undefined && { ticket }),
    ...(options.expires !== undefined && { expires: checkExpiry(options.expires, now.getTime()) }),
  }
  const targets = requests.flatMap(({ targets: of, environment }) =>
    of.map((repository) => ({ repository, ...(environment !== undefined && { environment }) })),
  )
  await checkJustification(targets, config, justificationOf(flags))
  const repositories = targets.map(({ repository }) => repository)
  const access = flags.yes && !flags['dry-run'] ? 'write' : 'read'
  await context.expectRepositories(access === 'write' ? repositories : [], repositories, access)
  const gathered = await gather(requests, await context.stores(), reading)
  return decide(gathered, change, await openHoldsOf(options, ports), now)
}

/** Only a release needs the open holds of the audit log. */
async function openHoldsOf(
  { decision }: HoldOptions,
  { flags, context, reading: { signal } }: ChangePorts,
): Promise<IsOpenHold> {
  if (decision === 'hold') return () => false
  const { readOpenHolds } = await import('../../audit/holds/open-holds.ts')
  const { RegistryNames } = await import('../../config/registry-names.ts')
  const names = new RegistryNames((await context.config()).config.registries)
  const identify = (repository: RepositoryName): string => names.identity(repository)
  const path = await context.auditPath(flags['audit-file'])
  const open = await readOpenHolds(path, { identify, now: context.clock.now(), signal })
  return (repository, digest) =>
    open.get(identify(repository))?.some((hold) => hold.digest === digest) === true
}

/** One forbidden target of an image refuses the image at all of them. */
async function refuseByResidency(plan: HoldPlan, { context, reading }: ChangePorts): Promise<HoldPlan> {
  const found = await Promise.all(
    plan.images.map(async (item) => ({ item, error: await findForbidden(item) })),
  )
  const refused = new Set(found.flatMap(({ item, error }) => (error === undefined ? [] : [item.image])))
  return {
    ...plan,
    images: plan.images.filter(({ image }) => !refused.has(image)),
    refusals: [
      ...plan.refusals,
      ...found.flatMap(({ item: { image, repository }, error }) =>
        error === undefined ? [] : [{ image, repository, error }],
      ),
    ],
  }

  async function findForbidden({
    image,
    repository,
    subject,
    statement,
  }: HoldItem): Promise<ErrorInfo | undefined> {
    if (subject === null || statement === 'unchanged') return undefined
    try {
      await checkResidencyOfAttached({ image, root: subject, to: repository }, context, reading)
      return undefined
    } catch (error) {
      if (isDrayError(error)) return toErrorInfo(error)
      throw error
    }
  }
}

async function confirm(plan: HoldPlan, { terminal }: ChangePorts): Promise<void> {
  terminal.showPlan(renderHoldPlan(plan, terminal.errorPage))
  const question = plan.decision === 'hold' ? 'Hold these images?' : 'Release these images?'
  if (!(await terminal.ask(question))) throw new DrayError('cancelled', 'cancelled, nothing was changed')
}

async function executionPorts(
  { key: file, passwordEnv }: HoldOptions,
  ports: ChangePorts,
): Promise<HoldPorts> {
  const { flags, context, call, stop } = ports
  const given = file === undefined ? undefined : await loadKeyOfFlags(file, passwordEnv, context.env)
  const base = await context.executePorts(
    { auditFile: flags['audit-file'], isAttesting: given === undefined, ...justificationOf(flags) },
    call,
  )
  const tagLocks = await context.tagLocks(call)
  const neverUntag = new Set((await openMemory(ports)).neverUntag)
  return { ...base, ...(given !== undefined && { signingKey: given }), tagLocks, neverUntag, stop }
}

/** The registries of earlier runs that deleted an image together with a tag. */
async function openMemory({ flags, context }: ChangePorts): Promise<RegistryMemory> {
  const { RegistryMemory: Memory } = await import('../prune/memory/registry-memory.ts')
  return await Memory.read(await context.auditPath(flags['audit-file']))
}

async function rememberLosses(registries: ReadonlySet<string>, ports: ChangePorts): Promise<void> {
  if (registries.size === 0) return
  const memory = await openMemory(ports)
  memory.noteLosses(registries)
  await memory.save()
}

function isChanged({ statement, tag }: HoldItem): boolean {
  return statement === 'attach' || tag.change !== 'unchanged'
}

function partOf({ status }: Pick<HoldOutcome, 'status'>): RunPart {
  const problem = problemOf(status)
  return { problem, countsAsDone: problem === undefined }
}
