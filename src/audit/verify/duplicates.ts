import { parseEntry } from '../log/chain.ts'
import { Fingerprints } from './fingerprints.ts'
import { stepKey } from '../log/open-intents.ts'
import type { LogLines } from '../query/log-lines.ts'
import type { LogEntry } from '../log/record.ts'
import type { LogProblem } from '../log/record-problems.ts'

/** Only the first duplicate is reported, so more suspects are not compared. */
const maxSuspects = 1_000

/**
 * Finds repeated ids, intents and outcomes. An outcome with `resolvedBy` may exist beside the
 * outcome of a run that was wrongly taken for dead.
 */
export class Duplicates {
  readonly #seen = new Fingerprints()
  readonly #suspects = new Set<string>()
  #lastOffset = 0

  /** `isOpen`: an intent of the same step is open before this entry. */
  note(entry: LogEntry, offset: number, isOpen: boolean): void {
    if (this.#seen.addAgain('id', entry.id)) this.#suspect(textOfId(entry), offset)
    const step = noteworthyStep(entry)
    if (step === undefined) return
    const kind = kindOf(entry)
    // An intent needs no fingerprint: it is open until its outcome has one.
    const isListed =
      kind === 'intent' ? isOpen || this.#seen.has('outcome', step) : this.#seen.addAgain(kind, step)
    if (isListed) this.#suspect(`${kind} ${step}`, offset)
  }

  #suspect(text: string, offset: number): void {
    if (this.#suspects.size >= maxSuspects) return
    this.#suspects.add(text)
    this.#lastOffset = offset
  }

  /** Compares the suspects by their text and returns the first real duplicate. */
  async confirm(log: LogLines): Promise<LogProblem | undefined> {
    if (this.#suspects.size === 0) return undefined
    const first = new Map<string, number>()
    for await (const lines of log) {
      for (const line of lines) {
        const entry = parseEntry(line)
        if (entry === undefined || line.offset > this.#lastOffset) return undefined
        for (const text of textsOf(entry)) {
          if (!this.#suspects.has(text)) continue
          const before = first.get(text)
          if (before !== undefined) {
            const what = text.startsWith('id ') ? 'id' : text.slice(0, text.indexOf(' '))
            return {
              kind: 'repeated',
              line: entry.seq,
              offset: line.offset,
              why: `line ${before} has the same ${what}`,
            }
          }
          first.set(text, entry.seq)
        }
      }
    }
    return undefined
  }
}

function textsOf(entry: LogEntry): readonly string[] {
  const step = noteworthyStep(entry)
  return step === undefined ? [textOfId(entry)] : [textOfId(entry), `${kindOf(entry)} ${step}`]
}

function textOfId({ id }: LogEntry): string {
  return `id ${id}`
}

/** The step of an intent or an outcome. */
function noteworthyStep(entry: LogEntry): string | undefined {
  return entry.phase === 'intent' || entry.phase === 'outcome' ? stepKey(entry) : undefined
}

function kindOf(entry: LogEntry): 'intent' | 'outcome' | 'finding' {
  if (entry.phase === 'recovered' || entry.resolvedBy !== undefined) return 'finding'
  return entry.phase === 'intent' ? 'intent' : 'outcome'
}
