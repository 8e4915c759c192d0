import type { GateDefinition, TrustConfig } from '../../config/gates/gate.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { Issue } from '../../config/shape.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Approver, GateTrust } from '../../gates/gate-trust.ts'
import { findExpressionIssues } from './trust/find-expression-issues.ts'
import { hashOfDefinition } from './trust/hash-definition.ts'
import {
  allRead,
  readTrust,
  type ReadTrust,
  type TrustNames,
  allTrustNames,
  trustNamesOf,
} from './trust/read-trust.ts'
import { findSharedIdentities } from './trust/shared-identities.ts'

const noTrust: TrustConfig = { signers: new Map(), approvers: new Map() }

/**
 * Reads the keys and roots that gates need, and checks their expressions. It reads no file that the
 * gates do not need.
 * @throws `config` with line and column for a key, a root or an expression that cannot be used.
 */
export async function loadGates(loaded: LoadedConfig, gates: readonly GateDefinition[]): Promise<GateTrust> {
  const { trust = noTrust } = loaded.config
  const { read, issues } = await readAndCheck(loaded, gates, trustNamesOf(gates))
  if (issues.length > 0)
    throw loaded.mistakes(issues, 'Correct the file that the message names. A wrong gate never passes.')
  const hashes = new Map(gates.map((gate) => [keyOf(gate), hashOfDefinition(gate, trust, read)]))
  return {
    signers: new Map([...read.signers].map(([name, { signer }]) => [name, signer])),
    approvers: new Map(
      [...read.approvers].map(([group, people]) => [group, approversOf(group, people, trust)]),
    ),
    definitionHash: (gate) => {
      const hash = hashes.get(keyOf(gate))
      if (hash === undefined) throw new DrayError('internal', `the gate ${gate.name} was not loaded`)
      return hash
    },
  }
}

/**
 * Returns the mistakes in all keys, roots and expressions of a file, also of those that no gate
 * needs.
 * @param ofRules the gates of sync rules
 */
export async function checkGates(
  loaded: LoadedConfig,
  ofRules: readonly GateDefinition[] = [],
): Promise<readonly Issue[]> {
  const { trust = noTrust, environments } = loaded.config
  const gates = [...[...environments.values()].flatMap((one) => one.gates ?? []), ...ofRules]
  return (await readAndCheck(loaded, gates, allTrustNames(trust))).issues
}

/** Reads the files of signers and groups, and checks them and the expressions of gates. */
export async function readAndCheck(
  { config, file = '' }: LoadedConfig,
  gates: readonly GateDefinition[],
  names: TrustNames,
): Promise<{ read: ReadTrust; issues: readonly Issue[] }> {
  const { trust = noTrust } = config
  const read = await readTrust(trust, names, file)
  const issues = [
    ...allRead(read).flatMap((one) => one.issues),
    ...findSharedIdentities(gates, read, trust),
    ...(await findExpressionIssues(gates, config)),
  ]
  return { read, issues }
}

function approversOf(
  group: string,
  people: NonNullable<ReturnType<ReadTrust['approvers']['get']>>,
  { approvers }: TrustConfig,
): readonly Approver[] {
  return [...people].map(([person, { signer }]) => ({
    person,
    signer,
    actors: approvers.get(group)?.get(person)?.actors ?? [],
  }))
}

/** Names of gates are unique in an environment. */
function keyOf({ environment, name }: GateDefinition): string {
  return `${environment}/${name}`
}
