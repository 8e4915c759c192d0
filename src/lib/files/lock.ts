import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { Lease } from './locks/lease.ts'
import { createLock, readLock, removeStale } from './locks/lock-file.ts'
import { hasEnded, processIdentity } from './process-identity.ts'

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
  /**
   * Returns the error for a lock whose holder renews it while this process waits, so that it does
   * not wait for the release. By default, it waits.
   */
  readonly renewedError?: () => DrayError
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
/** Hex digits of an id before the identity of its process. */
const randomLength = 16
/** An abort without a reason would create an error with a stack for each lock. */
const released = 'released'

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
  const id = newId()
  return hold(path, id, await acquire(path, id, options, signal), options)
}

/**
 * Takes the lock file if it does not exist; otherwise undefined.
 * @throws `io`.
 */
export function takeFreeLock(path: string, options: LockOptions): TakenLock | undefined {
  const id = newId()
  const began = options.clock.now()
  return createLock(path, id, new Date(began)) ? hold(path, id, began, options) : undefined
}

function newId(): string {
  return randomBytes(randomLength / 2).toString('hex') + processIdentity()
}

/** @param since a time before the lock was taken, in milliseconds */
function hold(path: string, id: string, since: number, options: LockOptions): TakenLock {
  const lease = new Lease(since, options.clock, options.staleMs ?? defaultStaleMs)
  const stop = new AbortController()
  const beating = beat(path, id, options, lease, stop.signal)
  return {
    check: async () => checkHeld(path, id),
    isCertain: () => lease.isCertain(),
    release: async () => {
      stop.abort(released)
      await beating
      try {
        if (readLock(path)?.id === id) unlinkSync(path)
      } catch {
        // Another process takes the lock over when its heartbeat is too old.
      }
    },
  }
}

/** Returns a time before the lock was taken, in milliseconds. */
async function acquire(path: string, id: string, options: LockOptions, signal: AbortSignal): Promise<number> {
  const { clock, staleMs = defaultStaleMs, pollMs = 50, renewedError } = options
  const start = clock.now()
  let isLong = false
  let observed: ObservedLock | undefined
  for (;;) {
    signal.throwIfAborted()
    const began = clock.now()
    const current = readLock(path)
    if (current === undefined) {
      if (createLock(path, id, new Date(began))) return began
      // Another process was quicker. Without the pause below, a folder that shows its lock late,
      // as on a network, would keep this process from signals.
      observed = undefined
    } else if (hasEnded(current.id.slice(randomLength), id.slice(randomLength))) {
      removeStale(path, current.id)
      observed = undefined
      continue
    } else if (
      observed === undefined ||
      observed.id !== current.id ||
      observed.heartbeat !== current.heartbeat
    ) {
      if (observed?.id === current.id && renewedError !== undefined) throw renewedError()
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
      checkHeld(path, id)
      const at = clock.now()
      await utimes(path, new Date(at), new Date(at))
      lease.renew(at)
    } catch {
      // The lock was released, or it is gone, which `check` reports.
      return
    }
  }
}

function checkHeld(path: string, id: string): void {
  if (readLock(path)?.id === id) return
  throw new DrayError('conflict', `this run lost the lock ${path}`, {
    subject: path,
    hint: 'Run the command again.',
  })
}
