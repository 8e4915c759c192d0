import type { JudgeAgain } from '../../../execute/tags/gate-checks.ts'
import type { ApplicableGate, ReportFile } from '../../../gates/gate-request.ts'
import type { GateTrust } from '../../../gates/gate-trust.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { changedGates } from '../../../plan/gates/changed-gates.ts'
import { gateConflict } from '../../../plan/gates/gate-errors.ts'
import { gateKey, type GateResult } from '../../../plan/gates/gate-result.ts'
import type { Placement, PlacementId, Plan } from '../../../plan/plan.ts'
import type { Context } from '../../wiring/context.ts'
import type { GateFlags } from '../gate-flags.ts'
import { applicableGates, distinctGates, type GateRun, type GateSources, judgeEach } from './gate-run.ts'
import { loadGates } from '../load-gates.ts'
import { openGateRun } from './open-gate-run.ts'
import { gatesOfPlacement, ruleGatesOf } from './rule-gates.ts'
import { readReportFiles } from '../report-files.ts'

/** The judgement of the current gates about a saved plan. */
export interface GateReview {
  /** the results of now; none for an image that is not written or was not judged */
  readonly gates: ReadonlyMap<PlacementId, readonly GateResult[]>
  /** why a placement is not begun: a conflict, or a read that failed */
  readonly obstacles: ReadonlyMap<PlacementId, DrayError>
  readonly warnings: readonly string[]
  readonly judgeAgain: JudgeAgain
}

/**
 * Judges a saved plan by the gates of today's `dray.yaml` (docs/gates.md, When gates are
 * evaluated). A plan file cannot bring weaker gates: if they differ from those of the plan, it is a
 * conflict. The overrides of the plan apply, unless a gate forbids it now.
 * @param written the placements of the plan to which something would be written now
 * @param sources as for a new plan, by placement of the saved plan
 * @throws what reading a report file throws; the reason of the signal
 */
export async function reviewGates(
  plan: Plan,
  written: readonly Placement[],
  { sources, flags }: { readonly sources: GateSources; readonly flags: GateFlags },
  context: Context,
  call: Call,
): Promise<GateReview> {
  const { operation, placements } = plan
  const loaded = await context.config()
  const rules = await ruleGatesOf(plan, loaded)
  const gatesOf = (placement: Placement): readonly ApplicableGate[] =>
    applicableGates(gatesOfPlacement(placement, loaded, rules), operation)
  const reportFiles = await readReportFiles(flags['scan-report'] ?? [], context.cwd)
  const gates = distinctGates(placements.flatMap(gatesOf))
  const trust = await loadGates(loaded, gates).catch(configMistake)
  const run = await openGateRun(
    {
      operation,
      trust: isDrayError(trust) ? noTrust : trust,
      overrides: overridesOf(placements),
      reportFiles,
      rules,
    },
    flags,
    context,
  )
  const judgeAgain = run.judgeAgain(sources)
  const known = new Map(placements.map((placement) => [placement.id, placement]))
  const reviewed = await judgeEach(written, call, async (placement, c) => {
    const review = { placement, gates: gatesOf(placement), trust, run, reportFiles }
    return { placement, ...(await reviewPlacement(review, sources, c)) }
  })
  return {
    gates: new Map(reviewed.map(({ placement, results }) => [placement.id, results])),
    obstacles: new Map(
      reviewed.flatMap(({ placement, error }) => (error === undefined ? [] : [[placement.id, error]])),
    ),
    warnings: reviewed.flatMap(({ placement, results }) => overrideWarnings(placement, results)),
    judgeAgain: async (placement, c) =>
      onlyPlannedOverrides(known.get(placement.id), await judgeAgain(placement, c)),
  }
}

interface PlacementReviewInput {
  readonly placement: Placement
  /** of now */
  readonly gates: readonly ApplicableGate[]
  /** an error if a key, a root or an expression cannot be used now */
  readonly trust: GateTrust | DrayError
  readonly run: GateRun
  readonly reportFiles: readonly ReportFile[]
}

