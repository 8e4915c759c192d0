import {
  type ApprovalDecision,
  approvalPredicate,
  approvalPredicateType,
} from '../../audit/attestation/approval-statement.ts'
import type { Actor } from '../../audit/log/record.ts'
import { attachStatement, type StatementPorts } from '../../execute/attach-statement.ts'
import type { Call } from '../../lib/call.ts'
import { toDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import type { ApprovedImage, ImageToApprove } from '../../usecases/approve/approval.ts'

/** A decision that is ready to be signed. */
export interface SignedDecision {
  readonly environment: string
  readonly decision: ApprovalDecision
  readonly reason?: string
  readonly ticket?: string
  /** milliseconds since 1970 */
  readonly expires?: number
  readonly key: SigningKey
  readonly actor: Actor
}

/**
 * Attaches a signed decision to each image, one after another. An image that fails does not stop
 * the others, unless its audit record could not be written.
 * @param stop aborted: no further image is begun
 */
export async function attachDecisions(
  images: readonly ImageToApprove[],
  decision: SignedDecision,
  ports: StatementPorts,
  stop: AbortSignal,
  call: Call,
): Promise<readonly ApprovedImage[]> {
  const outcomes: ApprovedImage[] = []
  let isStopped = false
  for (const image of images) {
    if (isStopped || stop.aborted) {
      outcomes.push(outcomeOf(image, { result: 'notAttempted' }))
      continue
    }
    try {
      const { artifact } = await attachStatement(statementOf(image, decision, ports.clock.now()), ports, call)
      outcomes.push(outcomeOf(image, { result: 'done', artifact }))
    } catch (error) {
      isStopped = toDrayError(error).code === 'audit'
      outcomes.push(outcomeOf(image, { result: 'failed', error: toErrorInfo(error) }))
    }
  }
  return outcomes
}

function statementOf(
  { image, from, root }: ImageToApprove,
  { key, environment, ...decision }: SignedDecision,
  time: number,
): Parameters<typeof attachStatement>[0] {
  return {
    operation: 'approve',
    image,
    environment,
    repository: from.repository,
    subject: root,
    predicateType: approvalPredicateType,
    predicate: approvalPredicate({ ...decision, environment, digest: root.digest, time }),
    key,
  }
}

/** The outcome for an image: its names, and the parts that differ. */
export function outcomeOf(
  { image, from, root }: ImageToApprove,
  parts: Pick<ApprovedImage, 'result' | 'artifact' | 'error'>,
): ApprovedImage {
  return { image, from, digest: root.digest, ...parts }
}
