import { endOfDay } from '../../lib/day.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseCreated } from '../../oci/created.ts'
import type { Digest } from '../../oci/digest.ts'
import { Fields } from '../../oci/fields.ts'
import { isRecord } from '../../oci/json.ts'
import type { Actor } from '../log/record.ts'

/** The predicate type of a person's decision about an image and an environment. */
export const approvalPredicateType = 'urn:dray:approval:v1'

export type ApprovalDecision = 'approve' | 'reject'

/** A decision as `dray approve` writes it. */
export interface NewApproval {
  readonly digest: Digest
  readonly environment: string
  readonly decision: ApprovalDecision
  readonly reason?: string
  readonly ticket?: string
  /** when the decision stops to count: milliseconds since 1970 */
  readonly expires?: number
  /** milliseconds since 1970 */
  readonly time: number
  readonly actor: Actor
}

/** A decision that a statement contains. */
export interface Approval {
  /** the digest that the predicate repeats */
  readonly digest?: Digest
  readonly environment: string
  readonly decision: ApprovalDecision
  readonly reason?: string
  /** milliseconds since 1970: the decision counts before it */
  readonly expires?: number
  /** milliseconds since 1970; undefined if the predicate has no time */
  readonly time?: number
}

/**
 * An unknown field can be a restriction, such as `expires` with a typing error, or one of a newer
 * dray. A statement that has one is therefore not understood.
 */
const knownFields: ReadonlySet<string> = new Set([
  'digest',
  'environment',
  'decision',
  'reason',
  'ticket',
  'expires',
  'timestamp',
  'actor',
])

/** Returns the predicate of a decision. */
export function approvalPredicate(approval: NewApproval): Readonly<Record<string, unknown>> {
  const { digest, environment, decision, reason, ticket, expires, time, actor } = approval
  return {
    digest,
    environment,
    decision,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires: new Date(expires).toISOString() }),
    timestamp: new Date(time).toISOString(),
    actor,
  }
}

/**
 * Parses the predicate of a decision, as dray or `cosign attest --predicate` wrote it.
 * @throws `malformed`, naming `where`, also for an unknown field.
 */
export function approvalOf(predicate: unknown, where: string): Approval {
  const fields = Fields.of(predicate, where)
  const unknown = isRecord(predicate) && Object.keys(predicate).find((key) => !knownFields.has(key))
  if (typeof unknown === 'string')
    throw new DrayError('malformed', `${where} has the unknown field ${JSON.stringify(unknown)}`)
  const decision = fields.text('decision')
  if (decision !== 'approve' && decision !== 'reject')
    throw new DrayError('malformed', `${where}.decision is neither approve nor reject`)
  const environment = fields.text('environment')
  const digest = fields.optionalDigest('digest')
  const reason = fields.optionalText('reason')
  const expires = endOf(fields.optionalText('expires'), `${where}.expires`)
  const time = timeOf(fields.optionalText('timestamp'), `${where}.timestamp`)
  return {
    environment,
    decision,
    ...(digest !== undefined && { digest }),
    ...(reason !== undefined && { reason }),
    ...(expires !== undefined && { expires }),
    ...(time !== undefined && { time }),
  }
}

/** A date without a time includes its day in UTC. */
function endOf(text: string | undefined, where: string): number | undefined {
  return text === undefined ? undefined : (endOfDay(text) ?? timeOf(text, where))
}

function timeOf(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined
  const time = parseCreated(text)
  if (time === undefined)
    throw new DrayError('malformed', `${where} is no time, such as 2027-01-31T12:00:00Z`)
  return time
}
