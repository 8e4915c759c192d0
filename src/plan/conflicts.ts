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
    why: `the plan saw ${digest ?? 'no such tag'}, now it is ${now ?? 'not there'}`,
    hint: 'Nothing was overwritten. Find out who moved the tag, then make the plan again.',
  })
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
    `${formatVersion(higher)} came to ${formatRepository(repository)} since the plan was made`,
    {
      subject: tag,
      why: `${tag} is for the highest version of its line, and that is not ${version} any more`,
      hint: 'Nothing was overwritten. Make the plan again.',
    },
  )
}
