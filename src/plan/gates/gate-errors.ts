import { DrayError, type ErrorInfo, formatCause } from '../../lib/errors.ts'
import type { Placement } from '../plan.ts'
import type { GateResult } from './gate-result.ts'

type GatedPlacement = Pick<Placement, 'image' | 'root'>

/**
 * Returns why gates refuse an image at one target: an error for the gates that failed, and one with
 * the code of the failed read for those about which nothing is known. Empty if no gate refuses.
 */
export function gateRefusals(placement: GatedPlacement, gates: readonly GateResult[]): readonly ErrorInfo[] {
  const refused = gates.filter(({ effect }) => effect === 'refused')
  const unread = refused.filter(({ result }) => result === 'error')
  const failed = refused.filter(({ result }) => result !== 'error')
  return [
    ...(unread.length === 0 ? [] : [unreadError(placement, unread)]),
    ...(failed.length === 0 ? [] : [failedError(placement, failed)]),
  ]
}

/**
 * Returns the error for gates that do not allow an image any more, after a plan with it was made: a
 * conflict, or the error of a read that failed. Undefined if no gate refuses now.
 * @param advice follows the command that helps
 */
export function gateConflict(
  placement: GatedPlacement,
  gates: readonly GateResult[],
  advice: string,
): DrayError | undefined {
  const [error] = gateRefusals(placement, gates)
  if (error === undefined) return undefined
  const { code, message, ...context } = error
  if (code !== 'refused') return new DrayError(code, message, context)
  const hint = context.hint === undefined ? advice : `${context.hint}\n${advice}`
  return new DrayError('conflict', message, { ...context, hint })
}

function failedError({ image, root }: GatedPlacement, gates: readonly GateResult[]): ErrorInfo {
  const details = platformLines(gates)
  return {
    code: 'refused',
    message: `${nameGates(gates)} failed for ${image}`,
    ...(details.length > 0 && { details }),
    subject: root.digest,
    why: linesOf(gates, ({ reason }) => reason).join('\n'),
    hint: hintsOf(gates) ?? checkHint(image, gates),
  }
}

function unreadError({ image, root }: GatedPlacement, gates: readonly GateResult[]): ErrorInfo {
  const error = gates.find((one) => one.error !== undefined)?.error
  const messages = gates.map((gate) => readMessage(gate))
  const isSame = new Set(messages).size === 1
  return {
    code: error?.code ?? 'internal',
    message: `cannot evaluate ${nameGates(gates)} for ${image}`,
    subject: root.digest,
    why: isSame ? (messages[0] ?? '') : linesOf(gates, readMessage).join('\n'),
    ...(error?.hint !== undefined && { hint: error.hint }),
    ...(error?.status !== undefined && { status: error.status }),
    ...(error?.registryCode !== undefined && { registryCode: error.registryCode }),
  }
}

function readMessage({ error, reason }: GateResult): string {
  return error === undefined ? reason : formatCause(error)
}

/** `the gate scan of prod`, or `3 gates` */
function nameGates(gates: readonly GateResult[]): string {
  const [first, ...more] = gates
  if (first === undefined || more.length > 0) return `${gates.length} gates`
  return `the gate ${first.name} of ${first.environment}`
}

/** One line for each gate: `scan: …`, or `scan of prod: …` if several environments have gates. */
function linesOf(gates: readonly GateResult[], text: (gate: GateResult) => string): readonly string[] {
  const isOne = new Set(gates.map(({ environment }) => environment)).size === 1
  return gates.map(
    (gate) => `${gate.name}${isOne ? '' : ` of ${gate.environment}`}: ${text(gate).replaceAll('\n', ' ')}`,
  )
}

/** Platform images that failed, if the reason of their gate does not say so. */
function platformLines(gates: readonly GateResult[]): readonly string[] {
  return gates.flatMap(({ name, reason, subjects }) =>
    subjects.flatMap(({ platform, result, reason: own }) =>
      platform === undefined || result === 'pass' || reason.includes(own)
        ? []
        : [`${name}: ${platform}: ${own}`],
    ),
  )
}

function hintsOf(gates: readonly GateResult[]): string | undefined {
  const hints = [...new Set(gates.flatMap(({ hint }) => hint ?? []))]
  return hints.length === 0 ? undefined : hints.join('\n')
}

function checkHint(image: string, [first]: readonly GateResult[]): string {
  return `To evaluate the gates again, run: dray check ${image} --to ${first?.environment ?? 'ENV'}`
}
