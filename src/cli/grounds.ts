import type { Config, Requirement } from '../config/config.ts'
import { imagesAt } from '../config/environments.ts'
import { DrayError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'

/** What a person says about a change, for the record. */
export interface Grounds {
  readonly reason?: string
  readonly ticket?: string
  /** who asks for it, beside the user or CI job that the record names anyway */
  readonly actor?: string
}

/** A reason longer than this belongs into the ticket. */
const maxLength = 2000

/**
 * Sees that a change has what `audit.require`, and the environments that it goes to, make compulsory. A plan that changes nothing needs nothing.
 * @throws `refused`, naming what to give; `usage` for text that is too long to be recorded.
 */
export function checkGrounds(plan: Plan, config: Config, grounds: Grounds): void {
  for (const [name, text] of Object.entries(grounds) as [string, string][]) {
    if (text.length > maxLength)
      throw new DrayError('usage', `--${name} is longer than ${maxLength} characters`)
  }
  if (plan.steps.length === 0) return
  for (const requirement of config.audit.require ?? []) check(requirement, 'every change', grounds)
  // a copy to a reference names no environment, and may go into one all the same
  const environments = new Set(
    plan.placements.flatMap(
      ({ to }) => to.environment ?? imagesAt(config, to.repository)[0]?.environment ?? [],
    ),
  )
  for (const name of environments) {
    for (const requirement of config.environments.get(name)?.require ?? []) check(requirement, name, grounds)
  }
}

function check(requirement: Requirement, what: string, grounds: Grounds): void {
  if (grounds[requirement] !== undefined) return
  throw new DrayError('refused', `${what} needs a ${requirement}, and none was given`, {
    why: 'dray.yaml requires it',
    hint: `Give it with --${requirement}: it goes into the record.`,
  })
}
