import {
  asHold,
  type AttachedHold,
  describeHold,
  findActive,
  maxAheadMs,
} from '../../audit/holds/find-holds.ts'
import { DrayError, toErrorInfo } from '../../lib/errors.ts'
import { holdTag } from '../../images/holds/hold-tag.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import type { HoldItem, HoldPlan, HoldRefusal } from '../../plan/holds/hold-plan.ts'
import type { GatheredHold, HoldSnapshot } from './gather.ts'

export type HoldChange = Pick<HoldPlan, 'decision' | 'reason' | 'ticket' | 'expires'>

/** Whether the audit log has an open hold of an image. */
export type IsOpenHold = (repository: RepositoryName, digest: Digest) => boolean

/** Decides what to attach to each image, and what happens to its tag: pure. */
export function decide(
  gathered: readonly GatheredHold[],
  change: HoldChange,
  isOpen: IsOpenHold,
  now: Date,
): HoldPlan {
  const decided = gathered.map((one): HoldItem | HoldRefusal => {
    if (one.kind === 'unread') {
      const { request, error } = one.unread
      return refusal(request, error)
    }
    const { request, digest } = one.snapshot
    const item = decideOne(one.snapshot, change, isOpen(request.repository, digest), now.getTime())
    return item instanceof DrayError ? refusal(request, item) : item
  })
  return {
    operation: 'hold',
    ...change,
    createdAt: now.toISOString(),
    images: decided.flatMap((one) => ('error' in one ? [] : [one])),
    refusals: decided.flatMap((one) => ('error' in one ? [one] : [])),
  }
}

function refusal({ image, repository }: HoldSnapshot['request'], error: DrayError): HoldRefusal {
  return { image, repository, error: toErrorInfo(error) }
}

function decideOne(
  snapshot: HoldSnapshot,
  change: HoldChange,
  isOpen: boolean,
  now: number,
): HoldItem | DrayError {
  const { request, digest, subject, statements, tag } = snapshot
  const { image, environment, repository, at } = request
  const name = holdTag(digest)
  if (subject === null && change.decision === 'hold') {
    return new DrayError('not-found', `${formatAt(repository, at)} does not exist`, {
      subject: formatAt(repository, at),
      hint: 'Check the digest and the repository.',
    })
  }
  if (tag !== null && tag !== digest) {
    return new DrayError('refused', `the tag ${name} is on another image`, {
      subject: formatAt(repository, { tag: name }),
      why: `it is on ${tag}, and dray sets it only on ${digest}`,
      hint: 'Delete the tag, or name another one for that image. Then run the command again.',
    })
  }
  const newest = Math.max(0, ...statements.map(({ time }) => time ?? 0))
  if (newest > now + maxAheadMs) {
    return new DrayError('refused', `a hold of ${formatAt(repository, { digest })} is dated in the future`, {
      subject: formatAt(repository, { digest }),
      why: `its time is ${new Date(newest).toISOString()}, and this machine has ${new Date(now).toISOString()}`,
      hint: 'Correct the wrong clock (NTP), then run the command again.',
    })
  }
  const active = findActive(statements, now)
  return {
    image,
    ...(environment !== undefined && { environment }),
    repository,
    digest,
    subject,
    time: new Date(Math.max(now, newest + 1)).toISOString(),
    ...(change.decision === 'hold'
      ? decideHold(active, change, tag, name)
      : decideRelease(active, snapshot, isOpen, name)),
    ...(active !== undefined && { before: describeHold(asHold(active)) }),
  }
}

type Decided = Pick<HoldItem, 'statement' | 'tag'>

function decideHold(
  active: AttachedHold | undefined,
  { reason, ticket, expires }: HoldChange,
  tag: HoldSnapshot['tag'],
  name: string,
): Decided {
  const known = active?.statement
  const isEqual =
    known !== undefined && known.reason === reason && known.ticket === ticket && known.expires === expires
  return {
    statement: isEqual ? 'unchanged' : 'attach',
    tag: { name, change: tag === null ? 'create' : 'unchanged' },
  }
}

/**
 * A tag without any statement holds too, and its release is a statement as well. A hold that only
 * the audit log has is released in the same way.
 */
function decideRelease(
  active: AttachedHold | undefined,
  { statements, tag }: HoldSnapshot,
  isOpen: boolean,
  name: string,
): Decided {
  const isHeld = active !== undefined || (tag !== null && statements.length === 0) || isOpen
  return {
    statement: isHeld ? 'attach' : 'unchanged',
    tag: { name, change: tag === null ? 'unchanged' : 'delete' },
  }
}
