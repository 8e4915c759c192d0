import type { Limits } from '../../../config/retention/policy.ts'
import { DrayError } from '../../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'

/** Digests that have an image tag. */
export interface ImageCount {
  readonly images: number
  readonly deleted: number
}

/**
 * Checks the deletes of one repository against the limits; undefined if they are within them. Pure.
 */
export function checkRepositoryLimits(
  repository: RepositoryName,
  { images, deleted }: ImageCount,
  { maxDeletes, maxPercent, minRemaining }: Limits,
): DrayError | undefined {
  if (deleted === 0) return undefined
  const refuse = (why: string, limit: string): DrayError => refusal(formatRepository(repository), why, limit)
  if (maxDeletes !== undefined && deleted > maxDeletes)
    return refuse(`${deleted} images would be deleted; maxDeletes is ${maxDeletes}`, 'maxDeletes')
  if (maxPercent !== undefined && deleted * 100 > maxPercent * images) {
    const percent = Math.round((deleted * 1000) / images) / 10
    return refuse(
      `${deleted} of ${images} images would be deleted, ${percent}%; maxPercent is ${maxPercent}`,
      'maxPercent',
    )
  }
  const remaining = images - deleted
  if (minRemaining !== undefined && remaining < minRemaining)
    return refuse(
      `${remaining} of ${images} images would remain; minRemaining is ${minRemaining}`,
      'minRemaining',
    )
  return undefined
}

/**
 * Checks the deletes of the whole run against the limits; undefined if they are within them. Pure.
 */
export function checkRunLimits(deleted: number, { maxDeletes }: Limits): DrayError | undefined {
  if (maxDeletes === undefined || deleted <= maxDeletes) return undefined
  return refusal(
    'all repositories',
    `${deleted} images would be deleted in all; maxDeletes is ${maxDeletes}`,
    'maxDeletes',
  )
}

function refusal(subject: string, why: string, limit: string): DrayError {
  return new DrayError('refused', `a limit of the policy would be passed: nothing is deleted`, {
    subject,
    why,
    hint: `Look at the plan (--dry-run). If it is what you want, raise limits.${limit} in dray.yaml, or clean up fewer repositories at once.`,
  })
}
