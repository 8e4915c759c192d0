import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import { explain } from '../../usecases/prune/policy/explain.ts'
import type { Explanation } from '../../usecases/prune/policy/explanation.ts'
import { resolveImageToExplain } from '../arguments/image-requests.ts'
import type { Context } from '../wiring/context.ts'
import { type PruneArguments, gatherPruneInputs } from './prune-inputs.ts'
import { evaluateRepository } from './prune-run.ts'

/**
 * Explains what the policy does with one image.
 * @throws `usage`, `config`, `not-found`, and what a prune of that repository throws.
 */
export async function explainImage(
  text: string,
  args: Omit<PruneArguments, 'patterns' | 'exclude' | 'shard'>,
  context: Context,
  call: Call,
): Promise<Explanation> {
  const { config } = await context.config()
  const { repository, at } = resolveImageToExplain(text, config)
  const name = formatRepository(repository)
  const inputs = await gatherPruneInputs(
    { ...args, patterns: [name], exclude: [], shard: undefined },
    context,
    call,
  )
  const [scoped] = inputs.scope.repositories
  if (scoped === undefined) throw new DrayError('internal', `${name} is not in its own scope`)
  const evaluated = await evaluateRepository(scoped, inputs, context, call, at)
  return explain(evaluated, scoped.policy, at, inputs.retention.limits)
}
