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
import { formatRepository, isTag, type RepositoryName } from '../../../oci/reference.ts'
import {
  type FirstSighting,
  type RunSightings,
  type Sighting,
  sightingKey,
} from '../../../usecases/prune/records/history.ts'

const schema = 'dray.sightings/1'
const maxFileSize = 64 * 1024 * 1024

/**
 * The first sightings of orphaned attached artifacts, of broken indexes and of pull times. A file
 * for each repository is in a folder beside the audit log. A dry run saves them too: a period that
 * begins early is shown, and one that begins late is safe. If a file is lost, the period starts
 * again.
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
    call: Call,
  ): Promise<readonly FirstSighting[]> {
    if (sightings.length === 0 && (await this.#read(identity)).sightings.length === 0) return []
    const saved = await this.#update(
      identity,
      ({ sightings: known, ...rest }) => {
        const updated = update(known, sightings, isExamined, now)
        return isSame(known, updated) ? undefined : { ...rest, sightings: updated }
      },
      call,
    )
    if ('sightings' in saved) return saved.sightings
    const text = `cannot save the first sightings in ${formatRepository(repository)}: ${saved.message}. In the next run, olderThan counts from its start.`
    call.notify({ kind: 'warning', text })
    return sightings.map((one) => ({ ...one, since: now }))
  }

  /**
   * Returns when a run first read the pull times of a repository, and saves it.
   * @throws as `remember`
   */
  async watchedSince(identity: string, repository: RepositoryName, now: number, call: Call): Promise<number> {
    const known = (await this.#read(identity)).watchedSince
    // A time in the future is of another clock: the period begins now.
    if (known !== undefined && known <= now) return known
    const saved = await this.#update(
      identity,
      (before) => ({ ...before, watchedSince: Math.min(before.watchedSince ?? now, now) }),
      call,
    )
    if ('sightings' in saved) return saved.watchedSince ?? now
    const text = `cannot save since when dray reads the pull times of ${formatRepository(repository)}: ${saved.message}. In the next run, notPulledFor counts from its start.`
    call.notify({ kind: 'warning', text })
    return now
  }

  #pathOf(identity: string): string {
    return join(this.#folder, `${createHash('sha256').update(identity).digest('hex')}.json`)
  }

  #read(identity: string): Promise<SavedSightings> {
    return readSightings(this.#pathOf(identity), identity)
  }

  /**
   * Returns the saved sightings after a change, or why they cannot be saved.
   * @param change undefined: nothing changes
   */
  async #update(
    identity: string,
    change: (known: SavedSightings) => SavedSightings | undefined,
    { signal }: Call,
  ): Promise<SavedSightings | { readonly message: string }> {
    const path = this.#pathOf(identity)
    try {
      await makeFolder(this.#folder, 0o700)
      return await withLock(`${path}.lock`, { clock: this.#clock }, signal, async (lock) => {
        const known = await readSightings(path, identity)
        const changed = change(known)
        if (changed === undefined) return known
        await lock.check()
        await writeFileAtomic(path, formatSightings(identity, changed), { mode: 0o600 })
        return changed
      })
    } catch (error) {
      signal.throwIfAborted()
      if (isDrayError(error) && error.code === 'refused') throw error
      return { message: toErrorInfo(error).message }
    }
  }
}

/** The content of the file of a repository. */
interface SavedSightings {
  readonly sightings: readonly FirstSighting[]
  /** when a run first read the pull times of the repository, in milliseconds since 1970 */
  readonly watchedSince?: number
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

function formatSightings(repository: string, { sightings, watchedSince }: SavedSightings): string {
  const written = sightings.map(({ kind, tag, digest, since }) => ({
    kind,
    tag,
    digest,
    since: new Date(since).toISOString(),
  }))
  const watched = watchedSince === undefined ? {} : { watchedSince: new Date(watchedSince).toISOString() }
  return `${JSON.stringify({ schema, repository, ...watched, sightings: written })}\n`
}

const nothing: SavedSightings = { sightings: [] }

/** A file that is damaged, or of another repository, has no sightings. @throws `refused`, `io`. */
async function readSightings(path: string, identity: string): Promise<SavedSightings> {
  try {
    const bytes = await readFileBounded(path, maxFileSize, {
      followLinks: false,
      check: (stats) => refuseForeign(path, stats),
    })
    const value: unknown = bytes === undefined ? undefined : parseJson(bytes, path)
    if (!isRecord(value) || value['schema'] !== schema || value['repository'] !== identity) return nothing
    const { sightings, watchedSince } = value
    const since = timeOf(watchedSince)
    return {
      sightings: Array.isArray(sightings) ? sightings.flatMap((one) => parseSighting(one) ?? []) : [],
      ...(since !== undefined && { watchedSince: since }),
    }
  } catch (error) {
    if (isDrayError(error) && error.code === 'malformed') return nothing
    throw error
  }
}

function parseSighting(value: unknown): FirstSighting | undefined {
  if (!isRecord(value)) return undefined
  const { kind, tag, digest, since } = value
  if (kind !== 'orphaned' && kind !== 'broken') return undefined
  if (typeof tag !== 'string' || !isTag(tag) || typeof digest !== 'string' || !isDigest(digest))
    return undefined
  const at = timeOf(since)
  return at === undefined ? undefined : { kind, tag, digest, since: at }
}

function timeOf(text: unknown): number | undefined {
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
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
