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
  const subject = formatRepository(repository)
  if (maxDeletes !== undefined && deleted > maxDeletes) {
    const why = `${deleted} images would be deleted, and maxDeletes is ${maxDeletes}`
    return refusal(subject, why, { name: 'maxDeletes', needed: deleted })
  }
  if (maxPercent !== undefined && deleted * 100 > maxPercent * images) {
    const percent = Math.round((deleted * 1000) / images) / 10
    const why = `${deleted} of ${images} images would be deleted (${percent}%), and maxPercent is ${maxPercent}`
    return refusal(subject, why, { name: 'maxPercent', needed: Math.ceil((deleted * 100) / images) })
  }
  const remaining = images - deleted
  if (minRemaining !== undefined && remaining < minRemaining) {
    const why = `${remaining} of ${images} images would remain, and minRemaining is ${minRemaining}`
    return refusal(subject, why, { name: 'minRemaining', needed: remaining })
  }
  return undefined
}

/**
 * Checks the deletes of the whole run against the limits; undefined if they are within them. Pure.
 */
export function checkRunLimits(deleted: number, { maxDeletes }: Limits): DrayError | undefined {
  if (maxDeletes === undefined || deleted <= maxDeletes) return undefined
  const why = `${deleted} images would be deleted in total, and maxDeletes is ${maxDeletes}`
  return refusal('all repositories', why, { name: 'maxDeletes', needed: deleted })
}

/** @param limit its name, and the value that allows the deletes */
function refusal(
  subject: string,
  why: string,
  { name, needed }: { readonly name: keyof Limits; readonly needed: number },
): DrayError {
  return new DrayError('refused', `the deletes violate limits.${name} of the policy`, {
    subject,
    why,
    hint: `Check the deletes in the plan. To allow them, set limits.${name} to ${needed} in dray.yaml.`,
  })
}
