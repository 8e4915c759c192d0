import { endOfDay } from '../../lib/day.ts'
import type { Config } from '../config.ts'
import type { Issue } from '../shape.ts'
import type { CompletenessGate, GateDefinition, ScanGate, SignerConfig, SoakGate } from './gate.ts'

/**
 * Returns the gates that can probably never pass, and keys and exceptions that no longer count.
 * @param now milliseconds since 1970
 */
export function gateWarnings(config: Config, now: number): readonly Issue[] {
  const gates = [...config.environments.values()].flatMap((one) => one.gates ?? [])
  const signers = [
    ...(config.trust?.signers.values() ?? []),
    ...[...(config.trust?.approvers.values() ?? [])].flatMap((people) => [...people.values()]),
  ]
  return [
    ...gates.flatMap((gate) => warningsOf(gate, config, now)),
    ...signers.flatMap((signer) => expiredKeys(signer, now)),
  ]
}

function warningsOf(gate: GateDefinition, config: Config, now: number): readonly Issue[] {
  if (gate.kind === 'soak') return soakWarnings(gate, config)
  if (gate.kind === 'completeness') return completenessWarnings(gate, config)
  return gate.kind === 'scan' ? expiredExceptions(gate, now) : []
}

function soakWarnings({ path, soakEnvironment }: SoakGate, config: Config): readonly Issue[] {
  if (attests(soakEnvironment, config)) return []
  return [notAttested([...path, 'soak', 'environment'], soakEnvironment)]
}

/** The attestations of the gate come from promotions to the environments that images come from. */
function completenessWarnings({ path, environment }: CompletenessGate, config: Config): readonly Issue[] {
  const { promoteFrom } = config.environments.get(environment) ?? {}
  const at = [...path, 'completeness']
  if (promoteFrom !== undefined)
    return promoteFrom.filter((source) => !attests(source, config)).map((source) => notAttested(at, source))
  const others = [...config.environments.keys()].filter((name) => name !== environment)
  if (others.some((name) => attests(name, config))) return []
  const message = 'no environment attests promotions, which the gate needs'
  return [{ path: at, at: 'key', message, hint: 'set `attest: true` in an environment before this one' }]
}

function notAttested(path: Issue['path'], environment: string): Issue {
  const message = `${environment} does not attest promotions, which the gate needs`
  return { path, at: 'key', message, hint: `set \`attest: true\` in ${environment}` }
}

function attests(environment: string, { environments }: Config): boolean {
  return environments.get(environment)?.attest === true
}

function expiredExceptions({ path, exceptions }: ScanGate, now: number): readonly Issue[] {
  return exceptions.flatMap(({ id, expires }, i): readonly Issue[] => {
    if (!hasEnded(expires, now)) return []
    const at = [...path, 'scan', 'exceptions', i, 'expires']
    return [{ path: at, at: 'value', message: `the exception of ${id} expired`, hint: 'remove it' }]
  })
}

function expiredKeys({ path, keys }: SignerConfig, now: number): readonly Issue[] {
  return keys.flatMap(({ expires }, i): readonly Issue[] => {
    if (expires === undefined || !hasEnded(expires, now)) return []
    const at = [...path, 'keys', i, 'expires']
    return [{ path: at, at: 'value', message: 'the key expired and verifies nothing', hint: 'remove it' }]
  })
}

function hasEnded(expires: string, now: number): boolean {
  const end = endOfDay(expires)
  return end !== undefined && end <= now
}
