import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { firstOf, offAbort, onAbort } from '../../src/lib/call.ts'

describe('the listeners of an abort', () => {
  it('share one event listener, which is removed with the last of them', () => {
    const { signal } = new AbortController()
    const listeners = [1, 2, 3].map(() => (): void => undefined)
    for (const one of listeners) onAbort(signal, one)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    for (const one of listeners) offAbort(signal, one)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('are called once, in the order in which they were added, without a removed one', () => {
    const controller = new AbortController()
    const called: string[] = []
    const removed = (): void => void called.push('removed')
    onAbort(controller.signal, () => called.push('first'))
    onAbort(controller.signal, removed)
    onAbort(controller.signal, () => called.push('second'))
    offAbort(controller.signal, removed)
    controller.abort('stop')
    controller.abort('again')
    expect(called).toEqual(['first', 'second'])
  })

  it('are called again after all of them were removed once', () => {
    const controller = new AbortController()
    const called: string[] = []
    const early = (): void => void called.push('early')
    onAbort(controller.signal, early)
    offAbort(controller.signal, early)
    onAbort(controller.signal, () => called.push('late'))
    controller.abort('stop')
    expect(called).toEqual(['late'])
  })

  it('are not called if another listener removes them', () => {
    const controller = new AbortController()
    const called: string[] = []
    const second = (): void => void called.push('second')
    onAbort(controller.signal, () => offAbort(controller.signal, second))
    onAbort(controller.signal, second)
    controller.abort('stop')
    expect(called).toEqual([])
  })
})

describe('the first of several signals', () => {
  it('gives its reason, and later ones do not matter', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const signal = firstOf(one.signal, other.signal)
    expect(signal.aborted).toBe(false)
    other.abort('second')
    one.abort('first')
    expect(signal.reason).toBe('second')
  })

  it('is aborted at once if one of them is', () => {
    const signal = firstOf(new AbortController().signal, AbortSignal.abort('before'))
    expect(signal.reason).toBe('before')
  })
})
