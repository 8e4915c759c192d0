import type { Promotion } from '../audit/attestation/promotion-statement.ts'
import type { Run } from '../audit/log/record.ts'
import type { Placement, Plan } from '../plan/plan.ts'

/** What is attested of one image at one target: the facts of its plan, and of the run that carries it out. */
export function promotionOf(plan: Plan, placement: Placement, run: Run, now: Date): Promotion {
  const attached = plan.steps.flatMap((step) =>
    step.kind === 'attach' && step.placement === placement.id ? [step.manifest.digest] : [],
  )
  const { environment, repository } = placement.to
  return {
    digest: placement.root.digest,
    from: placement.from,
    to: { ...(environment !== undefined && { environment }), repository },
    tags: placement.tags.map(({ tag, before }) => ({ tag, before })),
    actor: run.actor,
    ...(run.reason !== undefined && { reason: run.reason }),
    ...(run.ticket !== undefined && { ticket: run.ticket }),
    run: run.id,
    plan: run.plan,
    policy: run.policy,
    evidence: attached,
    plannedAt: plan.createdAt,
    time: now.toISOString(),
    tool: run.tool,
  }
}
