import type { Clock } from '../../lib/clock.ts'
import type { RecordFields, RecordWriter, StepRecord } from './record-writer.ts'

/** For how many milliseconds at most a record waits for those of other steps. */
export const longestWaitMs = 100

/**
 * Writes the records of steps that run side by side in groups, which cost one sync each. A group is
 * written when half of the steps wait for their intent, so that the other half keeps the network
 * busy, or after 100 milliseconds. A single step never waits for others. Records are written in the
 * order in which they were added.
 */
export class RecordGroups {
  readonly #records: RecordWriter
  readonly #clock: Clock
  readonly #ended = new AbortController()
  #waiting: StepRecord[] = []
  #written = Promise.withResolvers<void>()
  /** steps that do not wait for their intent */
  #running = 0
  /** intents of the next group */
  #intents = 0
  #isTimed = false
  #isChecked = false

  constructor(records: RecordWriter, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  /** Call this when a step begins. */
  begin(): void {
    this.#running++
  }

  /** Call this when a step has ended. */
  end(): void {
    this.#running--
    this.#checkSoon()
  }

  /** Resolves when the record is on disk, and the step may change something. @throws `audit` */
  async intent(fields: RecordFields): Promise<void> {
    this.#records.failed.throwIfAborted()
    this.#running--
    this.#intents++
    try {
      await this.#add({ phase: 'intent', fields })
    } finally {
      this.#running++
    }
  }

  /** Resolves when the record is on disk. Later records need not wait for it. @throws `audit` */
  async outcome(fields: RecordFields): Promise<void> {
    await this.#add({ phase: 'outcome', fields })
  }

  /** Writes what waits. */
  close(): void {
    this.#ended.abort('the run has ended')
    this.#write()
  }

  #add(record: StepRecord): Promise<void> {
    this.#waiting.push(record)
    this.#checkSoon()
    return this.#written.promise
  }

  /** The next step may begin, and add its intent, before the event loop turns. */
  #checkSoon(): void {
    if (this.#isChecked) return
    this.#isChecked = true
    setImmediate(() => {
      this.#isChecked = false
      if (this.#running === 0 || this.#intents >= this.#running) this.#write()
      else void this.#writeLater()
    })
  }

  async #writeLater(): Promise<void> {
    if (this.#isTimed || this.#waiting.length === 0) return
    this.#isTimed = true
    // It rejects only when the run has ended.
    await this.#clock.sleep(longestWaitMs, this.#ended.signal).catch(() => undefined)
    this.#isTimed = false
    this.#write()
  }

  #write(): void {
    const records = this.#waiting
    if (records.length === 0) return
    const { resolve, reject, promise } = this.#written
    // The caller of each record has the promise too, and handles the error.
    promise.catch(() => undefined)
    this.#waiting = []
    this.#intents = 0
    this.#written = Promise.withResolvers<void>()
    this.#records.write(records).then(resolve, reject)
  }
}