async function reviewPlacement(
  { placement, gates, trust, run, reportFiles }: PlacementReviewInput,
  sources: GateSources,
  call: Call,
): Promise<{ readonly results: readonly GateResult[]; readonly error?: DrayError }> {
  const planned = placement.gates ?? []
  if (gates.length === 0 && planned.length === 0) return { results: [] }
  if (isDrayError(trust)) return { results: [], error: gatesUnknown(placement, trust) }
  const now = gates.map(({ gate }) => ({
    name: gate.name,
    environment: gate.environment,
    definition: trust.definitionHash(gate),
  }))
  const changes = changedGates(planned, now)
  if (changes.length > 0) return { results: [], error: gatesChanged(placement, changes) }
  const source = sources.get(placement.id) ?? { arriving: undefined }
  const results = onlyPlannedOverrides(placement, await run.judgePlacement(placement, source, call))
  const error =
    gateConflict(placement, results, 'Then make a new plan.') ?? otherReport(placement, results, reportFiles)
  return { results, ...(error !== undefined && { error }) }
}

/** The overrides that a plan was made with, by the names of their gates. */
function overridesOf(placements: readonly Placement[]): ReadonlyMap<string, string> {
  return new Map(
    placements.flatMap(({ gates = [] }) =>
      gates.flatMap(({ name, effect, override }) =>
        effect === 'overridden' && override !== undefined ? [[name, override.reason] as const] : [],
      ),
    ),
  )
}

/** A gate that passed in the plan was not overridden there, also if it is for another image. */
function onlyPlannedOverrides(
  placement: Placement | undefined,
  results: readonly GateResult[],
): readonly GateResult[] {
  const planned = placement?.gates?.filter(({ effect }) => effect === 'overridden') ?? []
  const overridden = new Set(planned.map(gateKey))
  return results.map((result) => {
    if (result.effect !== 'overridden' || overridden.has(gateKey(result))) return result
    const { override: _override, ...rest } = result
    return { ...rest, effect: 'refused' }
  })
}

function overrideWarnings({ image }: Placement, results: readonly GateResult[]): readonly string[] {
  return results.flatMap(({ name, environment, effect, override }) =>
    effect === 'overridden'
      ? [`the plan overrides the gate ${name} of ${environment} for ${image}: ${override?.reason ?? ''}`]
      : [],
  )
}

const noTrust: GateTrust = {
  signers: new Map(),
  approvers: new Map(),
  definitionHash: ({ name }) => {
    throw new DrayError('internal', `the gate ${name} was not loaded`)
  },
}

/** Returns a mistake in the files of gates; anything else is thrown. */
function configMistake(error: unknown): DrayError {
  if (isDrayError(error) && error.code === 'config') return error
  throw error
}

function gatesUnknown({ image, root }: Placement, cause: DrayError): DrayError {
  const { message, mistakes, hint } = toErrorInfo(cause)
  const details = mistakes?.map((one) => `${one.path}: ${one.message}`)
  return new DrayError('conflict', `the gates of ${image} cannot be compared with those of the plan`, {
    subject: root.digest,
    why: message,
    details,
    hint: `${hint ?? 'Correct dray.yaml.'}\nThen make a new plan.`,
    cause,
  })
}

function gatesChanged({ image, root }: Placement, changes: readonly string[]): DrayError {
  return new DrayError('conflict', `the gates of ${image} are not those of the plan`, {
    subject: root.digest,
    why: changes.join('\n'),
    hint: 'Make a new plan.',
  })
}

/** A plan is valid only with the report files that it was made with. */
function otherReport(
  { image, root, gates: planned = [] }: Placement,
  results: readonly GateResult[],
  reportFiles: readonly ReportFile[],
): DrayError | undefined {
  const known = new Map(planned.map((gate) => [gateKey(gate), gate]))
  const files = new Map<Digest, string>(reportFiles.map(({ sha256, name }) => [sha256, name]))
  for (const result of results) {
    const before = new Set(known.get(gateKey(result))?.evidence.map(({ digest }) => digest))
    const other = result.evidence.find(({ digest }) => files.has(digest) && !before.has(digest))
    if (other !== undefined) {
      return new DrayError('conflict', `the plan was made with another scan report of ${image}`, {
        subject: root.digest,
        why: `the gate ${result.name} passes by ${files.get(other.digest)}, which is ${other.digest}`,
        hint: 'Pass the same file to --scan-report, or make a new plan.',
      })
    }
  }
  return undefined
}
