import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { takeLock, withLock } from '../../../src/lib/files/lock.ts'
import { processIdentity } from '../../../src/lib/files/process-identity.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-files-'))
  path = join(folder, 'lock')
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const never = new AbortController().signal

/**
 * A clock that advances only by sleeping. Every sleep ends at once, and there are no heartbeats.
 */
function leapingClock(onSleep: (now: number) => void = () => undefined): Clock {
  let now = 1_000_000
  return {
    now: () => now,
    sleep: (ms, signal) => {
      signal.throwIfAborted()
      if (ms === 1_000_000_000) return new Promise((_, reject) => signal.addEventListener('abort', reject))
      now += ms
      onSleep(now)
      return new Promise((done) => setImmediate(done))
    },
  }
}
const noHeartbeat = { heartbeatMs: 1_000_000_000 }

/** A clock that a test sets. Its sleeps end when the test says so. */
function steppedClock(): Clock & { now(): number; set(now: number): Promise<void> } {
  let now = 0
  const sleeping = new Map<() => void, number>()
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleeping.set(resolve, now + ms)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    set: async (to) => {
      now = to
      const awake = [...sleeping].filter(([, at]) => at <= now)
      for (const [wake] of awake) {
        sleeping.delete(wake)
        wake()
      }
      // The woken work is over when it sleeps again.
      while (awake.length > 0 && sleeping.size === 0) await new Promise((done) => setImmediate(done))
    },
  }
}

