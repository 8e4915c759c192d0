import { DrayError, toErrorInfo } from '../errors.ts'
import { appendSynced } from '../files/append.ts'
import type { AuditRecord } from './record.ts'
import type { AuditSink } from './sink.ts'

/**
 * Records as JSON Lines in a file, on disk when `write` resolves. Records that come while a sync is under way go together with the next one: the
 * intents of a whole wave cost two syncs, however many they are.
 */
export class FileSink implements AuditSink {
  readonly place: string
  #waiting: string[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.place = path
  }

  async write(records: readonly AuditRecord[]): Promise<void> {
    this.#waiting.push(...records.map((record) => JSON.stringify(record)))
    this.#next ??= this.#afterLast()
    return this.#next
  }

  async #afterLast(): Promise<void> {
    await this.#last.catch(() => undefined)
    const lines = this.#waiting
    this.#waiting = []
    this.#last = this.#append(lines)
    this.#next = undefined
    return this.#last
  }

  async #append(lines: readonly string[]): Promise<void> {
    try {
      await appendSynced(this.place, lines)
    } catch (cause) {
      const { message, why } = toErrorInfo(cause)
      throw new DrayError('audit', 'the audit record cannot be written, so nothing more is changed', {
        subject: this.place,
        why: why ?? message,
        hint: 'Make room or give write access, or name another file with --audit-file.',
        cause,
      })
    }
  }
}
