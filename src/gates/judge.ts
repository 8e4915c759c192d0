import type { Call } from '../lib/call.ts'
import { type ErrorInfo, toErrorInfo } from '../lib/errors.ts'
import type { GateResult } from '../plan/gates/gate-result.ts'
import { evaluateGates } from './evaluate.ts'
import { consequenceOf } from './evaluation/effect.ts'
import { whySkipped } from './evaluation/selection.ts'
import type { JudgedImage } from './evidence.ts'
import { gatherImage } from './gather.ts'
import { currentIn, readCurrentTags } from './gathering/current-tags.ts'
import type { ApplicableGate, GatePorts, GateRequest } from './gate-request.ts'
import type { EvaluationContext } from './kind-result.ts'

/**
 * Reads the evidence of an image and evaluates its gates for one target (docs/gates.md, When gates
 * are evaluated). Reads only what the gates that apply need. A read that failed is a result `error`
 * of each gate that needs it.
 * @returns a result for each gate, in the order of the request
 * @throws the reason of the signal.
 */
export async function judge(
  request: GateRequest,
  ports: GatePorts,
  call: Call,
): Promise<readonly GateResult[]> {
  const results = new Map<ApplicableGate, GateResult>()
  // The subject of a signer can contain the name of the image.
  for (const [image, gates] of Map.groupBy(request.gates, (applicable) => applicable.image)) {
    const judged = await judgeAs(image, { ...request, gates }, ports, call)
    for (const [i, gate] of gates.entries()) {
      const result = judged[i]
      if (result !== undefined) results.set(gate, result)
    }
  }
  return request.gates.flatMap((applicable) => results.get(applicable) ?? [])
}

async function judgeAs(
  image: string,
  request: GateRequest,
  ports: GatePorts,
  call: Call,
): Promise<readonly GateResult[]> {
  const evaluate = (judged: JudgedImage): readonly GateResult[] =>
    evaluateGates(request, judged, contextOf(request, ports), ports.trust, ports.overrides)
  const applying = request.gates.filter((one) => whySkipped(one, request.operation) === undefined)
  if (applying.length === 0) return evaluate(unreadImage(image, request))
  const [gathered, current] = await Promise.allSettled([
    gatherImage({ ...request, gates: applying }, image, ports, call),
    readCurrentTags(
      applying.map(({ gate }) => gate),
      image,
      request.root.digest,
      ports,
      call,
    ),
  ])
  call.signal.throwIfAborted()
  const failed = [gathered, current].find((read) => read.status === 'rejected')
  if (gathered.status === 'rejected' || current.status === 'rejected') {
    const error = toErrorInfo(failed?.reason)
    return evaluate(unreadImage(image, request)).map((result, i) =>
      asError(result, request.gates[i], error, ports.overrides),
    )
  }
  const { isCurrentIn, errors } = current.value
  return evaluate({ ...gathered.value, isCurrentIn }).map((result, i) => {
    const applicable = request.gates[i]
    const error = applicable && errors.get(currentIn(applicable.gate) ?? '')
    return error === undefined ? result : asError(result, applicable, error, ports.overrides)
  })
}

/** An image of which nothing is known: no gate but one that is skipped can be evaluated with it. */
function unreadImage(image: string, { root, from }: GateRequest): JudgedImage {
  return {
    image,
    root: { digest: root.digest },
    platforms: [],
    annotations: {},
    size: root.size,
    source: from.repository,
    evidence: [],
    attached: new Set(),
    limit: 'nothing is read',
    isCurrentIn: new Map(),
  }
}

function contextOf({ operation, from, to }: GateRequest, ports: GatePorts): EvaluationContext {
  const { clock, actors, environmentsOf, reason, ticket, trust } = ports
  return {
    now: clock.now(),
    operation,
    from,
    to,
    actors,
    environmentsOf,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    approvers: trust.approvers,
  }
}

/** The result of a gate whose evidence is unknown, because a read failed. */
function asError(
  result: GateResult,
  applicable: ApplicableGate | undefined,
  error: ErrorInfo,
  overrides: GatePorts['overrides'],
): GateResult {
  if (result.result === 'skipped' || applicable === undefined) return result
  const { name, environment, kind, definition, evaluatedAt } = result
  const { effect, ...overridden } = consequenceOf(applicable.gate, 'error', overrides.get(name))
  return {
    name,
    environment,
    kind,
    result: 'error',
    effect,
    reason: error.message,
    subjects: [],
    evidence: [],
    definition,
    evaluatedAt,
    error,
    ...overridden,
    ...(error.hint !== undefined && { hint: error.hint }),
  }
}
