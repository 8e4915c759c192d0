import type { GateDefinition, SignerConfig, TrustConfig } from '../../../config/gates/gate.ts'
import { digestOf } from '../../../oci/digest.ts'
import { canonicalJson } from '../../../plan/canonical-json.ts'
import type { Hash } from '../../../plan/plan.ts'
import type { GateTrust } from '../../../gates/gate-trust.ts'
import { groupsOf, signersOf } from '../../../gates/trust-names.ts'
import type { ReadTrust } from './read-trust.ts'
import type { ReadSigner } from './read-signer-files.ts'

/**
 * The hash of a gate with its signers and people, and the bytes of their keys and roots. It does
 * not cover the position in the file and the paths of files, so the same gate on another machine
 * has the same hash.
 */
export function hashOfDefinition(gate: GateDefinition, trust: TrustConfig, read: ReadTrust): Hash {
  const { path: _path, ...definition } = gate
  const signers = signersOf(gate).map((name) => [
    name,
    describe(trust.signers.get(name), read.signers.get(name)),
  ])
  const people = groupsOf(gate).flatMap((group) =>
    [...(trust.approvers.get(group) ?? [])].map(([person, config]) => [
      `${group}/${person}`,
      { ...describe(config, read.approvers.get(group)?.get(person)), actors: config.actors },
    ]),
  )
  return digestOf(
    canonicalJson({ definition, signers: Object.fromEntries(signers), people: Object.fromEntries(people) }),
  )
}

/**
 * The hash of several gates, for the policy of a plan: of the definitions with the bytes of their
 * keys and roots, in any order. Undefined without gates.
 */
export function hashOfGates(
  gates: readonly GateDefinition[],
  { definitionHash }: Pick<GateTrust, 'definitionHash'>,
): Hash | undefined {
  if (gates.length === 0) return undefined
  const all = gates.map((gate) => `${gate.environment}/${gate.name} ${definitionHash(gate)}`)
  return digestOf(canonicalJson([...new Set(all)].sort()))
}

function describe(config: SignerConfig | undefined, read: ReadSigner | undefined): object {
  const { trustedRoot: _root, ...keyless } = config?.keyless ?? { trustedRoot: '' }
  return {
    expires: config?.keys.map((key) => key.expires ?? null),
    keyless,
    bytes: read?.bytes,
  }
}
