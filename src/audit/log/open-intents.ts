import type { Position } from './chain.ts'
import type { SettledPosition } from './head.ts'
import type { AuditRecord, LogEntry, LogRecord } from './record.ts'

/** An intent without an outcome: its run is executing the step, or has died. */
export interface OpenIntent {
  readonly seq: number
  /** of its line in the log */
  readonly offset: number
  readonly record: AuditRecord
}

/**
 * Tracks intents and outcomes. Lines are noted in the order of the log. The end of the log may be
 * noted again, which has no effect.
 */
export class OpenIntents {
  /** in the order of the log, because a map keeps the order of its keys */
  readonly #open = new Map<string, { readonly entry: AuditRecord & LogEntry; readonly offset: number }>()

  note(entry: LogEntry, offset: number): void {
    if (entry.phase !== 'intent' && entry.phase !== 'outcome') return
    const key = stepKey(entry)
    if (key === undefined) return
    if (entry.phase === 'outcome') {
      this.#open.delete(key)
      return
    }
    this.#open.set(key, { entry, offset })
  }

  has(record: AuditRecord): boolean {
    const key = stepKey(record)
    return key !== undefined && this.#open.has(key)
  }

  /** in the order of the log */
  list(): readonly OpenIntent[] {
    return [...this.#open.values()]
      .map(({ entry, offset }) => ({ seq: entry.seq, offset, record: withoutPosition(entry) }))
      .sort((a, b) => a.seq - b.seq)
  }

  /** The position up to which every intent has an outcome, in a log that ends at `end`. */
  settled(end: Position): SettledPosition {
    const [first] = this.#open.values()
    if (first === undefined) return { seq: end.seq, offset: end.size }
    return { seq: first.entry.seq - 1, offset: first.offset }
  }

  clear(): void {
    this.#open.clear()
  }
}

/** Identifies a step in intent and outcome. A prune numbers its steps in each repository. */
export function stepKey(record: LogRecord): string | undefined {
  if (record.phase === 'recovered' || record.step === undefined) return undefined
  const { run, step } = record
  if (step.kind !== 'deleteManifest' && step.kind !== 'deleteTag') return `${run} ${step.id}`
  return `${run} ${step.id} ${step.repository?.registry}/${step.repository?.path}`
}

/** A record without its position in the chain. */
export function withoutPosition<R extends LogEntry>(entry: R): Omit<R, 'seq' | 'prev' | 'origin'> {
  const { seq: _, prev: __, origin: ___, ...record } = entry
  return record
}
