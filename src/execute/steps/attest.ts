import type { Promotion } from '../../audit/attestation/promotion-statement.ts'
import type { AuditedRun } from '../../audit/log/record.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import type { AttestStep, Placement, Plan } from '../../plan/plan.ts'
import type { Repositories, UnlistedReferrer } from '../../images/ports.ts'

export interface AttestOptions {
  readonly run: AuditedRun
  readonly time: Date
  readonly signingKey: SigningKey | undefined
}

/**
 * Attaches the attestation of a promotion to its image, unless it is there. Returns it if the
 * registry does not list it.
 * @throws what the store throws
 */
export async function attest(
  step: AttestStep,
  plan: Plan,
  stores: Repositories,
  { run, time, signingKey }: AttestOptions,
  call: Call,
): Promise<readonly UnlistedReferrer[]> {
  const placement = plan.placements.find(({ id }) => id === step.placement)
  if (placement === undefined) throw new DrayError('internal', `step ${step.id} belongs to no placement`)
  const promotion = promotionOf(plan, placement, run, time)
  // Most runs attest nothing. This loads the code for signatures.
  const { attachAttestation } = await import('../../audit/attestation/attestation-artifact.ts')
  const { unlisted } = await attachAttestation(
    stores.target(step.repository),
    { promotion, subject: step.subject, ...(signingKey !== undefined && { key: signingKey }) },
    call,
  )
  return unlisted
}

/**
 * The content of an attestation: the facts of the plan about one image at one target, and of the
 * run.
 */
function promotionOf(plan: Plan, placement: Placement, run: AuditedRun, time: Date): Promotion {
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
    ...(placement.gates !== undefined && { gates: placement.gates }),
    plannedAt: plan.createdAt,
    time: time.toISOString(),
    tool: run.tool,
  }
}