describe('a lock', () => {
  it('has one holder at a time, and leaves no file', async () => {
    const clock = leapingClock()
    let inside = 0
    let most = 0
    const one = (): Promise<void> =>
      withLock(path, { clock, staleMs: 1e12, ...noHeartbeat }, never, async () => {
        most = Math.max(most, ++inside)
        await new Promise((done) => setImmediate(done))
        inside--
      })
    await Promise.all(Array.from({ length: 8 }, one))
    expect(most).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is released if the work fails', async () => {
    const clock = leapingClock()
    const failing = withLock(path, { clock, ...noHeartbeat }, never, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(existsSync(path)).toBe(false)
  })

  it('is taken over from a holder without a heartbeat, whatever its clock says', async () => {
    writeFileSync(path, 'dead')
    utimesSync(path, new Date('2099-01-01'), new Date('2099-01-01'))
    let slept = 0
    const clock = leapingClock((now) => (slept = now - 1_000_000))
    const options = { clock, staleMs: 500, pollMs: 100, ...noHeartbeat }
    await withLock(path, options, never, (lock) => lock.check())
    expect(slept).toBe(500)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is not taken over from a holder with a heartbeat', async () => {
    writeFileSync(path, 'alive')
    const stop = new AbortController()
    let checks = 0
    const clock = leapingClock((now) => {
      utimesSync(path, new Date(now), new Date(now))
      if (++checks === 100) stop.abort(new Error('gave up'))
    })
    const options = { clock, staleMs: 500, pollMs: 100, ...noHeartbeat }
    const waiting = withLock(path, options, stop.signal, () => Promise.resolve())
    await expect(waiting).rejects.toThrow('gave up')
    expect(readdirSync(folder)).toEqual(['lock'])
  })

  it('is an error with the next heartbeat of its holder, if the options have one', async () => {
    writeFileSync(path, 'alive')
    utimesSync(path, new Date(0), new Date(0))
    let polls = 0
    const clock = leapingClock((now) => {
      if (++polls === 3) utimesSync(path, new Date(now), new Date(now))
    })
    const renewedError = (): DrayError => new DrayError('refused', 'it is in use')
    const options = { clock, staleMs: 500, pollMs: 100, renewedError, ...noHeartbeat }
    await expect(takeLock(path, options, never)).rejects.toMatchObject({ code: 'refused' })
    expect(polls).toBe(3)
    expect(readdirSync(folder)).toEqual(['lock'])
  })

  it('passes to this process without an error if another process releases it or was killed', async () => {
    writeFileSync(path, 'dead')
    let polls = 0
    const clock = leapingClock(() => {
      if (++polls === 3) writeFileSync(path, 'beef')
    })
    const renewedError = (): DrayError => new DrayError('refused', 'it is in use')
    const options = { clock, staleMs: 500, pollMs: 100, renewedError, ...noHeartbeat }
    const lock = await takeLock(path, options, never)
    await lock.check()
    expect(polls).toBe(3 + 5)
    await lock.release()
  })

  it.each([
    ['forward', 3_600_000],
    ['backward', -3_600_000],
  ])('is not taken over sooner if the clock of a waiter jumps %s, as after a suspension', async (_, jump) => {
    writeFileSync(path, 'dead')
    let now = 10_000_000
    let polls = 0
    const clock: Clock = {
      now: () => now,
      sleep: async (ms, signal) => {
        signal.throwIfAborted()
        if (ms === 100) now += ++polls === 3 ? jump : ms
        await new Promise((done) => setImmediate(done))
      },
    }
    let taken = 0
    await withLock(path, { clock, staleMs: 500, pollMs: 100 }, never, async () => void (taken = polls))
    expect(taken).toBe(3 + 5)
  })

  it('reports to its holder that it was taken over, and keeps the file of the new holder', async () => {
    const clock = leapingClock()
    const work = withLock(path, { clock, ...noHeartbeat }, never, async (lock) => {
      await lock.check()
      writeFileSync(path, 'another')
      await lock.check()
    })
    await expect(work).rejects.toMatchObject({ code: 'conflict' })
    expect(existsSync(path)).toBe(true)
  })

  it('is taken over by only one of many waiters', async () => {
    writeFileSync(path, 'dead')
    let now = 0
    const clock: Clock = {
      now: () => now,
      // The clock stops once the dead lock is gone, so that no living lock can seem dead.
      sleep: async (ms, signal) => {
        signal.throwIfAborted()
        if ((await readFile(path, 'utf8').catch(() => '')) === 'dead') now += ms
        await new Promise((done) => setImmediate(done))
      },
    }
    let inside = 0
    let most = 0
    const one = (): Promise<void> =>
      withLock(path, { clock, staleMs: 500, pollMs: 100 }, never, async () => {
        most = Math.max(most, ++inside)
        await new Promise((done) => setImmediate(done))
        inside--
      })
    await Promise.all(Array.from({ length: 4 }, one))
    expect(most).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is certain for half the time after which it is stale, from the last heartbeat', async () => {
    const clock = steppedClock()
    const lock = await takeLock(path, { clock, heartbeatMs: 1_000, staleMs: 4_000 }, never)
    for (const now of [1_500, 3_000, 4_500]) {
      await clock.set(now)
      expect(lock.isCertain()).toBe(true)
    }
    await lock.release()
    const silent = await takeLock(path, { clock, ...noHeartbeat, staleMs: 4_000 }, never)
    await clock.set(6_500)
    expect(silent.isCertain()).toBe(true)
    await clock.set(6_501)
    expect(silent.isCertain()).toBe(false)
    await silent.release()
  })

  it('is not certain any more after its holder was suspended, and does not become so again', async () => {
    const clock = steppedClock()
    const lock = await takeLock(path, { clock, heartbeatMs: 1_000, staleMs: 4_000 }, never)
    await clock.set(2_001)
    expect(lock.isCertain()).toBe(false)
    await clock.set(3_001)
    expect(lock.isCertain()).toBe(false)
    await lock.release()
    expect(existsSync(path)).toBe(false)
  })

  it('is not certain if the clock was set back', async () => {
    const clock = steppedClock()
    await clock.set(1_000)
    const lock = await takeLock(path, { clock, ...noHeartbeat }, never)
    await clock.set(999)
    expect(lock.isCertain()).toBe(false)
    await lock.release()
  })

  it('is renewed for as long as its options say, and can then be taken over', async () => {
    const clock = steppedClock()
    const lock = await takeLock(path, { clock, heartbeatMs: 1_000, renewMs: 1_500 }, never)
    await clock.set(1_000)
    void clock.set(2_000)
    while (statSync(path).mtimeMs !== 2_000) await new Promise((done) => setImmediate(done))
    await clock.set(3_000)
    const options = { clock: leapingClock(), ...noHeartbeat, staleMs: 500, pollMs: 100 }
    const next = await takeLock(path, options, never)
    await clock.set(4_501)
    expect(lock.isCertain()).toBe(false)
    await expect(lock.check()).rejects.toMatchObject({ code: 'conflict' })
    await lock.release()
    await next.check()
    await next.release()
  })

  it('gets no heartbeat from a process that has lost it', async () => {
    const clock = steppedClock()
    const lock = await takeLock(path, { clock, heartbeatMs: 1_000 }, never)
    writeFileSync(path, 'another')
    utimesSync(path, new Date(5_000), new Date(5_000))
    void clock.set(1_000)
    await lock.release()
    expect(statSync(path).mtimeMs).toBe(5_000)
  })

  it('is taken over at once from a process of this machine that has ended', async () => {
    const ended = spawnSync(process.execPath, ['-e', '']).pid
    writeFileSync(path, idOf(ended))
    const clock = { ...leapingClock(), sleep: () => Promise.reject(new Error('it waited')) }
    const lock = await takeLock(path, { clock }, never)
    await lock.check()
    await lock.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['lives', () => idOf(process.pid)],
    ['is in another container', () => idOf(spawnSync(process.execPath, ['-e', '']).pid, 'a'.repeat(8))],
    ['is unknown', () => idOf(0)],
  ])('is not taken over at once from a process that %s', async (_, id) => {
    writeFileSync(path, id())
    const clock = { ...leapingClock(), sleep: () => Promise.reject(new Error('it waited')) }
    await expect(takeLock(path, { clock }, never)).rejects.toThrow('it waited')
  })
})

function idOf(processId: number, place = processIdentity().slice(0, 8)): string {
  return `${'0'.repeat(16)}${place}${processId.toString(16).padStart(8, '0')}`
}
