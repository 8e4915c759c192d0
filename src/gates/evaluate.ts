import type { GateDefinition } from '../config/gates/gate.ts'
import type { GateKind, GateResult } from '../plan/gates/gate-result.ts'
import { clocksDisagree, clocksOf } from './evaluation/clocks.ts'
import { withCountableSigners } from './evaluation/countable-evidence.ts'
import { consequenceOf } from './evaluation/effect.ts'
import { withUsableHint } from './evaluation/fix-commands.ts'
import { formatSpan } from './evaluation/format-time.ts'
import { whySkipped } from './evaluation/selection.ts'
import type { JudgedImage } from './evidence.ts'
import type { ApplicableGate, GateRequest } from './gate-request.ts'
import type { GateTrust } from './gate-trust.ts'
import type { EvaluateKind, EvaluationContext, GateFacts, KindResult } from './kind-result.ts'
import { evaluateApprovals } from './kinds/approvals.ts'
import { evaluateAttestation } from './kinds/attestation.ts'
import { evaluateCel } from './kinds/cel.ts'
import { evaluateCompleteness } from './kinds/completeness.ts'
import { evaluateSbom } from './kinds/sbom.ts'
import { evaluateScan } from './kinds/scan.ts'
import { evaluateSignature } from './kinds/signature.ts'
import { evaluateSoak } from './kinds/soak.ts'
import { subjectsOf } from './subjects.ts'

type KindTable = {
  readonly [Kind in GateKind]?: EvaluateKind<Extract<GateDefinition, { readonly kind: Kind }>>
}

/** How each kind of gate is evaluated. A new kind is one line. */
const kinds: KindTable = {
  signature: evaluateSignature,
  attestation: evaluateAttestation,
  scan: evaluateScan,
  sbom: evaluateSbom,
  soak: evaluateSoak,
  approvals: evaluateApprovals,
  completeness: evaluateCompleteness,
  cel: evaluateCel,
}

/** Gates of these kinds depend on the time, whether they pass or fail. */
const timedKinds: ReadonlySet<GateKind> = new Set(['scan', 'soak', 'approvals'])

/** Characters of a reason. Names in reports have no limit of their own. */
const maxReason = 1000

type FactsOfEnvironment = Map<string, GateFacts>

/**
 * Evaluates all gates of an image at a target (docs/gates.md, When gates are evaluated). Every gate
 * is evaluated, so that one run reports every failure. CEL rules are evaluated after the other
 * gates, with their facts. Pure. An exception in a kind is a failed gate.
 * @param overrides the reason of each overridden gate, by its name
 * @returns a result for each gate, in the order of the request
 */
export function evaluateGates(
  request: GateRequest,
  image: JudgedImage,
  context: EvaluationContext,
  trust: GateTrust,
  overrides: ReadonlyMap<string, string>,
): readonly GateResult[] {
  const judged = withCountableSigners(image, trust, clocksOf(image, context).later)
  const keySigners = new Set(
    [...trust.signers.values()].filter(({ keys }) => keys.length > 0).map(({ name }) => name),
  )
  const facts = new Map<string, FactsOfEnvironment>()
  const results = new Map<ApplicableGate, GateResult>()
  for (const applicable of rulesLast(request.gates)) {
    const { gate } = applicable
    const ofEnvironment = facts.get(gate.environment) ?? new Map<string, GateFacts>()
    facts.set(gate.environment, ofEnvironment)
    const skipped = whySkipped(applicable, context.operation)
    const found =
      skipped === undefined
        ? evaluateGate(
            gate,
            { ...judged, image: applicable.image },
            { ...context, keySigners },
            ofEnvironment,
          )
        : undefined
    if (found?.result === 'pass' && found.facts !== undefined) ofEnvironment.set(gate.name, found.facts)
    const definition = trust.definitionHash(gate)
    const base = { gate, definition, evaluatedAt: new Date(context.now).toISOString() }
    results.set(
      applicable,
      found === undefined
        ? skippedResult(base, skipped ?? '')
        : resultOf(base, found, overrides.get(gate.name)),
    )
  }
  return request.gates.flatMap((applicable) => results.get(applicable) ?? [])
}

