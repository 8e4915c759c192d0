import type { Config, Requirement } from '../../config/config.ts'
import { environmentAt } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { PlacementEnd } from '../../plan/plan.ts'

/** The justification of a change, for the audit log. */
export interface Justification {
  readonly reason?: string
  readonly ticket?: string
  /** who asks for the change, beside the user or CI job that the audit log names anyway */
  readonly actor?: string
}

/** A repository that a plan changes, with the environment that the plan names for it. */
export type ChangedTarget = Pick<PlacementEnd, 'environment' | 'repository'>

/** A longer reason belongs in the ticket. */
const maxLength = 2000
/** The characters of a text that an error quotes. */
const maxQuoted = 100

/** The justification in the flags of a command. Empty text counts as not given. */
export function justificationOf(flags: {
  readonly [Key in keyof Justification]: string | undefined
}): Justification {
  const given = (['reason', 'ticket', 'actor'] as const).filter((name) => flags[name]?.trim())
  return Object.fromEntries(given.map((name) => [name, flags[name]]))
}

/**
 * Checks that a change has the justification that `audit.require` and the changed environments
 * require. A plan that changes nothing needs none.
 * @throws `refused`, naming the flag that is missing or does not match; `usage` for text that is
 * too long for the audit log.
 */
export async function checkJustification(
  changed: readonly ChangedTarget[],
  config: Config,
  justification: Justification,
): Promise<void> {
  for (const [name, text] of Object.entries(justification) as [string, string][]) {
    if (text.length > maxLength) {
      throw new DrayError('usage', `--${name} is too long`, {
        why: `it has ${text.length} characters, and the audit log accepts ${maxLength}`,
        hint: `Shorten the text of --${name}.`,
      })
    }
  }
  if (changed.length === 0) return
  for (const requirement of config.audit.require ?? []) await check(requirement, undefined, justification)
  // A repository that is named by its reference can still be in an environment, and a saved plan
  // can claim any environment. So the environment of the repository counts too.
  const environments = new Set(
    changed.flatMap(({ environment, repository }) => [
      environment,
      environmentAt(config, repository, environment),
    ]),
  )
  for (const name of environments) {
    if (name === undefined) continue
    for (const requirement of config.environments.get(name)?.require ?? [])
      await check(requirement, name, justification)
  }
}

async function check(
  { name, pattern }: Requirement,
  environment: string | undefined,
  justification: Justification,
): Promise<void> {
  // Only a bundle can be signed: `dray bundle apply` checks that.
  if (name === 'signed') return
  const text = justification[name]
  const setting = environment === undefined ? 'audit.require' : `environments.${environment}.require`
  if (text === undefined) {
    const what = environment === undefined ? 'the change' : `the change of ${environment}`
    throw new DrayError('refused', `${what} has no ${name}`, {
      why: `${setting} in dray.yaml requires a ${name} for the audit log`,
      hint: `Pass --${name}.`,
    })
  }
  if (pattern === undefined) return
  const { LinearRegExp } = await import('../../lib/linear-regexp.ts')
  if (LinearRegExp.parse(pattern).match(text) !== undefined) return
  const quoted = text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text
  throw new DrayError('refused', `the ${name} ${quoted} does not match ${pattern}`, {
    why: `${setting} in dray.yaml requires a ${name} that matches as a whole`,
    hint: `Pass a matching --${name}.`,
  })
}
