import type { Config } from '../../config/config.ts'
import { formatGateSections, startingGates, type StartingGate } from '../../config/starting/starting-gates.ts'
import { DrayError } from '../../lib/errors.ts'
import { nearest } from '../../lib/nearest.ts'
import type { Questions } from '../terminal/ask.ts'
import type { InitFlags } from './init-flags.ts'
import { checkName, refuse, splitList } from './starting-environments.ts'

const noGates = 'none'
/** The first one, one in which images soak, and the last one. */
const minSoakEnvironments = 3

/** The sets of gates that a person can choose. */
const choices = [
  { value: noGates, label: 'No gates' },
  { value: 'signature', label: 'Signature: CI has signed the image' },
  { value: 'signature,scan', label: 'Signature, and a scan report without critical vulnerabilities' },
  { value: 'signature,scan,sbom', label: 'Signature, scan report, and SBOM' },
  { value: 'signature,scan,approvals', label: 'Signature, scan report, and the approval of a person' },
]

/**
 * The gates of the last environment: from `--gates`, or from a question. Without both, none.
 * @param environments in the order of promotion
 * @throws `usage` for an unknown kind; `interrupted`.
 */
export async function chooseGates(
  given: string | undefined,
  environments: readonly string[],
  questions: Questions | undefined,
): Promise<readonly StartingGate[]> {
  const last = environments.at(-1) ?? ''
  // Images come to the only environment by push, which no gate can refuse.
  const canAsk = environments.length > 1 ? questions : undefined
  const text = given ?? (await canAsk?.pick(`Gates of ${last}:`, choices)) ?? noGates
  const names = splitList(text).filter((name) => name !== noGates)
  for (const name of names) refuseUnknown(name)
  const gates = startingGates.filter(({ kind }) => names.includes(kind))
  if (environments.length < minSoakEnvironments && gates.some((gate) => gate.needsAttestations === true)) {
    throw new DrayError('usage', '--gates soak needs three environments', {
      why: 'images come to the first environment by push, and soak time begins with a promotion',
      hint: 'Pass --env for one more environment, or omit soak.',
    })
  }
  return gates
}

/**
 * The gates of `--gates` for the last environment of an existing configuration.
 * @param flags `--env` replaces the environments of the file
 * @throws `usage` without an environment, and for an unknown kind.
 */
export async function chooseGateSections(
  { gates: given, env }: Pick<InitFlags, 'gates' | 'env'>,
  { environments }: Pick<Config, 'environments'>,
): Promise<{ readonly environment: string; readonly gates: readonly string[]; readonly text: string }> {
  const names = env.length > 0 ? env.map((one) => one.split('=')[0] ?? '') : [...environments.keys()]
  for (const name of names) refuse('--env', name, checkName)
  const environment = names.at(-1)
  if (environment === undefined)
    throw new DrayError('usage', 'the environment of the gates is missing', { hint: 'Pass --env NAME.' })
  const gates = await chooseGates(given, names, undefined)
  if (gates.length === 0)
    throw new DrayError('usage', 'no gate is named', { hint: 'Pass --gates signature.' })
  const text = formatGateSections(gates, environment, names.at(-2))
  return { environment, gates: gates.map(({ kind }) => kind), text }
}

function refuseUnknown(name: string): void {
  const kinds = startingGates.map(({ kind }) => kind)
  if (kinds.some((kind) => kind === name)) return
  const near = nearest(name, kinds)
  throw new DrayError('usage', `--gates ${JSON.stringify(name)} is not a gate to begin with`, {
    hint: near === undefined ? `Pass some of ${kinds.join(',')}, or ${noGates}.` : `Did you mean ${near}?`,
  })
}
