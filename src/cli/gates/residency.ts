import type { Call } from '../../lib/call.ts'
import type { Plan, Refusal } from '../../plan/plan.ts'
import type {
  ResidencyPorts,
  ResidentImage,
  ResidencyViolation,
} from '../../gates/residency/check-residency.ts'
import type { Context } from '../wiring/context.ts'

/**
 * Returns the refusals of a plan by `residency` of today's `dray.yaml`. Without that section, it
 * loads and reads nothing.
 */
export async function refuseByResidency(
  plan: Plan,
  context: Context,
  call: Call,
): Promise<readonly Refusal[]> {
  const ports = await residencyPorts(context)
  if (ports === undefined || plan.steps.length === 0) return []
  const { residencyRefusals } = await import('../../gates/residency/check-residency.ts')
  return await residencyRefusals(plan, ports, call)
}

/** Checks that an artifact may be attached to an image in its repository. @throws `refused`. */
export async function checkResidencyOfAttached(
  { to, ...image }: Omit<ResidentImage, 'from'>,
  context: Context,
  call: Call,
): Promise<void> {
  const ports = await residencyPorts(context)
  if (ports === undefined) return
  const { checkResidency } = await import('../../gates/residency/check-residency.ts')
  await checkResidency({ ...image, from: to, to }, ports, call)
}

/** Returns the images that may not be in their repositories, for `dray check`. */
export async function findResidencyViolations(
  images: readonly Omit<ResidentImage, 'from'>[],
  context: Context,
  call: Call,
): Promise<readonly ResidencyViolation[]> {
  const ports = await residencyPorts(context)
  if (ports === undefined) return []
  const { residencyViolations } = await import('../../gates/residency/check-residency.ts')
  return await residencyViolations(images, ports, call)
}

async function residencyPorts(context: Context): Promise<ResidencyPorts | undefined> {
  const { config } = await context.config()
  const { residency: policy } = config
  if (policy === undefined) return undefined
  const { compileResidency } = await import('../../config/gates/compile-residency.ts')
  return { residency: compileResidency(config, policy), stores: await context.stores() }
}
