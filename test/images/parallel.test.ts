import { describe, expect, it } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { inParallel, KeyedQueue, OncePerKey } from '../../src/images/parallel.ts'

const newCall = (signal = new AbortController().signal): Call => ({ signal, notify: () => undefined })

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('inParallel', () => {
  it('returns the results in the order of the items, whichever ends first', async () => {
    const ends = [3, 2, 1].map((turns) => async () => {
      for (let turn = 0; turn < turns; turn++) await settle()
      return turns
    })
    expect(await inParallel(ends, 3, newCall(), (end) => end())).toEqual([3, 2, 1])
  })

  it('runs at most as many items at once as the limit', async () => {
    let running = 0
    let most = 0
    await inParallel(Array.from({ length: 20 }), 4, newCall(), async () => {
      most = Math.max(most, ++running)
      await settle()
      running--
    })
    expect(most).toBe(4)
  })

  it('aborts the others at the first failure, and throws it after they ended', async () => {
    const ended: number[] = []
    const failure = new Error('first')
    const all = inParallel([0, 1, 2, 3], 3, newCall(), async (item, { signal }) => {
      if (item === 0) throw failure
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await settle()
      ended.push(item)
      throw new Error('later')
    })
    await expect(all).rejects.toBe(failure)
    expect(ended).toEqual([1, 2])
  })

  it('starts nothing if the call is aborted', async () => {
    const started: number[] = []
    const work = inParallel([1, 2], 2, newCall(AbortSignal.abort(new Error('stop'))), async (item) => {
      started.push(item)
    })
    await expect(work).rejects.toThrow('stop')
    expect(started).toEqual([])
  })
})

describe('KeyedQueue', () => {
  it('runs the work of one key in order and one at a time, also after a failure', async () => {
    const queue = new KeyedQueue()
    const log: string[] = []
    const work = (name: string, failure?: Error) => async () => {
      log.push(`${name} begins`)
      await settle()
      log.push(`${name} ends`)
      if (failure !== undefined) throw failure
    }
    const first = queue.run('a', work('first', new Error('failed')))
    const second = queue.run('a', work('second'))
    await expect(first).rejects.toThrow('failed')
    await second
    expect(log).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
  })

  it('runs the work of different keys at once', async () => {
    const queue = new KeyedQueue()
    const begun: string[] = []
    const never = new Promise<void>(() => undefined)
    for (const key of ['a', 'b']) {
      void queue.run(key, async () => {
        begun.push(key)
        await never
      })
    }
    await settle()
    expect(begun).toEqual(['a', 'b'])
  })
})

describe('OncePerKey', () => {
  it('runs the work of a key once, and returns which call ran it', async () => {
    const once = new OncePerKey<number>()
    let runs = 0
    const work = async (): Promise<number> => {
      await settle()
      return ++runs
    }
    const results = await Promise.all([1, 2, 3].map(() => once.run('a', newCall(), work)))
    expect(results.map(({ result }) => result)).toEqual([1, 1, 1])
    expect(results.map(({ isOwn }) => isOwn)).toEqual([true, false, false])
    expect(await once.run('b', newCall(), work)).toEqual({ result: 2, isOwn: true })
  })

  it('lets the next call run the work after a failure, which only its own call throws', async () => {
    const once = new OncePerKey<string>()
    const first = once.run('a', newCall(), async () => {
      await settle()
      throw new Error('failed')
    })
    const second = once.run('a', newCall(), async () => 'done')
    await expect(first).rejects.toThrow('failed')
    expect(await second).toEqual({ result: 'done', isOwn: true })
  })

  it('ends a waiting call at once if that is aborted', async () => {
    const once = new OncePerKey<string>()
    const release = Promise.withResolvers<string>()
    const first = once.run('a', newCall(), () => release.promise)
    const abort = new AbortController()
    const second = once.run('a', newCall(abort.signal), async () => 'second')
    abort.abort(new Error('stop'))
    await expect(second).rejects.toThrow('stop')
    release.resolve('first')
    expect(await first).toEqual({ result: 'first', isOwn: true })
  })
})
