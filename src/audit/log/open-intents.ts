import type { Position } from './chain.ts'
import type { Settled } from './head.ts'
import type { AuditRecord, LogEntry, LogRecord } from './record.ts'

/** An intent that no outcome followed yet: its run is at it, or has died over it. */
export interface OpenIntent {
  readonly seq: number
  /** of its line in the log */
  readonly offset: number
  readonly record: AuditRecord
}

/** Keeps account of intents and outcomes as the lines of a log pass, in their order. To pass a stretch of lines once more changes nothing. */
export class OpenIntents {
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
      .map(({ entry, offset }) => ({ seq: entry.seq, offset, record: recordOf(entry) }))
      .sort((a, b) => a.seq - b.seq)
  }

  /** Up to where everything has its outcome, in a log that ends at `end`. */
  settled(end: Position): Settled {
    let settled: Settled = { seq: end.seq, offset: end.size }
    for (const { entry, offset } of this.#open.values()) {
      if (offset < settled.offset) settled = { seq: entry.seq - 1, offset }
    }
    return settled
  }

  clear(): void {
    this.#open.clear()
  }
}

/** What an intent and its outcome have in common: the step of a run; the steps of a prune are counted in each repository anew. */
export function stepKey(record: LogRecord): string | undefined {
  if (record.phase === 'recovered' || record.step === undefined) return undefined
  const { run, step } = record
  if (step.kind !== 'deleteManifest' && step.kind !== 'deleteTag') return `${run} ${step.id}`
  return `${run} ${step.id} ${step.repository?.registry}/${step.repository?.path}`
}

/** An entry without its place in the chain. */
function recordOf(entry: AuditRecord & LogEntry): AuditRecord {
  const { seq: _, prev: __, origin: ___, ...record } = entry
  return record
}
