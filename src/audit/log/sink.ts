import type { AuditRecord } from './record.ts'

/** Where records go. No change is made to a registry before `write` has resolved for its intent. */
export interface AuditSink {
  /** where a person finds the records */
  readonly place: string
  /** Resolves when the records are on disk. @throws `audit`. */
  write(records: readonly AuditRecord[]): Promise<void>
}
