import { expect, it, onTestFinished } from 'vitest'
import { abortable } from '../../../../src/registry/http/transport/abortable.ts'

it.each([
  ['before the call', true],
  ['during the wait', false],
])('a failure after an abort %s is handled, and the wait ends with the reason', async (_, isBefore) => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const stop = new AbortController()
  const work = Promise.withResolvers<void>()
  if (isBefore) stop.abort(new Error('stopped'))
  const ended = abortable(work.promise, stop.signal).catch((error: unknown) => error)
  stop.abort(new Error('stopped'))
  expect(await ended).toEqual(new Error('stopped'))
  work.reject(new Error('broken'))
  // Node reports unhandled rejections before the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})
