import { expect, it } from 'vitest'
import { EventQueue } from '../../../src/usecases/watch/queue/event-queue.ts'
import { QueueLoop } from '../../../src/usecases/watch/queue/run-queue.ts'
import { manualClock } from '../../support/manual-clock.ts'

it('repeats a failed run after its pause, and wakes up for an earlier event', async () => {
  const clock = manualClock()
  const queue = new EventQueue()
  const stop = new AbortController()
  const began = clock.now()
  const runs: string[] = []
  const loop = new QueueLoop({
    queue,
    clock,
    execute: async ({ events: [event] }) => {
      runs.push(`${event?.tag ?? ''} ${(clock.now() - began) / 1000}`)
      const isDone = event?.tag !== '1.0.0' || event.attempts === 2
      return { kind: isDone ? 'done' : 'retry', digests: new Map() }
    },
    settled: async () => undefined,
  })
  const add = async (tag: string): Promise<void> => {
    const trigger = { rule: 'prod', subject: tag, targets: [tag] }
    queue.add({ source: 'hub', repository: 'r.example.com/api', tag }, [trigger], clock.now())
    loop.notice()
    await clock.sleepers(1)
  }
  const running = loop.run(stop.signal)
  await add('1.0.0')
  await clock.advance(4_000)
  await add('2.0.0')
  await clock.advance(20_000)
  expect(runs).toEqual(['1.0.0 2', '2.0.0 6', '1.0.0 7', '1.0.0 17'])
  stop.abort()
  await running
})
