import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Plan, Refusal } from '../../plan/plan.ts'
import type { ResidencyPorts, ResidentImage } from '../../gates/residency/check-residency.ts'
import { sameRepository } from '../../oci/reference.ts'
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

/**
 * Returns why an image may not be written to a repository, or may not stay in the repository that
 * has it: the source of content that is there is unknown. Empty if it may.
 */
export async function residencyErrors(
  { from, ...image }: ResidentImage,
  context: Context,
  call: Call,
): Promise<readonly ErrorInfo[]> {
  const ports = await residencyPorts(context)
  if (ports === undefined) return []
  const isThere = from !== undefined && sameRepository(from, image.to)
  const { findRefusal } = await import('../../gates/residency/check-residency.ts')
  const error = await findRefusal({ ...image, from: isThere ? undefined : from }, ports, call)
  return error === undefined ? [] : [toErrorInfo(error)]
}

async function residencyPorts(context: Context): Promise<ResidencyPorts | undefined> {
  const { config } = await context.config()
  const { residency: policy } = config
  if (policy === undefined) return undefined
  const { compileResidency } = await import('../../config/gates/compile-residency.ts')
  return { residency: compileResidency(config, policy), stores: await context.stores() }
}
