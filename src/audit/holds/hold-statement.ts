import { endOfDay } from '../../lib/day.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { Fields } from '../../oci/fields.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { holdPredicateType } from '../../images/holds/hold-tag.ts'
import { isBundleType, parseBundle } from '../../signing/sigstore-bundle.ts'
import { parseStatement } from '../../signing/statement.ts'
import type { Actor } from '../log/record.ts'

type HoldDecision = 'hold' | 'release'

/** The content of a statement that holds an image, or ends its holds. */
export interface HoldStatement {
  readonly digest: Digest
  readonly decision: HoldDecision
  /** milliseconds since 1970 */
  readonly time: number
  readonly reason?: string
  readonly ticket?: string
  /** the last day of the hold, `2027-01-31` in UTC */
  readonly expires?: string
  /** who made it, as it claims */
  readonly by?: string
}

/** The predicate of a hold statement. */
export function holdPredicate(
  { digest, decision, time, reason, ticket, expires }: Omit<HoldStatement, 'by'>,
  { repository, actor, run, tool }: HoldOrigin,
): object {
  return {
    digest,
    decision,
    repository: formatRepository(repository),
    timestamp: new Date(time).toISOString(),
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
    actor,
    run,
    tool: { name: 'dray', version: tool },
  }
}

/** The run that makes a statement. */
export interface HoldOrigin {
  readonly repository: RepositoryName
  readonly actor: Actor
  readonly run: string
  /** version of dray */
  readonly tool: string
}

/**
 * Parses a hold statement, signed or not, without a check of its signature: everyone who can push
 * can hold an image. @throws `malformed`, also for a statement about another image; `unsupported`.
 */
export function parseHoldStatement(bytes: Uint8Array, mediaType: string, subject: Digest): HoldStatement {
  const where = 'the hold'
  const payload = isBundleType(mediaType) ? parseBundle(bytes, where).envelope.payload : bytes
  const { predicateType, predicate, subjects } = parseStatement(payload, where)
  const fields = Fields.of(predicate, where)
  if (
    predicateType !== holdPredicateType ||
    !subjects.includes(subject) ||
    fields.digest('digest') !== subject
  )
    throw new DrayError('malformed', `${where} is not about ${subject}`)
  const decision = fields.text('decision')
  if (decision !== 'hold' && decision !== 'release')
    throw new DrayError('malformed', `${where} has an unknown decision`)
  const [reason, ticket, expires] = ['reason', 'ticket', 'expires'].map((name) => fields.optionalText(name))
  if (expires !== undefined && endOfDay(expires) === undefined)
    throw new DrayError('malformed', `${where} has no date in expires`)
  const by = nameOf(fields.optionalObject('actor'))
  return {
    digest: subject,
    decision,
    time: Date.parse(fields.time('timestamp')),
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
    ...(by !== undefined && { by }),
  }
}

function nameOf(actor: Fields | undefined): string | undefined {
  return (
    actor?.optionalText('says') ??
    actor?.optionalObject('ci')?.optionalText('user') ??
    actor?.optionalText('user')
  )
}
