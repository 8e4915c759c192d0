import type { Config } from '../config.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { ReportIssue } from '../shape.ts'
import type { GateDefinition, TrustConfig } from '../gates/gate.ts'
import type { ResidencyPolicy } from '../gates/residency.ts'

/** The names in the file, also those of parts with mistakes. */
export interface KnownNames {
  readonly environments: readonly string[]
  readonly images: readonly string[]
  readonly signers: readonly string[]
  /** the people of each group */
  readonly groups: ReadonlyMap<string, readonly string[]>
}

/** The context of the readers of the sections. */
export interface SectionContext {
  readonly config: Config
  readonly known: KnownNames
  /** resolves a path that is relative to the file */
  readonly absolute: (path: string) => string
  readonly report: ReportIssue
}

export interface ReadSections {
  /** by environment */
  readonly gates: ReadonlyMap<string, readonly GateDefinition[]>
  readonly trust?: TrustConfig
}

/**
 * The readers of the sections that few files have. Each is loaded only for a file that needs it.
 */
export interface SectionReaders {
  /** `signers`, `approvers` and `environments.*.gates` */
  readonly gates?: (written: WrittenConfig, context: SectionContext) => ReadSections
  readonly residency?: (
    written: NonNullable<WrittenConfig['residency']>,
    context: SectionContext,
  ) => ResidencyPolicy
  /** returns the problem of a regular expression, or undefined */
  readonly regExpProblem?: (source: string) => string | undefined
}
