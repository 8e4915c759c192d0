import { gatesAt } from '../../../config/gates/gates-at.ts'
import type { JudgeAgain } from '../../../execute/tags/gate-checks.ts'
import type { Call } from '../../../lib/call.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { refuseImages } from '../../../plan/gates/refuse-images.ts'
import type { PlacementOperation, Plan } from '../../../plan/plan.ts'
import type { Context } from '../../wiring/context.ts'
import type { GateFlags } from '../gate-flags.ts'
import { gateOverrides } from './gate-overrides.ts'
import { applicableGates, distinctGates, type GateSources } from './gate-run.ts'
import { hashOfGates } from '../trust/hash-definition.ts'
import { loadGates } from '../load-gates.ts'
import { openGateRun } from './open-gate-run.ts'
import { noRuleGates, type RuleGates } from './rule-gates.ts'
import { readReportFiles, warnAboutReportFiles } from '../report-files.ts'
import { refuseByResidency } from '../residency.ts'

export interface PlanGuardOptions {
  readonly operation: PlacementOperation
  /** the repositories that the run may write to */
  readonly targets: readonly RepositoryName[]
  readonly partial: boolean
  /** the gates of sync rules; absent: there are none */
  readonly rules?: RuleGates
}

/** A plan after the gates and the residency of `dray.yaml` were applied to it. */
interface GuardedPlan {
  readonly plan: Plan
  readonly judgeAgain: JudgeAgain
}

/** Applies gates and residency to the plans of one run. */
export interface PlanGuard {
  /** the part of the policy's hash for gates and for what the user passed for them */
  readonly hashed: object
  /** about files of `--scan-report` that no gate uses */
  readonly warnings: readonly string[]
  apply(plan: Plan, sources: GateSources, call: Call): Promise<GuardedPlan>
}

/**
 * Reads the keys and roots of the gates of the targets, and the files of `--scan-report`.
 * @throws `usage` for a wrong `--override-gate`; `config` for a gate that cannot be evaluated; what
 * reading a report file throws.
 */
export async function openPlanGuard(
  { operation, targets, partial, rules = noRuleGates }: PlanGuardOptions,
  flags: GateFlags,
  context: Context,
): Promise<PlanGuard> {
  const loaded = await context.config()
  const all = [
    ...targets.flatMap((target) => gatesAt(loaded.config, target)),
    ...[...rules.values()].flat().map((gate) => ({ gate, image: '' })),
  ]
  const overrides = gateOverrides(
    flags['override-gate'] ?? [],
    flags.reason,
    all.map(({ gate }) => gate),
  )
  const gates = distinctGates(applicableGates(all, operation))
  const [trust, reportFiles] = await Promise.all([
    loadGates(loaded, gates),
    readReportFiles(flags['scan-report'] ?? [], context.cwd),
  ])
  const run = await openGateRun({ operation, trust, overrides, reportFiles, rules }, flags, context)
  const hash = hashOfGates(gates, trust)
  return {
    hashed: {
      ...(hash !== undefined && { gates: hash }),
      ...(overrides.size > 0 && { overriddenGates: [...overrides.keys()].sort() }),
      ...(reportFiles.length > 0 && { scanReports: reportFiles.map(({ sha256 }) => sha256) }),
    },
    warnings: warnAboutReportFiles(reportFiles, gates),
    apply: async (plan, sources, call) => {
      const refusals = await refuseByResidency(plan, context, call)
      const allowed = refuseImages(plan, refusals, { partial })
      return {
        plan: await run.judgePlan(allowed, sources, { partial }, call),
        judgeAgain: run.judgeAgain(sources),
      }
    },
  }
}
