import { constants } from 'node:fs'
import { lstat, lutimes, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/files/atomic.ts'
import { ifThere, ioError } from '../../lib/files/io-error.ts'
import { digestOf, encodedOf } from '../../oci/digest.ts'

const heartbeatMs = 1_000
/** A run without a heartbeat for this long is dead: ten heartbeats. */
const staleMs = 10_000

/**
 * A file beside the log, touched every second: other runs do not resolve the intents of this one.
 */
export interface Heartbeat {
  /**
   * Beats now, unless it did so within the last second: from now on, other runs count the run as
   * alive. @throws `io`.
   */
  renew(): Promise<void>
  /** Removes the file: the run has ended. */
  end(): Promise<void>
}

/** Starts a heartbeat. @throws `io` if the file cannot be written. */
export async function startHeartbeat(log: string, run: string, clock: Clock): Promise<Heartbeat> {
  const path = join(runsFolder(log), nameOf(run))
  await makeFolder(runsFolder(log), 0o700)
  let renewedAt = Number.NEGATIVE_INFINITY
  const renew = async (): Promise<void> => {
    const now = clock.now()
    if (now >= renewedAt && now - renewedAt < heartbeatMs) return
    try {
      if (!(await isOwnFolder(runsFolder(log)))) {
        throw new DrayError('io', `${runsFolder(log)} is not a folder`, { subject: runsFolder(log) })
      }
      await make(path)
      await touch(path, clock)
      renewedAt = now
    } catch (cause) {
      throw ioError(cause, `cannot write ${path}`, path)
    }
  }
  await renew()
  const stop = new AbortController()
  const beating = beat(path, clock, stop.signal)
  return {
    renew,
    end: async () => {
      stop.abort('ended')
      await beating
      await rm(path, { force: true }).catch(() => undefined)
    },
  }
}

/** Whether a run is alive, on any machine. The clocks must agree within seconds. @throws `io`. */
export async function isAlive(log: string, run: string, clock: Clock): Promise<boolean> {
  const path = join(runsFolder(log), nameOf(run))
  const seen = await ifThere(stat(path), path)
  return seen !== undefined && Math.abs(clock.now() - seen.mtimeMs) < staleMs
}

/**
 * Removes the heartbeats of dead runs, which have no open intents left. A heartbeat is an empty
 * file with the name of a run. Anything else in the folder belongs to another program and stays.
 * @throws `io` if the folder cannot be read.
 */
export async function removeDeadHeartbeats(log: string, clock: Clock): Promise<void> {
  const folder = runsFolder(log)
  if (!(await isOwnFolder(folder))) return
  const names = await ifThere(readdir(folder), folder)
  for (const name of names ?? []) {
    const path = join(folder, name)
    const seen = await ifThere(lstat(path), path)
    const isSign = seen?.isFile() === true && seen.size === 0 && nameOf(name) === name
    if (isSign && Math.abs(clock.now() - seen.mtimeMs) >= staleMs) {
      await rm(path, { force: true }).catch(() => undefined)
    }
  }
}

/** A symbolic link leads to a folder that is not dray's. */
async function isOwnFolder(path: string): Promise<boolean> {
  return (await ifThere(lstat(path), path))?.isDirectory() ?? false
}

/** Creates a heartbeat. Never empties a file or follows a link of that name. */
async function make(path: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants
  await (await open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600)).close()
}

function runsFolder(log: string): string {
  return `${log}.runs`
}

/** dray makes the ids of runs, but a log may come from elsewhere. No id leads out of the folder. */
function nameOf(run: string): string {
  return /^[A-Za-z0-9-]{1,64}$/.test(run) ? run : encodedOf(digestOf(run))
}

async function beat(path: string, clock: Clock, stop: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await clock.sleep(heartbeatMs, stop)
    } catch {
      return
    }
    try {
      await touch(path, clock)
    } catch {
      // Another run removed the file because this machine slept. The folder may be gone too.
      const isMade = await make(path).then(
        () => true,
        () => false,
      )
      if (!isMade) return
    }
  }
}

async function touch(path: string, clock: Clock): Promise<void> {
  const now = new Date(clock.now())
  await lutimes(path, now, now)
}
