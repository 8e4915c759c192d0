import type { Plan, Refusal } from '../plan.ts'

/**
 * Adds refusals to a plan and removes the steps that they forbid: pure. A refusal of an image, or
 * of an image at one target, removes the steps of this image at all targets. With `partial`, a
 * refusal at one target removes only the steps at that target.
 */
export function refuseImages(
  plan: Plan,
  refusals: readonly Refusal[],
  { partial }: { readonly partial: boolean },
): Plan {
  if (refusals.length === 0) return plan
  const isRefused = ({ id, image }: Plan['placements'][number]): boolean =>
    refusals.some(
      (one) => one.image === image && (!partial || one.placement === undefined || one.placement === id),
    )
  const refused = new Set(plan.placements.filter(isRefused).map(({ id }) => id))
  return {
    ...plan,
    steps: plan.steps.filter(({ placement }) => !refused.has(placement)),
    refusals: [...plan.refusals, ...refusals],
  }
}
