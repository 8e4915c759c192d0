import type {
  ApprovalsGate,
  AttestationGate,
  CelGate,
  CompletenessGate,
  GateOperation,
  SbomGate,
  ScanGate,
  SignatureGate,
  SoakGate,
} from '../../../src/config/gates/gate.ts'

/**
 * Definitions of gates as the configuration makes them, with its defaults and one signer `build`.
 */

const base = {
  environment: 'prod',
  path: ['environments', 'prod', 'gates', 0] as const,
  appliesTo: 'image' as const,
  images: ['*'],
  excludeImages: [],
  operations: ['promote', 'copy', 'tag', 'sync'] as readonly GateOperation[],
  mode: 'enforce' as const,
  override: 'allowed' as const,
}
const signedBy = ['build'] as const

export function signatureGate(changes: Partial<SignatureGate> = {}): SignatureGate {
  return { ...base, name: 'signed', kind: 'signature', signedBy, count: 1, annotations: {}, ...changes }
}

export function attestationGate(changes: Partial<AttestationGate> = {}): AttestationGate {
  const type = 'https://slsa.dev/provenance/v1'
  return {
    ...base,
    name: 'provenance',
    kind: 'attestation',
    type,
    signedBy,
    count: 1,
    newestOnly: false,
    ...changes,
  }
}

export function scanGate(changes: Partial<ScanGate> = {}): ScanGate {
  return {
    ...base,
    name: 'scan',
    kind: 'scan',
    appliesTo: 'platforms',
    signedBy,
    failOn: 'high',
    maxAgeMs: 24 * 60 * 60 * 1000,
    exceptions: [],
    unknownSeverity: 'critical',
    ignoreUnfixed: false,
    allowReportFile: false,
    ...changes,
  }
}

export function sbomGate(changes: Partial<SbomGate> = {}): SbomGate {
  return {
    ...base,
    name: 'sbom',
    kind: 'sbom',
    appliesTo: 'platforms',
    formats: ['spdx', 'cyclonedx'],
    minComponents: 1,
    ...changes,
  }
}

export function soakGate(changes: Partial<SoakGate> = {}): SoakGate {
  return {
    ...base,
    name: 'soak',
    kind: 'soak',
    soakEnvironment: 'staging',
    minSoakMs: 24 * 60 * 60 * 1000,
    signedBy,
    requireCurrent: false,
    ...changes,
  }
}

export function approvalsGate(changes: Partial<ApprovalsGate> = {}): ApprovalsGate {
  return {
    ...base,
    name: 'approved',
    kind: 'approvals',
    count: 1,
    approvers: ['leads'],
    allowSelfApproval: false,
    ...changes,
  }
}

export function completenessGate(changes: Partial<CompletenessGate> = {}): CompletenessGate {
  return { ...base, name: 'complete', kind: 'completeness', signedBy, ...changes }
}

export function celGate(expression: string, changes: Partial<CelGate> = {}): CelGate {
  return { ...base, name: 'rule', kind: 'cel', expression, ...changes }
}
