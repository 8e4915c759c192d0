import { randomBytes } from 'node:crypto'
import { closeSync, constants, linkSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { link, open, rm, utimes } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { ioError, systemCode } from './io-error.ts'
import { hasEnded, processIdentity } from './process-identity.ts'
import { openRegular } from './read.ts'

export interface LockOptions {
  readonly clock: Clock
  /** milliseconds between two heartbeats of the holder */
  readonly heartbeatMs?: number
  /** milliseconds without a heartbeat after which another process takes the lock */
  readonly staleMs?: number
  /** milliseconds between two checks of a waiting process */
  readonly pollMs?: number
  /** for how many milliseconds the holder renews the lock; by default until it is released */
  readonly renewMs?: number
  /** Is called once if another process still holds the lock after some seconds. */
  readonly onLongWait?: () => void
}

export interface HeldLock {
  /**
   * Call it just before the change that the lock guards. @throws `conflict` if another process has
   * taken the lock.
   */
  check(): Promise<void>
}

/** A lock that lasts until its holder releases it, or until another process takes it over. */
export interface TakenLock extends HeldLock {
  /**
   * Whether no other process can have taken the lock over yet: the last heartbeat is no older than
   * half the time after which one may. It stays false once it was false. It asks no file, so it can
   * be called directly before a change.
   */
  isCertain(): boolean
  /** Never throws. A lock that another process has taken over stays. */
  release(): Promise<void>
}

/** The lock of another process, as a waiting process saw it. */
interface ObservedLock {
  readonly id: string
  readonly heartbeat: number
  readonly since: number
}

const defaultStaleMs = 5_000
const longWaitMs = 5_000
/** Bytes that are read of a lock file: more than an id has. */
const maxIdSize = 64
/** Hex digits of an id before the identity of its process. */
const randomLength = 16

/**
 * Runs `work` while no other process holds the same lock file.
 * @throws what `work` throws, and what `takeLock` throws.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  signal: AbortSignal,
  work: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const lock = await takeLock(path, options, signal)
  try {
    return await work(lock)
  } finally {
    await lock.release()
  }
}

/**
 * Waits until no other process holds the lock file, and takes it. A lock is taken over at once if
 * its process has ended on this machine, and else if its heartbeat has not moved for `staleMs` on
 * the waiter's own clock, so that clocks of two machines need not agree.
 * @throws `io`; the signal's reason.
 */
export async function takeLock(path: string, options: LockOptions, signal: AbortSignal): Promise<TakenLock> {
  const id = randomBytes(randomLength / 2).toString('hex') + processIdentity()
  const lease = new Lease(await acquire(path, id, options, signal), options)
  const stop = new AbortController()
  const beating = beat(path, id, options, lease, stop.signal)
  return {
    check: () => checkHeld(path, id),
    isCertain: () => lease.isCertain(),
    release: async () => {
      stop.abort()
      await beating
      const current = await readLock(path).catch(() => undefined)
      if (current?.id === id) await rm(path, { force: true }).catch(() => undefined)
    },
  }
}

/** For how long a holder can be certain of its lock without a check of the file. */
class Lease {
  readonly #clock: Clock
  readonly #certainMs: number
  /** when the last heartbeat that succeeded began */
  #renewedAt: number
  #isBroken = false

  constructor(renewedAt: number, { clock, staleMs = defaultStaleMs }: LockOptions) {
    this.#clock = clock
    this.#certainMs = staleMs / 2
    this.#renewedAt = renewedAt
  }

  /** @param at when the heartbeat began */
  renew(at: number): void {
    if (this.isCertain()) this.#renewedAt = at
  }

  isCertain(): boolean {
    const age = this.#clock.now() - this.#renewedAt
    this.#isBroken ||= age < 0 || age > this.#certainMs
    return !this.#isBroken
  }
}

/** Returns a time before the lock was taken, in milliseconds. */
async function acquire(path: string, id: string, options: LockOptions, signal: AbortSignal): Promise<number> {
  const { clock, staleMs = defaultStaleMs, pollMs = 50 } = options
  const start = clock.now()
  let isLong = false
  let observed: ObservedLock | undefined
  for (;;) {
    signal.throwIfAborted()
    const began = clock.now()
    const current = await readLock(path)
    if (current === undefined) {
      if (await create(path, id, clock)) return began
      observed = undefined
      continue
    }
    if (hasEnded(current.id.slice(randomLength), id.slice(randomLength))) {
      removeStale(path, current.id)
      observed = undefined
      continue
    }
    if (observed === undefined || observed.id !== current.id || observed.heartbeat !== current.heartbeat) {
      observed = { ...current, since: clock.now() }
    } else if (clock.now() - observed.since >= staleMs) {
      if (!ownId.test(observed.id)) throw foreignLock(path)
      removeStale(path, observed.id)
      observed = undefined
      continue
    }
    if (!isLong && clock.now() - start >= longWaitMs) {
      isLong = true
      options.onLongWait?.()
    }
    if (await sleepsTooLong(pollMs, clock, signal)) observed = undefined
  }
}

/** Milliseconds. A process that wakes up later than that was suspended, or its clock was set. */
const maxLateMs = 2_000

/**
 * Whether the waiter was suspended meanwhile. The holder may have been suspended with it, on a
 * laptop or in a virtual machine, so the time says nothing about its heartbeat.
 */
async function sleepsTooLong(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const began = clock.now()
  await clock.sleep(ms, signal)
  const late = clock.now() - began - ms
  return late > maxLateMs || late < -maxLateMs
}

/**
 * A lock contains an id, or what power loss leaves of one. A file with other content is another
 * program's.
 */
const ownId = /^(?:[0-9a-f]{0,32}|\0{1,32})$/

function foreignLock(path: string): DrayError {
  return new DrayError('io', `${path} is not a lock of dray: the file has other content`, {
    subject: path,
    hint: 'Move the file away, or name another file for dray to lock. dray did not change it.',
  })
}

/**
 * The id must exist as soon as the name does: it is written under another name and then linked,
 * which fails if the lock exists.
 */
async function create(path: string, id: string, clock: Clock): Promise<boolean> {
  const own = `${path}.${id}`
  try {
    const handle = await open(own, 'wx', 0o600)
    try {
      await handle.writeFile(id)
      await handle.utimes(new Date(clock.now()), new Date(clock.now()))
    } finally {
      await handle.close()
    }
    await link(own, path)
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw ioError(cause, `cannot create the lock ${path}`, path)
  } finally {
    await rm(own, { force: true }).catch(() => undefined)
  }
}

async function readLock(path: string): Promise<{ id: string; heartbeat: number } | undefined> {
  const handle = await openRegular(path)
  if (handle === undefined) return undefined
  try {
    const { mtimeMs } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxIdSize), 0, maxIdSize, 0)
    return { id: buffer.toString('latin1', 0, bytesRead), heartbeat: mtimeMs }
  } catch (cause) {
    throw ioError(cause, `cannot read the lock ${path}`, path)
  } finally {
    await handle.close()
  }
}

