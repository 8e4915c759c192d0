import type { Limits } from '../../../config/retention/policy.ts'
import { DrayError } from '../../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { countDeletes } from '../../../plan/prune/count-deletes.ts'
import type { RepositoryPlan } from '../../../plan/prune/prune-plan.ts'

/**
 * Checks the deletes of one repository against the limits; undefined if they are within them. The
 * error has every limit that is exceeded. Pure.
 */
export function checkRepositoryLimits(
  repository: RepositoryName,
  count: RepositoryPlan['count'],
  { maxDeletes, maxPercent, minRemaining }: Limits,
): DrayError | undefined {
  const { images, deleted } = count
  const all = countDeletes(count)
  if (all === 0) return undefined
  const breaches: Breach[] = []
  if (maxDeletes !== undefined && all > maxDeletes) {
    const why = `${all} images would be deleted, and maxDeletes is ${maxDeletes}`
    breaches.push({ name: 'maxDeletes', needed: all, why })
  }
  if (maxPercent !== undefined && deleted * 100 > maxPercent * images) {
    const percent = Math.round((deleted * 1000) / images) / 10
    const why = `${deleted} of ${images} images would be deleted (${percent}%), and maxPercent is ${maxPercent}`
    breaches.push({ name: 'maxPercent', needed: Math.ceil((deleted * 100) / images), why })
  }
  const remaining = images - deleted
  if (minRemaining !== undefined && deleted > 0 && remaining < minRemaining) {
    const why = `${remaining} of ${images} images would remain, and minRemaining is ${minRemaining}`
    breaches.push({ name: 'minRemaining', needed: remaining, why })
  }
  return breaches.length === 0 ? undefined : refusal(formatRepository(repository), breaches)
}

/**
 * Checks the deletes of the whole run against the limits; undefined if they are within them. Pure.
 */
export function checkRunLimits(deleted: number, { maxDeletes }: Limits): DrayError | undefined {
  if (maxDeletes === undefined || deleted <= maxDeletes) return undefined
  const why = `${deleted} images would be deleted in total, and maxDeletes is ${maxDeletes}`
  return refusal('all repositories', [{ name: 'maxDeletes', needed: deleted, why }])
}

/** A limit that the deletes exceed. */
interface Breach {
  readonly name: keyof Limits
  /** the value that allows the deletes */
  readonly needed: number
  readonly why: string
}

function refusal(subject: string, breaches: readonly Breach[]): DrayError {
  const names = breaches.map(({ name }) => name).join(' and limits.')
  const values = breaches.map(({ name, needed }) => `limits.${name} to ${needed}`).join(' and ')
  return new DrayError('refused', `the deletes violate limits.${names} of the policy`, {
    subject,
    why: breaches.map(({ why }) => why).join('; '),
    hint: `Check the deletes in the plan. To allow them, set ${values} in dray.yaml.`,
  })
}
