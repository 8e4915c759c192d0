import { recordStatementRefusals } from '../../execute/attach-statement.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { renderApprovals } from '../../render/approvals.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatCount } from '../../render/text/format.ts'
import type { ApprovedImage, Decision, ImageToApprove } from '../../usecases/approve/approval.ts'
import { findImagesToApprove } from '../../usecases/approve/gather.ts'
import { checkJustification, justificationOf } from '../changes/justification.ts'
import type { ChangePorts } from '../changes/operation.ts'
import { flushAuditLog } from '../audit/flush-audit-log.ts'
import { exitCodes } from '../command/exit-codes.ts'
import { exitOfPlan, exitOfRun, problemOf } from '../command/run-exit.ts'
import { checkResidencyOfAttached } from '../gates/residency.ts'
import { digestLines, type ResultLines } from '../output/result-lines.ts'
import { approvalRequests, parseExpiry } from './approval-requests.ts'
import { attachDecisions, outcomeOf, type SignedDecision } from './approve-images.ts'
import {
  type ApprovalGates,
  type ApproverKey,
  loadApprovalGates,
  loadApproverKey,
  warningAboutKey,
} from './approver-key.ts'
import { judgeApprovals } from './judge-approvals.ts'

/** The arguments and flags of `approve`, without those of every change. */
export interface ApproveOptions {
  readonly references: readonly string[]
  readonly to: string
  readonly from: string | undefined
  /** the file of a private key */
  readonly key: string
  /** the environment variable with its password */
  readonly passwordEnv: string | undefined
  readonly reject: boolean
  readonly expires: string | undefined
}

/** A decision and the images that it is about. */
interface PreparedDecision {
  readonly decision: Decision
  readonly images: readonly ImageToApprove[]
  readonly key: ApproverKey
  readonly gates: ApprovalGates
  /** milliseconds since 1970 */
  readonly expires: number | undefined
}

/**
 * Shows a decision about images, asks for confirmation, attaches it to each image, and reports
 * which approvals the gates have then.
 * @throws `usage`, `config`, `not-found`, `refused` before anything is attached; `cancelled`
 */
export async function runApproval(options: ApproveOptions, ports: ChangePorts): Promise<void> {
  const { flags, terminal } = ports
  const prepared = await prepare(options, ports)
  const { images, decision } = prepared
  const planned = images.map((image) => outcomeOf(image, { result: 'planned' }))
  if (flags['dry-run']) {
    const parts = planned.map(() => ({ problem: undefined, countsAsDone: false }))
    terminal.finish(
      documentOf(planned, decision),
      (page) => renderApprovals(planned, decision, page),
      exitOfPlan({ parts, refusals: [] }, true, flags['detailed-exitcode']),
      linesOf(planned),
    )
    return
  }
  await refuseByResidency(prepared, ports)
  if (!flags.yes) await confirm(planned, decision, ports)
  await attach(prepared, ports)
}

async function prepare(options: ApproveOptions, ports: ChangePorts): Promise<PreparedDecision> {
  const { flags, context, reading, terminal } = ports
  const loaded = await context.config()
  const { environment, requests } = approvalRequests({ ...options, cwd: context.cwd }, loaded.config)
  const expires =
    options.expires === undefined ? undefined : parseExpiry(options.expires, context.clock.now())
  const gates = await loadApprovalGates(loaded, environment)
  const key = await loadApproverKey(options.key, options.passwordEnv, gates, context)
  const warning = warningAboutKey(key, gates)
  if (warning !== undefined) terminal.warn(warning)
  const justification = justificationOf(flags)
  const places = requests.map((one) => one.from)
  await checkJustification(places, loaded.config, justification)
  const repositories = places.map(({ repository }) => repository)
  const access = flags.yes && !flags['dry-run'] ? 'write' : 'read'
  await context.expectRepositories(access === 'write' ? repositories : [], repositories, access)
  const images = await findImagesToApprove(requests, await context.stores(), reading)
  const decision: Decision = {
    environment,
    decision: options.reject ? 'reject' : 'approve',
    ...(justification.reason !== undefined && { reason: justification.reason }),
    ...(expires !== undefined && { expires: new Date(expires).toISOString() }),
    key: { file: key.file, fingerprint: key.fingerprint, people: key.people },
  }
  return { decision, images, key, gates, expires }
}

/** A statement is written to the repository of its image. @throws `refused`, after recording it. */
async function refuseByResidency(
  { images, decision: { environment } }: PreparedDecision,
  ports: ChangePorts,
): Promise<void> {
  const { context, flags, call, reading } = ports
  for (const { image, root, from } of images) {
    try {
      await checkResidencyOfAttached({ image, root, to: from.repository }, context, reading)
    } catch (error) {
      if (isDrayError(error) && error.code === 'refused') {
        const options = { auditFile: flags['audit-file'], isAttesting: false, ...justificationOf(flags) }
        const refused = { image, environment, error: toErrorInfo(error) }
        await recordStatementRefusals('approve', [refused], await context.executePorts(options, call))
        await flushAuditLog(ports)
      }
      throw error
    }
  }
}

async function confirm(
  planned: readonly ApprovedImage[],
  decision: Decision,
  { terminal }: ChangePorts,
): Promise<void> {
  terminal.showPlan(renderApprovals(planned, decision, terminal.errorPage))
  const verb = decision.decision === 'approve' ? 'Approve' : 'Reject'
  const images = formatCount(planned.length, 'image')
  if (!(await terminal.ask(`${verb} ${images} for ${escapeText(decision.environment)}?`)))
    throw new DrayError('cancelled', 'cancelled, nothing was changed')
}

async function attach(prepared: PreparedDecision, ports: ChangePorts): Promise<void> {
  const { decision, images, gates } = prepared
  const { flags, context, call, stop, terminal } = ports
  const startedAt = context.clock.now()
  const options = { auditFile: flags['audit-file'], isAttesting: false, ...justificationOf(flags) }
  const executing = await context.executePorts(options, call)
  const outcomes = await attachDecisions(
    images,
    signedDecision(prepared, ports, executing),
    executing,
    stop,
    call,
  )
  const isDelivered = await flushAuditLog(ports)
  const judged = await judgeApprovals(images, outcomes, gates, ports)
  const parts = judged.map(({ result }) => ({ problem: problemOf(result), countsAsDone: result === 'done' }))
  const exitCode = exitOfRun({ parts, refusals: [] }, stop)
  const auditLog = executing.sink.path
  const durationMs = context.clock.now() - startedAt
  terminal.finish(
    { ...documentOf(judged, decision), durationMs, auditLog },
    (page) => renderApprovals(judged, decision, page),
    exitCode === exitCodes.done && !isDelivered ? exitCodes.failed : exitCode,
    linesOf(judged.filter(({ result }) => result === 'done')),
  )
  for (const { image, error } of judged) if (error !== undefined) terminal.reportFailure({ image, error })
  terminal.say(`Audit log: ${escapeText(auditLog)}`)
}

function signedDecision(
  { decision: { environment, decision }, key, expires }: PreparedDecision,
  { flags }: ChangePorts,
  { actor }: Pick<SignedDecision, 'actor'>,
): SignedDecision {
  const { reason, ticket } = justificationOf(flags)
  return {
    environment,
    decision,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
    key: key.key,
    actor,
  }
}

function documentOf(images: readonly ApprovedImage[], decision: Decision): object {
  return { operation: 'approve', ...decision, images }
}

function linesOf(images: readonly ApprovedImage[]): ResultLines {
  return digestLines(images.map(({ from: { repository }, digest }) => ({ repository, digest })))
}
