import { join } from 'node:path'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { endOfDay, formatDay } from '../../lib/day.ts'
import { type DrayError, toDrayError } from '../../lib/errors.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { withLock } from '../../lib/files/lock.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import type { ProcessEnvironment } from '../../lib/files/user-folders.ts'
import { isRecord } from '../../oci/json.ts'
import { addRecords, type UsageRecord } from '../../usecases/usage/growth/usage-record.ts'
import { findPrivateFolder } from '../wiring/private-folders.ts'

const fileName = 'usage.jsonl'
/** More than the records that a file may have. */
const maxFileSize = 128 * 1024 ** 2

/** Records of earlier runs, and what is to be said about them. */
export interface ReadHistory {
  readonly records: readonly UsageRecord[]
  readonly notes: readonly string[]
}

/**
 * The sizes of repositories by day, in the state folder of the user: one line for each repository
 * and day. A report needs no history, so that a failure here is a note and never an error.
 */
export class UsageHistoryFile {
  readonly #env: ProcessEnvironment
  readonly #clock: Clock

  constructor(env: ProcessEnvironment, clock: Clock) {
    this.#env = env
    this.#clock = clock
  }

  /** Reads the records of earlier runs. Never throws. */
  async read(): Promise<ReadHistory> {
    try {
      const { records, damaged, path } = await readRecords(this.#path({ create: false }))
      return { records, notes: damaged === 0 ? [] : [noteOfDamage(damaged, path)] }
    } catch (error) {
      return { records: [], notes: [noteOf('Growth is unknown', toDrayError(error))] }
    }
  }

  /**
   * Adds the records of today. A second run on one day replaces them, and old days are removed, so
   * that the file is bounded. Returns notes about a failure. @throws the signal's reason.
   */
  async add(records: readonly UsageRecord[], { signal }: Call): Promise<readonly string[]> {
    if (records.length === 0) return []
    try {
      const path = this.#path({ create: true })
      await withLock(`${path}.lock`, { clock: this.#clock }, signal, async (lock) => {
        const known = await readRecords(path)
        const all = addRecords(known.records, records, formatDay(this.#clock.now()))
        await lock.check()
        await writeFileAtomic(path, all.map((one) => `${JSON.stringify(one)}\n`).join(''), { mode: 0o600 })
      })
      return []
    } catch (error) {
      signal.throwIfAborted()
      return [noteOf('This run is not recorded for growth', toDrayError(error))]
    }
  }

  #path(options: { readonly create: boolean }): string {
    return join(findPrivateFolder('state', [], this.#env, options), fileName)
  }
}

async function readRecords(
  path: string,
): Promise<{ readonly records: readonly UsageRecord[]; readonly damaged: number; readonly path: string }> {
  const bytes = await readFileBounded(path, maxFileSize, { followLinks: false })
  const lines = bytes === undefined ? [] : new TextDecoder().decode(bytes).split('\n')
  const found = lines.filter((line) => line !== '').map(parseRecord)
  const records = found.filter((record) => record !== undefined)
  return { records, damaged: found.length - records.length, path }
}

/** Undefined for a line that dray did not write, or not completely. */
function parseRecord(line: string): UsageRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { day, repository, tags, manifests, bytes, untagged } = value
  const isValid =
    typeof day === 'string' &&
    endOfDay(day) !== undefined &&
    typeof repository === 'string' &&
    isCount(tags) &&
    isCount(manifests) &&
    isCount(bytes) &&
    (untagged === null || isCount(untagged))
  return isValid ? { day, repository, tags, manifests, bytes, untagged } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function noteOfDamage(count: number, path: string): string {
  const lines = count === 1 ? 'line' : 'lines'
  return `dray skips ${count} damaged ${lines} of ${path} and removes ${count === 1 ? 'it' : 'them'}.`
}

function noteOf(consequence: string, { message, why, hint }: DrayError): string {
  const cause = [message, why].filter((part) => part !== undefined).join(': ')
  return [`${consequence}: ${cause}.`, hint].filter((part) => part !== undefined).join(' ')
}
