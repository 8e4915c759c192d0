import type { Severity } from '../../reports/vulnerability.ts'
import type { Path } from '../key-path.ts'

export type GateOperation = 'promote' | 'copy' | 'tag' | 'sync' | 'rollback'

/** The settings of every gate. */
export interface GateBase {
  /** unique in its environment */
  readonly name: string
  /** the environment that has the gate */
  readonly environment: string
  /** its place in `dray.yaml`, for messages about mistakes */
  readonly path: Path
  readonly appliesTo: 'image' | 'platforms' | 'all'
  /** globs of image names */
  readonly images: readonly string[]
  readonly excludeImages: readonly string[]
  readonly operations: readonly GateOperation[]
  readonly mode: 'enforce' | 'warn'
  readonly override: 'allowed' | 'never'
}

/** Names of signers in `dray.yaml`; any of them is enough. */
type SignedBy = readonly string[]

export interface SignatureGate extends GateBase {
  readonly kind: 'signature'
  readonly signedBy: SignedBy
  /** how many different signers must have signed */
  readonly count: number
  /** signed annotations that must be there with exactly this value */
  readonly annotations: Readonly<Record<string, string>>
}

export interface AttestationGate extends GateBase {
  readonly kind: 'attestation'
  /** the predicate type, exact */
  readonly type: string
  readonly signedBy: SignedBy
  readonly count: number
  /** CEL over `predicate`, `subject` and `signer` */
  readonly expression?: string
  /** the newest matching attestation decides; by default one match is enough */
  readonly newestOnly: boolean
}

export interface ScanGate extends GateBase {
  readonly kind: 'scan'
  readonly signedBy: SignedBy
  /** this severity and above fails */
  readonly failOn: Severity
  readonly maxAgeMs: number
  readonly vexSignedBy?: SignedBy
  readonly exceptions: readonly ScanException[]
  readonly unknownSeverity: 'critical' | 'ignore'
  readonly ignoreUnfixed: boolean
  /** `--scan-report` counts, although it is not signed */
  readonly allowReportFile: boolean
}

export interface ScanException {
  /** also matches aliases */
  readonly id: string
  /** a package URL or package name; absent: every package */
  readonly package?: string
  /** `2027-01-31`: valid through that day in UTC */
  readonly expires: string
  readonly reason: string
}

export interface SbomGate extends GateBase {
  readonly kind: 'sbom'
  /** undefined: it need not be signed */
  readonly signedBy?: SignedBy
  readonly formats: readonly ('spdx' | 'cyclonedx')[]
  readonly minComponents: number
}

export interface SoakGate extends GateBase {
  readonly kind: 'soak'
  readonly soakEnvironment: string
  readonly minSoakMs: number
  readonly signedBy: SignedBy
  readonly requireCurrent: boolean
}

export interface ApprovalsGate extends GateBase {
  readonly kind: 'approvals'
  readonly count: number
  /** names of groups */
  readonly approvers: readonly string[]
  readonly maxAgeMs?: number
  readonly allowSelfApproval: boolean
}

export interface CompletenessGate extends GateBase {
  readonly kind: 'completeness'
  readonly signedBy: SignedBy
}

export interface CelGate extends GateBase {
  readonly kind: 'cel'
  readonly expression: string
  readonly message?: string
}

export type GateDefinition =
  | SignatureGate
  | AttestationGate
  | ScanGate
  | SbomGate
  | SoakGate
  | ApprovalsGate
  | CompletenessGate
  | CelGate

/** Who is trusted to sign, as `dray.yaml` has it. Files are absolute paths. */
export interface SignerConfig {
  readonly path: Path
  readonly keys: readonly KeyConfig[]
  readonly keyless?: KeylessConfig
}

export interface KeyConfig {
  readonly file: string
  /** `2026-06-30`: valid through that day in UTC */
  readonly expires?: string
}

export interface KeylessConfig {
  /** exact */
  readonly issuer: string
  /** a glob (`*` stops at `/`, `**` does not) with a literal `{image}` */
  readonly subject?: string
  /** RE2, matches the whole subject */
  readonly subjectRegExp?: string
  /** Fulcio's certificate extensions by name, exact */
  readonly claims: Readonly<Record<string, string>>
  /** absolute path of a `.json` or `.jsonl` file */
  readonly trustedRoot: string
  /** `none`: a signed timestamp replaces log entry and SCT */
  readonly transparencyLog: 'required' | 'none'
}

/** A person of a group of approvers. */
export interface ApproverConfig extends SignerConfig {
  /** CI accounts, such as `github:ada` */
  readonly actors: readonly string[]
}

/** The trust settings of `dray.yaml`. */
export interface TrustConfig {
  readonly signers: ReadonlyMap<string, SignerConfig>
  /** by group, then by person */
  readonly approvers: ReadonlyMap<string, ReadonlyMap<string, ApproverConfig>>
}
