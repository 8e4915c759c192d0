import type { Position } from './chain.ts'
import { FirstOpen } from './first-open.ts'
import type { SettledPosition } from './head.ts'
import type { AuditRecord, LogEntry, LogRecord } from './record.ts'

/** An intent without an outcome: its run is executing the step, or has died. */
export interface OpenIntent {
  readonly seq: number
  /** of its line in the log */
  readonly offset: number
  readonly record: AuditRecord
}

interface NotedIntent {
  readonly key: string
  readonly entry: AuditRecord & LogEntry
  readonly offset: number
}

/**
 * Tracks intents and outcomes. Lines are noted in the order of the log. The end of the log may be
 * noted again, which has no effect.
 */
export class OpenIntents {
  readonly #open = new Map<string, NotedIntent>()
  readonly #inOrder = new FirstOpen<NotedIntent>((noted) => this.#open.get(noted.key) === noted)

  note(entry: LogEntry, offset: number): void {
    if (entry.phase !== 'intent' && entry.phase !== 'outcome') return
    const key = stepKey(entry)
    if (key === undefined) return
    if (entry.phase === 'outcome') {
      this.#open.delete(key)
      return
    }
    const noted = { key, entry, offset }
    this.#open.set(key, noted)
    this.#inOrder.add(noted)
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
    const first = this.#inOrder.find()
    if (first === undefined) return { seq: end.seq, offset: end.size }
    return { seq: first.entry.seq - 1, offset: first.offset }
  }

  clear(): void {
    this.#open.clear()
    this.#inOrder.clear()
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
