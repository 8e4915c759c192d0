/** The expression of an attestation gate, or that of a CEL rule. */
export type ConditionScope = 'attestation' | 'rule'

/**
 * A type of CEL: `string`, `int`, `dyn`, `list<…>`, `map<string, …>`, a timestamp, or the name of a
 * record.
 */
export type CelType = string
/** Fields and their types. */
export type CelFields = Readonly<Record<string, CelType>>

const timestamp = 'google.protobuf.Timestamp'

/** The records of both scopes. A field without a value is unbound, which is an error in CEL. */
const records: Readonly<Record<string, CelFields>> = {
  Image: {
    name: 'string',
    tag: 'string',
    digest: 'string',
    labels: 'map<string, string>',
    annotations: 'map<string, string>',
    created: timestamp,
    size: 'int',
    platforms: 'list<string>',
  },
  Place: { environment: 'string', repository: 'string' },
  Scan: { vulnerabilities: 'list<Vulnerability>' },
  Vulnerability: {
    id: 'string',
    aliases: 'list<string>',
    package: 'Package',
    severity: 'string',
    fixedVersion: 'string',
    scanner: 'string',
  },
  Package: { name: 'string', version: 'string', purl: 'string' },
  Sbom: { components: 'list<Component>' },
  Component: { name: 'string', version: 'string', purl: 'string', licenses: 'list<string>' },
  Statement: { predicateType: 'string', predicate: 'dyn', subject: 'string', signer: 'string' },
}

const variables: Readonly<Record<ConditionScope, CelFields>> = {
  attestation: { predicate: 'dyn', subject: 'string', signer: 'string' },
  rule: {
    image: 'Image',
    from: 'Place',
    to: 'Place',
    actor: 'string',
    reason: 'string',
    ticket: 'string',
    now: timestamp,
    scan: 'Scan',
    sbom: 'Sbom',
    signers: 'list<string>',
    attestations: 'Attestations',
  },
}

/** Why a variable of a rule can be unbound. */
const causes: Readonly<Record<string, string>> = {
  scan: 'no scan gate of the environment passed',
  sbom: 'no sbom gate of the environment passed',
  signers: 'no gate of the environment verified a signer of it',
  actor: 'the person is unknown',
  reason: 'the run has no --reason',
  ticket: 'the run has no --ticket',
}

/** Returns why a variable or a field of `attestations` is unbound, if that is known. */
export function causeOfUnbound(text: string): string | undefined {
  if (text.startsWith('attestations')) return 'that gate did not pass, or it verified no attestation'
  return Object.hasOwn(causes, text) ? causes[text] : undefined
}

/** The names that an expression can use. */
export interface ConditionNames {
  readonly variables: CelFields
  /** by name; a record comes after those that it contains */
  readonly records: ReadonlyMap<string, CelFields>
}

/** Returns the names of a scope. `attestations` has a field for each gate of the environment. */
export function namesOf(scope: ConditionScope, gateNames: readonly string[]): ConditionNames {
  if (scope === 'attestation') return { variables: variables.attestation, records: new Map() }
  const attestations = Object.fromEntries(gateNames.map((name) => [name, 'list<Statement>']))
  const order = [
    'Package',
    'Vulnerability',
    'Component',
    'Statement',
    'Image',
    'Place',
    'Scan',
    'Sbom',
  ] as const
  return {
    variables: variables.rule,
    records: new Map([
      ...order.map((name) => [name, records[name] ?? {}] as const),
      ['Attestations', attestations],
    ]),
  }
}
