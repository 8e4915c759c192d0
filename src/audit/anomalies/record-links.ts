import { quoteWord } from '../../lib/quote-word.ts'
import { bounds } from './bounds.ts'
import type { AnomalyFinding, FindingRecords } from './finding.ts'
import { actorToFilter } from './names.ts'
import type { Observation } from './observation.ts'

interface LinkOptions {
  /** adds filters to the command */
  readonly by?: readonly ('actor' | 'env' | 'image' | 'operation' | 'refused')[]
}

/** Links the records of a finding, and the command that shows them. */
export class RecordLinks {
  #count = 0
  #from = Infinity
  #to = -Infinity
  #first: Observation['entry'] | undefined
  readonly #lines: FindingRecords['lines'][number][] = []

  add({ entry, time }: Observation): void {
    this.#count++
    this.#first ??= entry
    this.#from = Math.min(this.#from, time)
    this.#to = Math.max(this.#to, time)
    if (this.#lines.length >= bounds.lines) return
    const { seq, origin } = entry
    this.#lines.push({
      seq,
      ...(origin !== undefined && { origin: { log: origin.log, seq: origin.seq } }),
    })
  }

  /** Joins the records of several parts, which are in the order of time. */
  static of(parts: readonly RecordLinks[]): RecordLinks {
    const all = new RecordLinks()
    for (const part of parts) {
      all.#count += part.#count
      all.#first ??= part.#first
      all.#from = Math.min(all.#from, part.#from)
      all.#to = Math.max(all.#to, part.#to)
      all.#lines.push(...part.#lines.slice(0, bounds.lines - all.#lines.length))
    }
    return all
  }

  get count(): number {
    return this.#count
  }

  /** The fields of a finding about these records. */
  fields({ by = [] }: LinkOptions = {}): Pick<AnomalyFinding, 'from' | 'to' | 'records' | 'command'> {
    return {
      from: new Date(this.#from).toISOString(),
      to: new Date(this.#to).toISOString(),
      records: { count: this.#count, lines: this.#lines },
      command: this.#commandBy(by),
    }
  }

  #commandBy(by: NonNullable<LinkOptions['by']>): string {
    const entry = this.#first
    const values = {
      actor: entry === undefined ? undefined : ['--actor', actorToFilter(entry.actor)],
      env: entry?.environment?.to === undefined ? undefined : ['--env', entry.environment.to],
      image: entry?.image === undefined ? undefined : ['--image', entry.image],
      operation: entry === undefined ? undefined : ['--operation', entry.operation],
      refused: ['--result', 'refused'],
    }
    const filters = by.flatMap((name) => values[name] ?? [])
    // `--until` is exclusive.
    const times = [
      '--since',
      new Date(this.#from).toISOString(),
      '--until',
      new Date(this.#to + 1).toISOString(),
    ]
    return ['dray audit log', ...[...times, ...filters].map(quoteWord), '--all'].join(' ')
  }
}
