import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { watchInterrupts } from '../../../src/cli/terminal/interrupt.ts'
import { manualClock } from '../../support/manual-clock.ts'

function setUp(options: { graceful: boolean; timeoutMs?: number; platform?: NodeJS.Platform }) {
  const source = new EventEmitter()
  const clock = manualClock()
  const messages: string[] = []
  let exits = 0
  const interrupt = watchInterrupts({
    source,
    clock,
    ...options,
    say: (text) => messages.push(text),
    leave: () => (exits += 1),
  })
  return { source, clock, messages, interrupt, exits: () => exits }
}

describe('watchInterrupts', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'finishes the current step after the first %s, with a message',
    (name) => {
      const { source, messages, interrupt, exits } = setUp({ graceful: true })
      source.emit(name)
      expect(interrupt.stop.reason).toMatchObject({ code: 'interrupted' })
      expect(interrupt.signal.aborted).toBe(false)
      expect(messages).toHaveLength(1)
      expect(exits()).toBe(0)
    },
  )

  it.each(['SIGINT', 'SIGBREAK', 'SIGHUP'] as const)('obeys %s on Windows', (name) => {
    const { source, interrupt } = setUp({ graceful: true, platform: 'win32' })
    source.emit(name)
    expect(interrupt.stop.reason).toMatchObject({ code: 'interrupted' })
    interrupt.dispose()
    expect(source.eventNames()).toEqual([])
  })

  it('ends at once after the second signal', () => {
    const { source, interrupt, exits } = setUp({ graceful: true })
    source.emit('SIGINT')
    source.emit('SIGTERM')
    expect(interrupt.signal.reason).toMatchObject({ code: 'interrupted' })
    expect(exits()).toBe(1)
  })

  it('ends after the first signal if the command is not graceful', () => {
    const { source, messages, interrupt } = setUp({ graceful: false })
    source.emit('SIGINT')
    expect(interrupt.signal.reason).toMatchObject({ code: 'interrupted' })
    expect(messages).toEqual([])
  })

  it('ends with `timeout` after the time limit', async () => {
    const { clock, interrupt } = setUp({ graceful: true, timeoutMs: 90_000 })
    await clock.advance(89_999)
    expect(interrupt.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(interrupt.signal.reason).toMatchObject({ code: 'timeout' })
    expect(interrupt.stop.reason).toMatchObject({ code: 'timeout' })
  })

  it('stops listening after dispose', async () => {
    const { source, clock, interrupt } = setUp({ graceful: true, timeoutMs: 1000 })
    interrupt.dispose()
    await clock.advance(2000)
    expect(interrupt.signal.aborted).toBe(false)
    expect([source.listenerCount('SIGINT'), source.listenerCount('SIGTERM')]).toEqual([0, 0])
  })
})
