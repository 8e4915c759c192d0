import type { Config, Requirement } from '../../config/config.ts'
import { environmentAt } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { PlacementEnd as Place, Plan } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'

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
export function checkGrounds(plan: Plan | PrunePlan, config: Config, grounds: Grounds): void {
  for (const [name, text] of Object.entries(grounds) as [string, string][]) {
    if (text.length > maxLength)
      throw new DrayError('usage', `--${name} is longer than ${maxLength} characters`)
  }
  const changed = changedBy(plan)
  if (changed.length === 0) return
  for (const requirement of config.audit.require ?? []) check(requirement, 'every change', grounds)
  // A repository that is named by its reference alone can still be in an environment, and
  // a saved plan can claim any environment: the one of the repository counts as well.
  const environments = new Set(
    changed.flatMap(({ environment, repository }) => [
      environment,
      environmentAt(config, repository, environment),
    ]),
  )
  for (const name of environments) {
    if (name === undefined) continue
    for (const requirement of config.environments.get(name)?.require ?? []) check(requirement, name, grounds)
  }
}

type Changed = Pick<Place, 'environment' | 'repository'>

/** The places that a plan changes; none where it has no steps. */
function changedBy(plan: Plan | PrunePlan): readonly Changed[] {
  if (plan.operation === 'prune') return plan.repositories.filter(({ steps }) => steps.length > 0)
  return plan.steps.length === 0 ? [] : plan.placements.map(({ to }) => to)
}

function check(requirement: Requirement, what: string, grounds: Grounds): void {
  if (grounds[requirement] !== undefined) return
  throw new DrayError('refused', `${what} needs a ${requirement}, and none was given`, {
    why: 'dray.yaml requires it',
    hint: `Give it with --${requirement}: it goes into the record.`,
  })
}
