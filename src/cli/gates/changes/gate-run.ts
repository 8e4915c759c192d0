import type { GateDefinition, GateOperation } from '../../../config/gates/gate.ts'
import type { JudgeAgain } from '../../../execute/tags/gate-checks.ts'
import { consequenceOf } from '../../../gates/evaluation/effect.ts'
import type { ApplicableGate, GatePorts, GateRequest } from '../../../gates/gate-request.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parsePlatformName } from '../../../oci/platform.ts'
import { formatAt } from '../../../oci/reference.ts'
import { applyGateResults, type JudgedPlacement } from '../../../plan/gates/apply-gate-results.ts'
import { failUncarried } from '../../../plan/gates/carried-evidence.ts'
import { gateKey, type GateResult } from '../../../plan/gates/gate-result.ts'
import type { Placement, PlacementId, PlacementOperation, Plan } from '../../../plan/plan.ts'
import type { GateSource } from '../../../usecases/promote/gate-sources.ts'
import { forbiddenOverrides } from './gate-overrides.ts'

/** Images that are judged at once. */
const judgedAtOnce = 8

/** Reads and verifies the evidence of an image, and evaluates its gates for one target. */
export type JudgeImage = (
  request: GateRequest,
  ports: GatePorts,
  call: Call,
) => Promise<readonly GateResult[]>

export type GateSources = ReadonlyMap<PlacementId, GateSource>

export interface GateRunPorts {
  readonly operation: PlacementOperation
  /** the gates of the target, and of the rule of a sync */
  readonly gatesOf: (placement: Placement) => readonly ApplicableGate[]
  readonly gate: GatePorts
  readonly judge: JudgeImage
}

/** Judges the images of one run, for its plan and again before its tags move. */
export class GateRun {
  readonly #ports: GateRunPorts

  constructor(ports: GateRunPorts) {
    this.#ports = ports
  }

  /**
   * Adds the results of gates to a plan, and refuses what they do not allow. Judges each image at
   * each target to which the plan copies it or at which it writes a tag; nothing else costs a
   * request.
   * @param sources what was read of the images for the plan; empty if nothing was
   */
  async judgePlan(
    plan: Plan,
    sources: GateSources,
    options: { readonly partial: boolean },
    call: Call,
  ): Promise<Plan> {
    const written = new Set(
      plan.steps.flatMap(({ kind, placement }) => (kind === 'copy' || kind === 'tag' ? [placement] : [])),
    )
    const judged = await judgeEach(
      plan.placements.filter((one) => written.has(one.id) && this.#gatesOf(one).length > 0),
      call,
      async (placement, c) => [placement.id, await this.#judgeForPlan(placement, sources, c)] as const,
    )
    return applyGateResults(plan, new Map(judged), options)
  }

  /**
   * Returns how the images of a plan are judged again: the attached artifacts are listed again, and
   * those that will be at the target are still those of the plan.
   */
  judgeAgain(sources: GateSources): JudgeAgain {
    // Without the graphs: a sync can have very many images.
    const arriving = new Map([...sources].map(([id, source]) => [id, source.arriving]))
    return async (placement, call) =>
      await this.judgePlacement(placement, { arriving: arriving.get(placement.id) }, call)
  }

  /** Judges an image at one target. Empty if the target has no gates for the operation. */
  async judgePlacement(
    placement: Placement,
    { read, arriving }: GateSource,
    call: Call,
  ): Promise<readonly GateResult[]> {
    const { root, from, to, platforms } = placement
    const gates = this.#gatesOf(placement)
    if (gates.length === 0) return []
    const { operation, gate: ports, judge } = this.#ports
    const request = {
      root,
      from,
      to,
      operation: gateOperation(operation),
      gates,
      ...(read !== undefined && { read }),
      ...(platforms !== undefined && { platforms: platforms.map(parsePlatformName) }),
    }
    const results = await judge(request, ports, call)
    checkIsComplete(results, gates)
    const files = new Set<Digest>(ports.reportFiles.map(({ sha256 }) => sha256))
    const byKey = new Map(gates.map(({ gate }) => [gateKey(gate), gate]))
    return failUncarried(
      results,
      (digest) => arriving === undefined || arriving.has(digest) || files.has(digest),
      (result) => failureOf(byKey.get(gateKey(result)), ports.overrides.get(result.name)),
    )
  }

  async #judgeForPlan(placement: Placement, sources: GateSources, call: Call): Promise<JudgedPlacement> {
    const source = sources.get(placement.id) ?? { arriving: undefined }
    const { overrides } = this.#ports.gate
    return {
      gates: await this.judgePlacement(placement, source, call),
      errors: forbiddenOverrides(
        overrides,
        this.#gatesOf(placement).map(({ gate }) => gate),
      ),
    }
  }

  #gatesOf(placement: Placement): readonly ApplicableGate[] {
    return applicableGates(this.#ports.gatesOf(placement), this.#ports.operation)
  }
}

/**
 * Judges images side by side, and the targets of one image one after another: its attached
 * artifacts are then read once.
 */
export async function judgeEach<T>(
  placements: readonly Placement[],
  call: Call,
  work: (placement: Placement, call: Call) => Promise<T>,
): Promise<readonly T[]> {
  const images = Map.groupBy(placements, ({ from, root }) =>
    formatAt(from.repository, { digest: root.digest }),
  )
  const judged = await inParallel([...images.values()], judgedAtOnce, call, async (ofImage, c) => {
    const results: T[] = []
    for (const placement of ofImage) results.push(await work(placement, c))
    return results
  })
  return judged.flat()
}

/** The gates that an operation evaluates. A gate need not be about it: `rollback` is opt-in. */
export function applicableGates(
  gates: readonly ApplicableGate[],
  operation: PlacementOperation,
): readonly ApplicableGate[] {
  return gates.filter(({ gate }) => gate.operations.includes(gateOperation(operation)))
}

/**
 * Gates know the application of a bundle as the sync that it is a part of. An edit of files places
 * no image, and no gate is evaluated for it.
 */
function gateOperation(operation: PlacementOperation): GateOperation {
  return operation === 'bundle' || operation === 'gitops' ? 'sync' : operation
}

/** Each gate once: an image can have several targets. */
export function distinctGates(gates: readonly ApplicableGate[]): readonly GateDefinition[] {
  return [...new Set(gates.map(({ gate }) => gate))]
}

/** The consequence of a gate that fails. */
function failureOf(
  gate: GateDefinition | undefined,
  reason: string | undefined,
): Pick<GateResult, 'effect' | 'override'> {
  return gate === undefined ? { effect: 'refused' } : consequenceOf(gate, 'fail', reason)
}

/** A gate without a result would pass. @throws `internal`. */
function checkIsComplete(results: readonly GateResult[], gates: readonly ApplicableGate[]): void {
  const keys = new Set(results.map(gateKey))
  const missing = gates.find(({ gate }) => !keys.has(gateKey(gate)))
  if (missing !== undefined)
    throw new DrayError('internal', `the gate ${missing.gate.name} was not evaluated`)
}
