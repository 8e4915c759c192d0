import { DrayError } from '../lib/errors.ts'

/**
 * The error for a plan that dray cannot have made.
 * @param name of the file
 */
export function invalidPlan(name: string, why: string): DrayError {
  return new DrayError('malformed', `${name} is not a valid plan`, { why, hint: 'Make a new plan.' })
}
