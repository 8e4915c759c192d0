import { parseEntry } from '../log/chain.ts'
import { readHead } from '../log/head.ts'
import { stepKey } from '../log/open-intents.ts'
import type { LogEntry } from '../log/record.ts'
import { linesFrom, type OpenLog } from './log-lines.ts'

/**
 * The outcomes behind the part of a log that is shown. Reads them only if the head does not show
 * that an intent has one.
 */
export class LaterOutcomes {
  readonly #from: number
  readonly #log: OpenLog
  #settled: number | undefined
  #steps: Promise<ReadonlySet<string>> | undefined

  /** `from`: the beginning of a line, or the end of the log */
  constructor(from: number, log: OpenLog) {
    this.#from = from
    this.#log = log
  }

  /** Whether the entry is an intent before `from` with an outcome after it. */
  async settle(entry: LogEntry, offset: number): Promise<boolean> {
    const step = stepKey(entry)
    if (this.#from >= this.#log.size || entry.phase !== 'intent' || step === undefined) return false
    this.#settled ??= await this.#readSettled()
    if (offset < this.#settled) return true
    this.#steps ??= this.#readSteps()
    return (await this.#steps).has(step)
  }

  /** Every intent before this offset has an outcome. */
  async #readSettled(): Promise<number> {
    const head = await readHead(this.#log.path)
    return typeof head === 'string' || head.size > this.#log.size ? 0 : head.settled.offset
  }

  /** The steps of outcomes whose intents are before `from`. */
  async #readSteps(): Promise<ReadonlySet<string>> {
    const open = new Set<string>()
    const settled = new Set<string>()
    for await (const lines of linesFrom(this.#from, this.#log)) {
      for (const line of lines) {
        const entry = parseEntry(line)
        const step = entry === undefined ? undefined : stepKey(entry)
        if (step === undefined) continue
        if (entry?.phase === 'intent') open.add(step)
        else if (entry?.phase === 'outcome' && !open.delete(step)) settled.add(step)
      }
    }
    return settled
  }
}
