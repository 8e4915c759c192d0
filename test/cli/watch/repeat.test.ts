import { expect, it } from 'vitest'
import { repeat } from '../../../src/cli/watch/repeat.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { manualClock } from '../../support/manual-clock.ts'

/** Starts passes that return 1, 2, 3, …. */
function start(read: (pass: number) => Promise<number> = async (pass) => pass) {
  const clock = manualClock()
  const stop = new AbortController()
  const shown: (readonly [number, number | undefined])[] = []
  let passes = 0
  const ended = repeat({
    clock,
    intervalMs: 30_000,
    signal: stop.signal,
    read: async () => await read(++passes),
    show: (result, before) => void shown.push([result, before]),
  })
  return { clock, stop, shown, ended, passes: () => passes }
}

it('a pass follows each interval, and is shown with the one before', async () => {
  const { clock, stop, shown, ended } = start()
  await clock.sleepers(1)
  expect(shown).toEqual([[1, undefined]])
  await clock.advance(29_999)
  expect(shown).toHaveLength(1)
  await clock.advance(1)
  expect(shown).toEqual([
    [1, undefined],
    [2, 1],
  ])
  stop.abort(new DrayError('interrupted', 'interrupted'))
  expect(await ended).toBe(2)
  expect(clock.asleep()).toBe(0)
})

it('a pass that the signal cuts short is not shown, unless it is the first', async () => {
  const cut = start(async (pass) => {
    if (pass === 2) cut.stop.abort(new DrayError('timeout', 'the time is up'))
    return pass
  })
  await cut.clock.sleepers(1)
  await cut.clock.advance(30_000)
  expect(await cut.ended).toBe(1)
  expect(cut.shown).toEqual([[1, undefined]])

  const first = start(async (pass) => {
    // The reading starts before the test has the controller.
    await Promise.resolve()
    first.stop.abort(new DrayError('timeout', 'the time is up'))
    return pass
  })
  expect(await first.ended).toBe(1)
  expect(first.shown).toEqual([[1, undefined]])
})

it('an interrupted read ends the passes, and any other error is thrown', async () => {
  const interrupted = start(async (pass) => {
    if (pass === 1) return pass
    interrupted.stop.abort(new DrayError('interrupted', 'interrupted'))
    throw new DrayError('interrupted', 'interrupted')
  })
  await interrupted.clock.sleepers(1)
  await interrupted.clock.advance(30_000)
  expect(await interrupted.ended).toBe(1)

  const failed = start(async () => {
    throw new DrayError('config', 'dray.yaml is wrong')
  })
  await expect(failed.ended).rejects.toMatchObject({ code: 'config' })
})
