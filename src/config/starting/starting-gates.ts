/** A gate that a new configuration can begin with. */
export interface StartingGate {
  /** the kind of gate */
  readonly kind: 'signature' | 'scan' | 'sbom' | 'soak' | 'approvals'
  /** YAML: an entry of `gates`, without indentation; `{before}` is the environment before */
  readonly gate: string
  /** the signers that it needs, by name */
  readonly signers: readonly StartingSigner[]
  readonly needsApprovers?: true
  /** it needs attestations of promotions to the environment before */
  readonly needsAttestations?: true
}

type StartingSigner = 'build' | 'scanner' | 'promotions'

/** In the order in which they are written. */
export const startingGates: readonly StartingGate[] = [
  { kind: 'signature', gate: '{ name: signed, signature: { signedBy: [build] } }', signers: ['build'] },
  {
    kind: 'scan',
    gate: '{ name: scan, scan: { signedBy: [scanner], failOn: critical, maxAge: 7d } }',
    signers: ['scanner'],
  },
  { kind: 'sbom', gate: '{ name: sbom, sbom: { signedBy: [build] } }', signers: ['build'] },
  {
    kind: 'soak',
    gate: '{ name: soak, soak: { environment: {before}, minSoak: 24h, signedBy: [promotions] } }',
    signers: ['promotions'],
    needsAttestations: true,
  },
  {
    kind: 'approvals',
    gate: '{ name: approved, approvals: { approvers: [leads], maxAge: 7d } }',
    signers: [],
    needsApprovers: true,
  },
]

/** The key of each signer, and what it signs. */
const signerLines: Readonly<Record<StartingSigner, string>> = {
  build: '{ keys: [keys/build.pub] } # signs images and SBOMs: cosign sign --key, cosign attest --key',
  scanner: '{ keys: [keys/scanner.pub] } # signs scan reports: cosign attest --type vuln --key',
  promotions: '{ keys: [keys/promotions.pub] } # signs promotions: the public key of audit.sign.key',
}

/** The gates of an environment, in lines of YAML below it. @param before the environment before */
export function gateLines(gates: readonly StartingGate[], before: string): readonly string[] {
  if (gates.length === 0) return []
  const entries = gates.map(({ gate }) => `      - ${gate.replace('{before}', before)}`)
  return ['    gates: # all must pass before dray writes an image here', ...entries]
}

/** The sections with gates, to paste into an existing file. @param before the environment before */
export function formatGateSections(
  gates: readonly StartingGate[],
  environment: string,
  before: string | undefined,
): string {
  const attest =
    before !== undefined && gates.some((gate) => gate.needsAttestations === true)
      ? `  ${before}:\n    attest: true # the soak gate needs it\n`
      : ''
  const lines = gateLines(gates, before ?? '').join('\n')
  return `environments:\n${attest}  ${environment}:\n${lines}\n${trustSections(gates)}`
}

/** The sections `signers` and `approvers`, and the key for attestations; empty if not needed. */
export function trustSections(gates: readonly StartingGate[]): string {
  const signers = [...new Set(gates.flatMap((one) => one.signers))]
  return [
    ...(signers.length === 0
      ? []
      : [
          '\n# Put the public keys into these files. To check them, run: dray config validate\n',
          `signers:\n${signers.map((name) => `  ${name}: ${signerLines[name]}\n`).join('')}`,
        ]),
    ...(gates.some((one) => one.needsApprovers === true)
      ? [
          '\n# People who can approve, each with a public key and CI accounts. Replace this one.\n',
          'approvers:\n  leads:\n    ada: { keys: [keys/ada.pub], actors: ["github:ada"] }\n',
        ]
      : []),
    ...(gates.some((one) => one.needsAttestations === true)
      ? [
          '\n# The private key that signs attestations of promotions. Do not commit it.\n',
          'audit:\n  sign: { key: keys/promotions.pem }\n',
        ]
      : []),
  ].join('')
}
