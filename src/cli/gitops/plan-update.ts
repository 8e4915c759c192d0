import { resolveEnvironmentOption } from '../../config/resolver/resolve.ts'
import type { Call } from '../../lib/call.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import type { EditingPlan } from '../../plan/edits/editing-plan.ts'
import type { PlannedChange } from '../changes/operation.ts'
import { hashPolicy } from '../changes/planning.ts'
import type { Context } from '../wiring/context.ts'
import { deployedImages } from './images-to-write.ts'
import type { EditingTypes } from './editing-types.ts'
import type { PublishFlags } from './git-request.ts'
import { gitopsOfEnvironment, planEdits } from './plan-edits.ts'

/**
 * Reads what an environment has, and decides the edits that bring it into the deployment files.
 * @param call should end at the first Ctrl-C: a read has nothing to finish
 * @throws `usage`, `config`; what the registries, the files and git throw.
 */
export async function planUpdate(
  { env, references }: { readonly env: string; readonly references: readonly string[] },
  flags: PublishFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<EditingTypes>> {
  const { config } = await context.config()
  const { environment } = resolveEnvironmentOption(env, config)
  const gitops = await gitopsOfEnvironment(environment, context)
  const readAt = context.clock.now()
  const images = await deployedImages(references, gitops, context, call)
  const { edits, findings, warnings } = await planEdits(images, environment, { flags }, context, call)
  const policy = await hashPolicy(
    { operation: 'gitops' as const },
    { rules: canonicalJson(gitops.rules) },
    context,
  )
  const plan: EditingPlan = {
    schema: 'dray.plan/1',
    operation: 'gitops',
    createdAt: new Date(readAt).toISOString(),
    tool: context.version,
    policy: policy.hash,
    placements: [],
    steps: [],
    refusals: [],
    edits,
  }
  return {
    plan,
    review: async () => ({
      findings: { readAt, edits: findings },
      startedAt: readAt,
      warnings,
      omissions: [],
    }),
  }
}
