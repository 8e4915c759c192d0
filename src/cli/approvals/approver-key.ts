import type { ApprovalsGate, GateDefinition } from '../../config/gates/gate.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { GateTrust } from '../../gates/gate-trust.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import { parseTrustedKey } from '../../signing/trust/trusted-key.ts'
import type { Context } from '../wiring/context.ts'
import { loadKeyOfFlags } from '../wiring/private-key.ts'

/** The key of a person, and what today's `dray.yaml` knows about it. */
export interface ApproverKey {
  readonly file: string
  readonly key: SigningKey
  /** `sha256:` and hex of the SubjectPublicKeyInfo in DER */
  readonly fingerprint: Digest
  /** the people that have it, of the groups that a gate accepts */
  readonly people: readonly string[]
}

/** The gates of an environment that count approvals, with the keys of their people. */
export interface ApprovalGates {
  readonly environment: string
  readonly gates: readonly ApprovalsGate[]
  readonly trust: GateTrust | undefined
}

/** @throws `config` for a key that cannot be read. */
export async function loadApprovalGates(loaded: LoadedConfig, environment: string): Promise<ApprovalGates> {
  const gates = (loaded.config.environments.get(environment)?.gates ?? []).filter(isApprovals)
  if (gates.length === 0) return { environment, gates, trust: undefined }
  const { loadGates } = await import('../gates/load-gates.ts')
  return { environment, gates, trust: await loadGates(loaded, gates) }
}

function isApprovals(gate: GateDefinition): gate is ApprovalsGate {
  return gate.kind === 'approvals'
}

/** Reads the private key of `--key`. @throws `config`, `io`. */
export async function loadApproverKey(
  file: string,
  passwordEnv: string | undefined,
  { gates, trust }: ApprovalGates,
  context: Context,
): Promise<ApproverKey> {
  const key = await loadKeyOfFlags(file, passwordEnv, context.env)
  const { fingerprint } = parseTrustedKey(key.publicKeyPem, file)
  const groups = new Set(gates.flatMap(({ approvers }) => approvers))
  const approvers = [...groups].flatMap((group) => trust?.approvers.get(group) ?? [])
  const people = approvers
    .filter(({ signer }) => signer.keys.some((one) => one.fingerprint === fingerprint))
    .map(({ person }) => person)
  return { file, key, fingerprint: parseDigest(fingerprint), people: [...new Set(people)] }
}

/** Returns a warning if no gate would count the decision. */
export function warningAboutKey(
  { people, file }: ApproverKey,
  { gates, environment }: ApprovalGates,
): string | undefined {
  if (gates.length === 0)
    return `no gate of ${environment} counts approvals; add a gate of the kind approvals in dray.yaml`
  if (people.length > 0) return undefined
  const groups = [...new Set(gates.flatMap(({ approvers }) => approvers))].join(', ')
  return `the key ${file} is not that of a person in ${groups}, and no gate of ${environment} counts it; add its public key to a person in dray.yaml`
}
