import { open, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { makeFolder } from '../files/atomic.ts'
import { ioError, systemCode } from '../files/io-error.ts'
import { digestOf, encodedOf } from '../oci/digest.ts'

const heartbeatMs = 1_000
/** A run that has shown no life for so long is dead: ten of its heartbeats. */
const staleMs = 10_000

/** A run's sign of life: a file beside the log, touched every second, so that others leave its open intents alone. */
export interface SignOfLife {
  /** Takes it away: the run has ended. */
  end(): Promise<void>
}

/** @throws `io` where the sign cannot be given: the run would look dead to others. */
export async function showLife(log: string, run: string, clock: Clock): Promise<SignOfLife> {
  const path = join(runsFolder(log), nameOf(run))
  await makeFolder(runsFolder(log), 0o700)
  try {
    await (await open(path, 'w', 0o600)).close()
    await touch(path, clock)
  } catch (cause) {
    throw ioError(cause, `${path} cannot be written`, path)
  }
  const stop = new AbortController()
  const beating = beat(path, clock, stop.signal)
  return {
    end: async () => {
      stop.abort()
      await beating
      await rm(path, { force: true }).catch(() => undefined)
    },
  }
}

/** Whether a run, maybe of another process or machine, is alive: its clock and ours must agree within seconds. @throws `io`. */
export async function isAlive(log: string, run: string, clock: Clock): Promise<boolean> {
  const path = join(runsFolder(log), nameOf(run))
  try {
    return Math.abs(clock.now() - (await stat(path)).mtimeMs) < staleMs
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw ioError(cause, `${path} cannot be read`, path)
  }
}

/** Removes the signs of runs that died: nothing is open of them any more. */
export async function sweepDeadRuns(log: string, clock: Clock): Promise<void> {
  const folder = runsFolder(log)
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const path = join(folder, name)
    const seen = await stat(path).catch(() => undefined)
    if (seen !== undefined && Math.abs(clock.now() - seen.mtimeMs) >= staleMs) {
      await rm(path, { force: true }).catch(() => undefined)
    }
  }
}

function runsFolder(log: string): string {
  return `${log}.runs`
}

/** Run ids are our own, but a log may come from elsewhere: no id leads out of the folder. */
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
      // another took it for dead, for a machine that slept: it is given again, unless the folder is gone too
      if (
        await writeFile(path, '', { mode: 0o600 }).then(
          () => false,
          () => true,
        )
      )
        return
    }
  }
}

async function touch(path: string, clock: Clock): Promise<void> {
  const now = new Date(clock.now())
  await utimes(path, now, now)
}
