import { DrayError } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { Page } from '../../render/text/style.ts'
import { renderApprovals } from '../../render/approvals.ts'
import { formatCount } from '../../render/text/format.ts'
import { escapeText } from '../../render/text/escape.ts'
import type { ApprovedImage, Decision, ImageToApprove } from '../../usecases/approve/approval.ts'
import { findImagesToApprove } from '../../usecases/approve/gather.ts'
import { checkJustification, justificationOf } from '../changes/justification.ts'
import { type ExitCode, exitCodes } from '../command/exit-codes.ts'
import { exitOfRun, problemOf } from '../command/run-exit.ts'
import { checkResidencyOfAttached } from '../gates/residency.ts'
import type { ResultLines } from '../output/result-lines.ts'
import { approvalRequests, parseExpiry } from './approval-requests.ts'
import type { ApprovePorts } from './approve-ports.ts'
import { attachDecisions, outcomeOf, type SignedDecision } from './approve-images.ts'
import {
  type ApprovalGates,
  type ApproverKey,
  loadApprovalGates,
  loadApproverKey,
  warningAboutKey,
} from './approver-key.ts'
import { judgeApprovals } from './judge-approvals.ts'

export interface ApproveFlags {
  readonly to: string
  readonly from?: string | undefined
  readonly key: string
  readonly 'password-env'?: string | undefined
  readonly reject: boolean
  readonly expires?: string | undefined
  readonly yes: boolean
  readonly 'dry-run': boolean
  readonly 'audit-file'?: string | undefined
  readonly reason?: string | undefined
  readonly ticket?: string | undefined
  readonly actor?: string | undefined
}

export interface ApprovalResult {
  readonly document: object
  readonly text: (page: Page) => string
  readonly exitCode: ExitCode
  readonly lines: ResultLines
  /** the path of the audit log, escaped; absent if nothing was attached */
  readonly auditLog?: string
}

/**
 * Shows a decision about images, asks for confirmation, and attaches it to each image.
 * @throws `usage`, `config`, `not-found`, `refused` before anything is attached; `cancelled`
 */
export async function runApproval(
  references: readonly string[],
  flags: ApproveFlags,
  ports: ApprovePorts,
): Promise<ApprovalResult> {
  const { context, reading } = ports
  const loaded = await context.config()
  const { to, from } = flags
  const { environment, requests } = approvalRequests(
    { references, to, from, cwd: context.cwd },
    loaded.config,
  )
  const expires = flags.expires === undefined ? undefined : parseExpiry(flags.expires, context.clock.now())
  const approvals = await loadApprovalGates(loaded, environment)
  const key = await loadApproverKey(flags.key, flags['password-env'], approvals, context)
  const justification = justificationOf(flags)
  await checkJustification(
    requests.map((one) => one.from),
    loaded.config,
    justification,
  )
  const images = await findImagesToApprove(requests, await context.stores(), reading)
  for (const { image, root, from: end } of images)
    await checkResidencyOfAttached({ image, root, to: end.repository }, context, reading)
  const warning = warningAboutKey(key, approvals, environment)
  if (warning !== undefined) ports.warn(warning)
  const decision: Decision = {
    environment,
    decision: flags.reject ? 'reject' : 'approve',
    ...(justification.reason !== undefined && { reason: justification.reason }),
    ...(expires !== undefined && { expires: new Date(expires).toISOString() }),
    key: { file: key.file, fingerprint: key.fingerprint, people: key.people },
  }
  const planned = images.map((image) => outcomeOf(image, { result: 'planned' }))
  if (flags['dry-run']) return resultOf(planned, decision, exitCodes.done)
  if (!flags.yes) await confirm(planned, decision, ports)
  return await attach(images, { decision, expires, key, approvals, flags }, ports)
}

async function confirm(
  planned: readonly ApprovedImage[],
  decision: Decision,
  { show, ask, page }: ApprovePorts,
): Promise<void> {
  show(renderApprovals(planned, decision, page))
  const verb = decision.decision === 'approve' ? 'Approve' : 'Reject'
  const question = `${verb} ${formatCount(planned.length, 'image')} for ${escapeText(decision.environment)}?`
  if (!(await ask(question))) throw new DrayError('cancelled', 'cancelled, nothing was changed')
}

interface Prepared {
  readonly decision: Decision
  readonly expires: number | undefined
  readonly key: ApproverKey
  readonly approvals: ApprovalGates
  readonly flags: ApproveFlags
}

async function attach(
  images: readonly ImageToApprove[],
  { decision, expires, key, approvals, flags }: Prepared,
  ports: ApprovePorts,
): Promise<ApprovalResult> {
  const { context, call, stop } = ports
  const justification = justificationOf(flags)
  const auditFile = flags['audit-file']
  const statementPorts = await context.executePorts({ ...justification, auditFile, isAttesting: false }, call)
  const { reason, ticket } = justification
  const signed: SignedDecision = {
    environment: decision.environment,
    decision: decision.decision,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
    key: key.key,
    actor: statementPorts.actor,
  }
  const outcomes = await attachDecisions(images, signed, statementPorts, stop, call)
  const judged = await judgeApprovals(images, outcomes, approvals, ports)
  const isDelivered = await flush(ports)
  const parts = outcomes.map(({ result }) => ({
    problem: problemOf(result),
    countsAsDone: result === 'done',
  }))
  const exitCode = exitOfRun({ parts, refusals: [] }, stop)
  return {
    ...resultOf(judged, decision, exitCode === exitCodes.done && !isDelivered ? exitCodes.failed : exitCode),
    auditLog: escapeText(await context.auditPath(auditFile)),
  }
}

/** Waits for the webhook. What is attached stays attached. */
async function flush({ context, call, warn }: ApprovePorts): Promise<boolean> {
  try {
    await context.flushAuditLog(call)
    return true
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error))
    return false
  }
}

function resultOf(images: readonly ApprovedImage[], decision: Decision, exitCode: ExitCode): ApprovalResult {
  return {
    document: { operation: 'approve', ...decision, images },
    text: (page) => renderApprovals(images, decision, page),
    exitCode,
    lines: {
      names: () => images.map(({ from, digest }) => formatAt(from.repository, { digest })),
      digests: () => images.map(({ digest }) => digest),
    },
  }
}