function rulesLast(gates: readonly ApplicableGate[]): readonly ApplicableGate[] {
  return [
    ...gates.filter(({ gate }) => gate.kind !== 'cel'),
    ...gates.filter(({ gate }) => gate.kind === 'cel'),
  ]
}

function evaluateGate(
  gate: GateDefinition,
  image: JudgedImage,
  context: EvaluationContext,
  facts: FactsOfEnvironment,
): KindResult {
  if (image.limit !== undefined && gate.kind !== 'cel') return failed(gate, image, image.limit)
  try {
    const evaluate = kinds[gate.kind] as EvaluateKind<GateDefinition> | undefined
    if (evaluate === undefined) return failed(gate, image, `gates of the kind ${gate.kind} are not supported`)
    const found = withUsableHint(withValidTimes(evaluate(gate, image, context, facts)), image)
    if (found.result === 'pass' && clocksDisagree(image) && dependsOnTime(gate, found))
      return { ...failed(gate, image, wrongClock(image)), hint: 'Set the clock of this machine.' }
    return found
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return failed(gate, image, `the gate cannot be evaluated: ${message}`)
  }
}

/** Whether another time could give another result. */
function dependsOnTime(gate: GateDefinition, { validUntil }: KindResult): boolean {
  if (gate.kind === 'cel') return /\bnow\b/.test(gate.expression)
  return timedKinds.has(gate.kind) || validUntil !== undefined
}

function wrongClock({ clockDifference = 0, source }: JudgedImage): string {
  const span = formatSpan(Math.abs(clockDifference))
  const direction = clockDifference > 0 ? 'behind' : 'ahead of'
  return `the clock of this machine is ${span} ${direction} that of ${source.registry}`
}

function failed(gate: GateDefinition, image: JudgedImage, reason: string): KindResult {
  const subjects = subjectsOf(gate, image).map(({ digest, platform }) => ({
    digest,
    ...(platform !== undefined && { platform }),
    result: 'fail' as const,
    reason: bounded(reason),
  }))
  return { result: 'fail', reason, subjects, evidence: [] }
}

/** @throws RangeError for a time that is none. */
function withValidTimes(found: KindResult): KindResult {
  for (const time of [found.validUntil, found.passesAfter]) {
    if (time !== undefined) new Date(time).toISOString()
  }
  return found
}

interface ResultBase {
  readonly gate: GateDefinition
  readonly definition: string
  readonly evaluatedAt: string
}

function skippedResult({ gate, ...base }: ResultBase, reason: string): GateResult {
  return { ...nameOf(gate), ...base, result: 'skipped', effect: 'none', reason, subjects: [], evidence: [] }
}

function resultOf(
  { gate, ...base }: ResultBase,
  found: KindResult,
  override: string | undefined,
): GateResult {
  const { effect, ...overridden } = consequenceOf(gate, found.result, override)
  const { validUntil, passesAfter, hint, warnings = [] } = found
  return {
    ...nameOf(gate),
    ...base,
    result: found.result,
    effect,
    reason: bounded(found.reason),
    subjects: found.subjects,
    evidence: found.evidence,
    ...(found.result === 'pass' && validUntil !== undefined && { validUntil: toIso(validUntil) }),
    ...(found.result === 'fail' && passesAfter !== undefined && { passesAfter: toIso(passesAfter) }),
    ...overridden,
    ...(warnings.length > 0 && { warnings: warnings.map(bounded) }),
    ...(found.result === 'fail' && hint !== undefined && { hint }),
  }
}

function nameOf({
  name,
  environment,
  kind,
}: GateDefinition): Pick<GateResult, 'name' | 'environment' | 'kind'> {
  return { name, environment, kind }
}

function toIso(time: number): string {
  return new Date(time).toISOString()
}

function bounded(text: string): string {
  return text.length <= maxReason ? text : `${text.slice(0, maxReason)}…`
}
