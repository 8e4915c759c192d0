import type { AuditRecord } from './record.ts'

/**
 * Receives audit records. dray changes a registry only after `write` has resolved for the intent.
 */
export interface AuditSink {
  /** the path of the audit log */
  readonly path: string
  /** Resolves when the records are on disk. @throws `audit`. */
  write(records: readonly AuditRecord[]): Promise<void>
}