/**
 * Another waiter may have been quicker. A lock that is moved away and is not the dead process's is
 * put back. The calls are synchronous, so that hardly any time is left for that.
 */
function removeStale(path: string, staleId: string): void {
  const aside = `${path}.${randomBytes(8).toString('hex')}.stale`
  try {
    if (readIdNow(path) !== staleId) return
    renameSync(path, aside)
    if (readIdNow(aside) !== staleId) linkSync(aside, path)
  } catch (cause) {
    // It is gone, or a third process has the lock. The process whose lock was moved away notices in
    // `check`.
    const code = systemCode(cause)
    if (code !== 'ENOENT' && code !== 'EEXIST') throw ioError(cause, `cannot acquire the lock ${path}`, path)
  } finally {
    try {
      rmSync(aside, { force: true })
    } catch {
      // An unused file stays.
    }
  }
}

function readIdNow(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(maxIdSize)
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, maxIdSize, 0))
  } finally {
    closeSync(fd)
  }
}

async function beat(
  path: string,
  id: string,
  { clock, heartbeatMs = 1_000, renewMs = Infinity }: LockOptions,
  lease: Lease,
  stop: AbortSignal,
): Promise<void> {
  const end = clock.now() + renewMs
  while (clock.now() < end) {
    try {
      await clock.sleep(heartbeatMs, stop)
      // A heartbeat must not keep the lock of a process that has taken this one over.
      await checkHeld(path, id)
      const at = clock.now()
      await utimes(path, new Date(at), new Date(at))
      lease.renew(at)
    } catch {
      // The lock was released, or it is gone, which `check` reports.
      return
    }
  }
}

async function checkHeld(path: string, id: string): Promise<void> {
  const current = await readLock(path)
  if (current?.id === id) return
  throw new DrayError('conflict', `this run lost the lock ${path}`, {
    subject: path,
    hint: 'Run the command again.',
  })
}
