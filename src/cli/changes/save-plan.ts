import { isDrayError } from '../../lib/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import type { Context } from '../wiring/context.ts'

/**
 * Writes a plan for `dray apply`, signed with `audit.sign.key` if that is configured. A job that
 * makes plans need not have the key: without it the plan is saved unsigned, with a warning.
 * @throws `io`.
 */
export async function savePlan(
  file: string,
  plan: Plan | PrunePlan,
  context: Context,
  warn: (text: string) => void,
): Promise<void> {
  const [{ formatPlanFile }, { writeFileAtomic }] = await Promise.all([
    import('../../plan/plan-file.ts'),
    import('../../lib/files/atomic.ts'),
  ])
  await writeFileAtomic(file, formatPlanFile(plan, await signatureOf(plan, context, warn)), { mode: 0o600 })
}

async function signatureOf(
  plan: Plan | PrunePlan,
  context: Context,
  warn: (text: string) => void,
): Promise<unknown> {
  try {
    const key = await context.signingKey()
    if (key === undefined) return undefined
    const { signPlan } = await import('../../audit/attestation/plan-signature.ts')
    return signPlan(plan, key)
  } catch (error) {
    if (!isDrayError(error) || (error.code !== 'config' && error.code !== 'io')) throw error
    warn(`the plan is saved without a signature: ${error.message}${subjectOf(error.subject)}`)
    return undefined
  }
}

function subjectOf(subject: string | undefined): string {
  return subject === undefined ? '' : `: ${subject}`
}
