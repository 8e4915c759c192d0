import { describe, expect, it } from 'vitest'
import { Bandwidth } from '../../../../src/registry/http/bodies/bandwidth.ts'
import { leapingClock, manualClock } from '../../../support/manual-clock.ts'

const kib = 1024
const { signal } = new AbortController()

/** Passes the chunks of one body, as its reader does. */
async function pass(bandwidth: Bandwidth, chunks: readonly number[]): Promise<void> {
  for (const chunk of chunks) await bandwidth.takeAll(chunk, signal)
}

/** Passes bodies at once. Returns their bytes in a second of the clock. */
async function rateOf(rate: number, bodies: readonly (readonly number[])[]): Promise<number> {
  const clock = leapingClock()
  const begin = clock.now()
  const bandwidth = new Bandwidth(rate, clock)
  await Promise.all(bodies.map((chunks) => pass(bandwidth, chunks)))
  const bytes = bodies.flat().reduce((sum, chunk) => sum + chunk, 0)
  return bytes / ((clock.now() - begin) / 1000)
}

const eightBodies = (chunk: number, bytes: number): number[][] =>
  Array.from({ length: 8 }, () => Array.from({ length: bytes / chunk }, () => chunk))

const promiseState = async (work: Promise<unknown> | undefined): Promise<'pending' | 'over'> => {
  let state: 'pending' | 'over' = 'pending'
  const over = (): void => {
    state = 'over'
  }
  work?.then(over, over)
  await new Promise((resolve) => setImmediate(resolve))
  return state
}

describe('the bandwidth of 8 bodies at once is within 5% of its limit', () => {
  it.each([
    ['chunks of 100 bytes', 1024 * kib, 100, 100_000],
    ['chunks of 16 KiB', 1024 * kib, 16 * kib, 1024 * kib],
    ['chunks of 512 KiB', 1024 * kib, 512 * kib, 2048 * kib],
    ['chunks that are longer than a second', 64 * kib, 512 * kib, 512 * kib],
    ['a fast limit', 1024 * 1024 * kib, 64 * kib, 64 * 1024 * kib],
    ['a slow limit', 100, 500, 1000],
  ])('with %s', async (_name, rate, chunk, bytes) => {
    const measured = await rateOf(rate, eightBodies(chunk, bytes))
    expect(measured / rate).toBeGreaterThan(0.95)
    expect(measured / rate).toBeLessThan(1.05)
  })

  it('with small and large chunks together', async () => {
    const rate = 1024 * kib
    const mixed = [...eightBodies(700, 70_000).slice(4), ...eightBodies(512 * kib, 2048 * kib).slice(4)]
    const measured = await rateOf(rate, mixed)
    expect(measured / rate).toBeGreaterThan(0.95)
    expect(measured / rate).toBeLessThan(1.05)
  })

  it('with timers that fire 30 ms late', async () => {
    const leaping = leapingClock()
    const late = { ...leaping, sleep: (ms: number, of: AbortSignal) => leaping.sleep(ms + 30, of) }
    const begin = late.now()
    const bandwidth = new Bandwidth(1024 * kib, late)
    await Promise.all(eightBodies(64 * kib, 1024 * kib).map((chunks) => pass(bandwidth, chunks)))
    const measured = (8 * 1024 * kib) / ((late.now() - begin) / 1000)
    expect(measured / (1024 * kib)).toBeGreaterThan(0.95)
    expect(measured / (1024 * kib)).toBeLessThan(1.05)
  })
})

describe('the bandwidth', () => {
  it('saves up at most the bytes of a tenth of a second while nothing passes', async () => {
    const clock = manualClock()
    const bandwidth = new Bandwidth(1000, clock)
    await clock.advance(60_000)
    expect(bandwidth.take(50, signal)).toBeUndefined()
    expect(bandwidth.take(50, signal)).toBeUndefined()
    expect(await promiseState(bandwidth.take(1, signal))).toBe('pending')
  })

  it('lets a small body pass between the pieces of large ones', async () => {
    const clock = manualClock()
    const bandwidth = new Bandwidth(100 * kib, clock)
    const large = Array.from({ length: 7 }, () => bandwidth.takeAll(1024 * kib, signal))
    const small = bandwidth.takeAll(500, signal)
    await clock.advance(500)
    expect(await promiseState(small)).toBe('over')
    for (const body of large) expect(await promiseState(body)).toBe('pending')
    await clock.advance(120_000)
    await Promise.all(large)
  })

  it('counts bytes that did not wait: the next ones wait for them', async () => {
    const clock = manualClock()
    const bandwidth = new Bandwidth(1000, clock)
    bandwidth.spend(10_000)
    const next = bandwidth.take(10, signal)
    await clock.advance(9_900)
    expect(await promiseState(next)).toBe('pending')
    await clock.advance(200)
    expect(await promiseState(next)).toBe('over')
  })

  it('ends the wait of a cancelled body at once, and the others get its turn', async () => {
    const clock = manualClock()
    const bandwidth = new Bandwidth(1000, clock)
    const cancelled = new AbortController()
    bandwidth.spend(1000)
    const first = bandwidth.take(50, cancelled.signal)
    const second = bandwidth.take(50, signal)
    cancelled.abort(new Error('stop'))
    await expect(first).rejects.toThrow('stop')
    await clock.advance(1_051)
    expect(await promiseState(second)).toBe('over')
  })

  it('leaves no timer when the last waiting body is cancelled, and a later body still passes', async () => {
    const clock = manualClock()
    const bandwidth = new Bandwidth(1000, clock)
    const cancelled = new AbortController()
    bandwidth.spend(1000)
    const wait = bandwidth.take(50, cancelled.signal)
    await clock.sleepers(1)
    cancelled.abort(new Error('stop'))
    const next = bandwidth.take(50, signal)
    await expect(wait).rejects.toThrow('stop')
    await clock.advance(1_051)
    expect(await promiseState(next)).toBe('over')
    expect(clock.asleep()).toBe(0)
  })

  it('rejects a body of a cancelled run without a wait', async () => {
    const bandwidth = new Bandwidth(1000, manualClock())
    await expect(bandwidth.take(1, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  })

  it('passes bytes again after the clock of the machine was set back', async () => {
    let offset = 0
    const manual = manualClock()
    const clock = { ...manual, now: () => manual.now() + offset }
    const bandwidth = new Bandwidth(1000, clock)
    offset = -3_600_000
    const wait = bandwidth.take(50, signal)
    await manual.advance(100)
    expect(await promiseState(wait)).toBe('over')
  })
})
