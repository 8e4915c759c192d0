import { setImmediate } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { longestWaitMs } from '../../src/execute/records/record-groups.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { type Injury, injuringProxy } from './faulty-proxy.ts'
import { type Bench, bench } from './promotion.ts'
import { type WatchedRegistry, watchedRegistry } from './world.ts'

/** A request that is delayed, once. */
export interface Delay {
  readonly method: string
  /** matches path and query */
  readonly path: RegExp
  /** a status with `Retry-After`, a connection that breaks, or a response that takes long */
  readonly by: 429 | 503 | 'reset before' | 'reset after' | 'slow'
}

/** A registry with a delay, and a run whose clock does not wait. */
export interface DelayedRegistry {
  readonly registry: WatchedRegistry
  readonly run: Bench
  readonly clock: Clock
  /** the host of the proxy, which the run uses */
  readonly host: string
  /** From now on the request is delayed, and someone else does this while the run waits. */
  arm(delay: Delay, meanwhile: () => Promise<unknown>): void
}

export async function startDelayedRegistry(): Promise<DelayedRegistry> {
  const registry = await watchedRegistry()
  let now = Date.now()
  let armed: { readonly delay: Delay; readonly meanwhile: () => Promise<unknown> } | undefined
  let pending: (() => Promise<unknown>) | undefined
  const clock: Clock = {
    now: () => now,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      // Records wait for those of other steps. That takes no time of this clock.
      if (ms === longestWaitMs) return await setImmediate()
      // The first backoff is shorter, and must make a check too old as well.
      now += Math.max(ms, 3_000)
      const meanwhile = pending
      pending = undefined
      await meanwhile?.()
    },
  }
  const take = (method: string, path: string): Delay['by'] | undefined => {
    if (armed?.delay.method !== method || !armed.delay.path.test(path)) return undefined
    const { delay, meanwhile } = armed
    armed = undefined
    pending = meanwhile
    return delay.by
  }
  const slow = new Set<number>()
  const proxy = await injuringProxy(registry.host, {
    choose: ({ method, path, number }) => {
      const by = take(method, path)
      if (by === 'slow') slow.add(number)
      return by === undefined || by === 'slow' ? undefined : injuryOf(by)
    },
    around: async ({ number }) => {
      if (slow.delete(number)) await clock.sleep(6_000, new AbortController().signal)
    },
  })
  const run = await bench({ clock })
  onTestFinished(async () => {
    for (const one of [run, proxy, registry]) await one[Symbol.asyncDispose]()
  })
  return {
    registry,
    run,
    clock,
    host: proxy.host,
    arm: (delay, meanwhile) => void (armed = { delay, meanwhile }),
  }
}

function injuryOf(by: Exclude<Delay['by'], 'slow'>): Injury {
  if (typeof by === 'number') return { kind: 'answer', status: by, headers: { 'retry-after': '5' } }
  return { kind: 'reset', when: by === 'reset before' ? 'before' : 'after' }
}
