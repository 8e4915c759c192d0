import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import { withLock } from '../../../src/lib/files/lock.ts'

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
})
