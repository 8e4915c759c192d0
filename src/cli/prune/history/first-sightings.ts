import type { Stats } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import { makeFolder, writeFileAtomic } from '../../../lib/files/atomic.ts'
import { withLock } from '../../../lib/files/lock.ts'
import { othersWhoWriteFile } from '../../../lib/files/ownership.ts'
import { readFileBounded } from '../../../lib/files/read.ts'
import type { Call } from '../../../lib/call.ts'
import { isDigest } from '../../../oci/digest.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { formatRepository, isTag } from '../../../oci/reference.ts'
import {
  type FirstSighting,
  type RunSightings,
  type Sighting,
  sightingKey,
} from '../../../usecases/prune/records/history.ts'

const schema = 'dray.sightings/1'
const maxFileSize = 64 * 1024 * 1024

/**
 * The first sightings of orphaned attached artifacts and of broken indexes. A file for each
 * repository is in a folder beside the audit log. A dry run saves them too: a period that begins
 * early is shown, and one that begins late is safe. If a file is lost, the period starts again.
 */
export class FirstSightings {
  readonly #folder: string
  readonly #clock: Clock

  /** @param log path of the audit log */
  constructor(log: string, clock: Clock) {
    this.#folder = `${log}.sightings`
    this.#clock = clock
  }

  /**
   * Returns the first sightings, and saves those that are new. Removes those that this run examined
   * and that are not missing any more. Several runs may do this at once.
   * @param identity one text for all names of the repository
   * @throws `refused` if others can write to the file; the signal's reason. If the file cannot be
   * written, dray warns, and the period starts again with the next run.
   */
  async remember(
    identity: string,
    { repository, sightings, isExamined, now }: RunSightings,
    { signal, notify }: Call,
  ): Promise<readonly FirstSighting[]> {
    const path = join(this.#folder, `${createHash('sha256').update(identity).digest('hex')}.json`)
    if (sightings.length === 0 && (await readSightings(path, identity)).length === 0) return []
    try {
      await makeFolder(this.#folder, 0o700)
      return await withLock(`${path}.lock`, { clock: this.#clock }, signal, async (lock) => {
        const known = await readSightings(path, identity)
        const updated = update(known, sightings, isExamined, now)
        if (!isSame(known, updated)) {
          await lock.check()
          await writeFileAtomic(path, formatSightings(identity, updated), { mode: 0o600 })
        }
        return updated
      })
    } catch (error) {
      signal.throwIfAborted()
      if (isDrayError(error) && error.code === 'refused') throw error
      const { message } = toErrorInfo(error)
      const text = `cannot save the first sightings in ${formatRepository(repository)}: ${message}. In the next run, olderThan counts from its start.`
      notify({ kind: 'warning', text })
      return sightings.map((one) => ({ ...one, since: now }))
    }
  }
}

function update(
  known: readonly FirstSighting[],
  current: readonly Sighting[],
  isExamined: RunSightings['isExamined'],
  now: number,
): readonly FirstSighting[] {
  const sinces = new Map(known.map((one) => [sightingKey(one), one.since]))
  const keys = new Set(current.map(sightingKey))
  const others = known.filter((one) => !keys.has(sightingKey(one)) && !isExamined(one))
  return [
    ...others,
    ...current.map((one) => ({ ...one, since: Math.min(sinces.get(sightingKey(one)) ?? now, now) })),
  ]
}

function isSame(known: readonly FirstSighting[], updated: readonly FirstSighting[]): boolean {
  const before = new Set(known.map((one) => `${sightingKey(one)} ${one.since}`))
  return (
    before.size === updated.length && updated.every((one) => before.has(`${sightingKey(one)} ${one.since}`))
  )
}

function formatSightings(repository: string, sightings: readonly FirstSighting[]): string {
  const written = sightings.map(({ kind, tag, digest, since }) => ({
    kind,
    tag,
    digest,
    since: new Date(since).toISOString(),
  }))
  return `${JSON.stringify({ schema, repository, sightings: written })}\n`
}

/** A file that is damaged, or of another repository, has no sightings. @throws `refused`, `io`. */
async function readSightings(path: string, identity: string): Promise<readonly FirstSighting[]> {
  try {
    const bytes = await readFileBounded(path, maxFileSize, {
      followLinks: false,
      check: (stats) => refuseForeign(path, stats),
    })
    const value: unknown = bytes === undefined ? undefined : parseJson(bytes, path)
    if (!isRecord(value) || value['schema'] !== schema || value['repository'] !== identity) return []
    const { sightings } = value
    return Array.isArray(sightings) ? sightings.flatMap((one) => parseSighting(one) ?? []) : []
  } catch (error) {
    if (isDrayError(error) && error.code === 'malformed') return []
    throw error
  }
}

function parseSighting(value: unknown): FirstSighting | undefined {
  if (!isRecord(value)) return undefined
  const { kind, tag, digest, since } = value
  if (kind !== 'orphaned' && kind !== 'broken') return undefined
  if (typeof tag !== 'string' || !isTag(tag) || typeof digest !== 'string' || !isDigest(digest))
    return undefined
  const at = typeof since === 'string' ? Date.parse(since) : Number.NaN
  return Number.isNaN(at) ? undefined : { kind, tag, digest, since: at }
}

/** A time that others can change would decide what is deleted. */
function refuseForeign(path: string, stats: Stats): void {
  const why = othersWhoWriteFile(stats, process.env)
  if (why === undefined) return
  throw new DrayError('refused', 'cannot use the file of first sightings', {
    subject: path,
    why,
    hint: 'Remove the write access of other users. Then run the command again.',
  })
}
