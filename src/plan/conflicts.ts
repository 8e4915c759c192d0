import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, formatRepository } from '../oci/reference.ts'
import { formatVersion, type Version } from '../semver/version.ts'
import type { HighestPrecondition, TagPrecondition } from './plan.ts'

/** Returns the error for a tag that is on another digest than the plan read or writes. */
export function movedSince({ repository, tag, digest }: TagPrecondition, now: Digest | null): DrayError {
  const name = formatAt(repository, { tag })
  return new DrayError('conflict', `${name} was changed since the plan was made`, {
    subject: name,
    why: `in the plan it ${pointsTo(digest)}, now it ${pointsTo(now)}`,
    hint: 'Nothing was overwritten. Find out who moved the tag. Then make a new plan.',
  })
}

function pointsTo(digest: Digest | null): string {
  return digest === null ? 'does not exist' : `points to ${digest}`
}

/**
 * Returns the error for a floating tag whose version is no longer the highest of its line.
 * @param tag the floating tag, as a reference
 */
export function overtaken(
  { repository, version }: HighestPrecondition,
  higher: Version,
  tag: string,
): DrayError {
  return new DrayError(
    'conflict',
    `${formatVersion(higher)} was added to ${formatRepository(repository)} since the plan was made`,
    {
      subject: tag,
      why: `${tag} follows the highest version, which is not ${version} any more`,
      hint: 'Nothing was overwritten. Make a new plan.',
    },
  )
}
