import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { watchInterrupts } from '../../../src/cli/terminal/interrupt.ts'
import { manualClock } from '../../support/manual-clock.ts'

function setUp(options: { graceful: boolean; timeoutMs?: number }) {
  const source = new EventEmitter()
  const clock = manualClock()
  const said: string[] = []
  let left = 0
  const interrupt = watchInterrupts({
    source,
    clock,
    ...options,
    say: (text) => said.push(text),
    leave: () => (left += 1),
  })
  return { source, clock, said, interrupt, left: () => left }
}

describe('watchInterrupts', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'lets the current step finish at the first %s, and says so',
    (name) => {
      const { source, said, interrupt, left } = setUp({ graceful: true })
      source.emit(name)
      expect(interrupt.stop.reason).toMatchObject({ code: 'interrupted' })
      expect(interrupt.signal.aborted).toBe(false)
      expect(said).toHaveLength(1)
      expect(left()).toBe(0)
    },
  )

  it('ends at once at the second', () => {
    const { source, interrupt, left } = setUp({ graceful: true })
    source.emit('SIGINT')
    source.emit('SIGTERM')
    expect(interrupt.signal.reason).toMatchObject({ code: 'interrupted' })
    expect(left()).toBe(1)
  })

  it('ends at the first if the command is not graceful', () => {
    const { source, said, interrupt } = setUp({ graceful: false })
    source.emit('SIGINT')
    expect(interrupt.signal.reason).toMatchObject({ code: 'interrupted' })
    expect(said).toEqual([])
  })

  it('ends with timeout after the time limit', async () => {
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
