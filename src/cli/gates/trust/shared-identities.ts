import type { GateDefinition, TrustConfig } from '../../../config/gates/gate.ts'
import type { Issue } from '../../../config/shape.ts'
import type { TrustedSigner } from '../../../signing/trust/signer.ts'
import type { ReadTrust } from './read-trust.ts'

/**
 * Finds signers and people that count as different although they have the same key or identity: one
 * of them could sign for both.
 */
export function findSharedIdentities(
  gates: readonly GateDefinition[],
  { signers, approvers }: ReadTrust,
  config: TrustConfig,
): readonly Issue[] {
  return gates.flatMap((gate) => {
    if (gate.kind === 'approvals') {
      const people = gate.approvers.flatMap((group) =>
        [...(approvers.get(group) ?? [])].flatMap(([person, read]) => {
          const path = config.approvers.get(group)?.get(person)?.path ?? []
          return [{ name: person, signer: read.signer, path }]
        }),
      )
      return sharedIn(people)
    }
    if ((gate.kind !== 'signature' && gate.kind !== 'attestation') || gate.count === 1) return []
    const counted = gate.signedBy.flatMap((name) => {
      const signer = signers.get(name)?.signer
      return signer === undefined ? [] : [{ name, signer, path: config.signers.get(name)?.path ?? [] }]
    })
    return sharedIn(counted)
  })
}

interface Counted {
  /** two of one name are the same person */
  readonly name: string
  readonly signer: TrustedSigner
  readonly path: Issue['path']
}

function sharedIn(counted: readonly Counted[]): readonly Issue[] {
  const owners = new Map<string, string>()
  const issues: Issue[] = []
  for (const { name, signer, path } of counted) {
    for (const identity of identitiesOf(signer)) {
      const owner = owners.get(identity) ?? name
      owners.set(identity, owner)
      if (owner === name) continue
      const what = identity.startsWith('sha256:') ? 'key' : 'identity'
      issues.push({ path, at: 'key', message: `${name} has the same ${what} as ${owner}` })
    }
  }
  return issues
}

function identitiesOf({ keys, keyless }: TrustedSigner): ReadonlySet<string> {
  const ofKeyless =
    keyless === undefined
      ? []
      : [JSON.stringify([keyless.issuer, keyless.subject ?? null, keyless.subjectRegExp?.source ?? null])]
  return new Set([...keys.map(({ fingerprint }) => fingerprint), ...ofKeyless])
}
