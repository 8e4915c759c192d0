import type { GateDefinition, GateOperation } from '../config/gates/gate.ts'
import type { Evidence } from '../images/evidence/evidence.ts'
import type { Graph } from '../images/graph/graph.ts'
import type { Repositories } from '../images/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { PlacementEnd } from '../plan/plan.ts'
import type { GateTrust } from './gate-trust.ts'
import type { RunReads } from './gathering/run-reads.ts'

/** A gate of an environment that the target repository belongs to. */
export interface ApplicableGate {
  readonly gate: GateDefinition
  /** the name of the image in that environment */
  readonly image: string
}

/** An image whose gates are evaluated for one target. */
export interface GateRequest {
  readonly root: Descriptor
  readonly from: PlacementEnd
  readonly to: PlacementEnd
  /** `check`: every gate counts, also if its `operations` do not list it */
  readonly operation: GateOperation | 'check'
  readonly gates: readonly ApplicableGate[]
  /** what the run has read of the image in `from.repository`; absent: it is read for the gates */
  readonly read?: { readonly graph: Graph; readonly evidence: readonly Evidence[] }
  /** of a sparse index: the platforms that the target gets; absent: all */
  readonly platforms?: readonly Platform[]
}

/** The ports and facts that judging an image needs. */
export interface GatePorts {
  readonly stores: Repositories
  readonly trust: GateTrust
  readonly clock: Clock
  /** what the run has read for gates: several targets and the check before tags use it */
  readonly reads: RunReads
  /** who runs dray: CI accounts such as `github:ada`, and user names */
  readonly actors: readonly string[]
  readonly reason?: string
  readonly ticket?: string
  /** the reason of each `--override-gate`, by the name of the gate */
  readonly overrides: ReadonlyMap<string, string>
  /** of `--scan-report` */
  readonly reportFiles: readonly ReportFile[]
  /** names of the environments of `dray.yaml` that hold a repository; for soak times */
  readonly environmentsOf: (repository: RepositoryName) => readonly string[]
  /** the repositories of an image in an environment, and its current-version tag */
  readonly currentTagOf: (
    environment: string,
    image: string,
  ) => readonly { readonly repository: RepositoryName; readonly tag: string }[]
}

/** A scan report that is not in the registry. */
export interface ReportFile {
  /** as the user named it */
  readonly name: string
  readonly bytes: Uint8Array
  readonly sha256: Digest
  /** `DIGEST=`: the digest that the user says it is about */
  readonly asserted?: Digest
}
