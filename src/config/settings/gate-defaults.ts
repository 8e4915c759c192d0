import type { Config } from '../config.ts'
import type { GateDefinition, SignerConfig } from '../gates/gate.ts'
import type { Path } from '../key-path.ts'

/** The effective values of keys that have a default: of gates, signers, approvers and residency. */
export function* gateDefaults({
  environments,
  trust,
  residency,
}: Config): Generator<readonly [path: Path, value: unknown]> {
  for (const { gates = [] } of environments.values()) for (const gate of gates) yield* defaultsOfGate(gate)
  for (const signer of trust?.signers.values() ?? []) yield* defaultsOfSigner(signer)
  for (const people of trust?.approvers.values() ?? [])
    for (const person of people.values()) yield* defaultsOfSigner(person)
  if (residency !== undefined) yield [['residency', 'default'], residency.default]
}

function* defaultsOfGate(gate: GateDefinition): Generator<readonly [Path, unknown]> {
  const { path, appliesTo, images, excludeImages, operations, mode, override } = gate
  const common = { appliesTo, images, excludeImages, operations, mode, override }
  for (const [key, value] of Object.entries(common)) yield [[...path, key], value]
  for (const [key, value] of Object.entries(ownDefaults(gate))) yield [[...path, gate.kind, key], value]
}

/** The keys of a kind that have a default. */
function ownDefaults(gate: GateDefinition): Readonly<Record<string, unknown>> {
  switch (gate.kind) {
    case 'signature':
      return { count: gate.count }
    case 'attestation':
      return { count: gate.count, newestOnly: gate.newestOnly }
    case 'scan': {
      const { unknownSeverity, ignoreUnfixed, allowReportFile } = gate
      return { unknownSeverity, ignoreUnfixed, allowReportFile }
    }
    case 'sbom':
      return { formats: gate.formats, minComponents: gate.minComponents }
    case 'soak':
      return { requireCurrent: gate.requireCurrent }
    case 'approvals':
      return { count: gate.count, allowSelfApproval: gate.allowSelfApproval }
    case 'completeness':
    case 'cel':
      return {}
  }
}

function* defaultsOfSigner({ path, keyless }: SignerConfig): Generator<readonly [Path, unknown]> {
  if (keyless !== undefined) yield [[...path, 'keyless', 'transparencyLog'], keyless.transparencyLog]
}
