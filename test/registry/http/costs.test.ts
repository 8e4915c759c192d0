import { afterEach, describe, expect, it, vi } from 'vitest'
import { createFetch, type FetchStack } from '../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { reply, scriptedServer } from '../../support/scripted-server.ts'

const atOnce = 8
const requests = 40

/** Sends requests as a promotion does: some at once, and each reads its answer. */
async function send(stack: FetchStack, origin: string, call: ReturnType<typeof notedCall>): Promise<void> {
  let rest = requests
  const lane = async (): Promise<void> => {
    while (rest-- > 0) {
      const isRead = rest % 2 === 0
      const request = requestOf(`${origin}/v2/a`, { method: isRead ? 'GET' : 'HEAD' })
      const response = await stack.fetch(request, call)
      if (isRead) expect(await response.bytes(10)).toHaveLength(1)
      else await response.discard()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

/** Runs the requests of one run, from the first connection to the end of all. */
async function run(call = notedCall()): Promise<number> {
  await using server = await scriptedServer((request, response) =>
    request.path === '/v2/a' ? reply(response, 200, {}, 'x') : reply(response, 404),
  )
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => undefined,
    userAgent: 'dray/test',
  })
  await send(stack, server.origin, call)
  await stack.close()
  return server.connections()
}

describe('a request costs', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('no stack of an error', async () => {
    const formatted: string[] = []
    const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
    Error.prepareStackTrace = (error) => {
      formatted.push(String(error))
      return ''
    }
    try {
      await run()
    } finally {
      Object.defineProperty(Error, 'prepareStackTrace', before ?? { value: undefined })
    }
    expect(formatted).toEqual([])
  })

  it('no signal that is aborted without a reason, which would be an error with a stack', async () => {
    const abort = vi.spyOn(AbortController.prototype, 'abort')
    await run()
    expect(abort.mock.calls.filter(([reason]) => reason === undefined)).toEqual([])
  })

  it('one listener on its signal', async () => {
    const call = notedCall()
    const listen = vi.spyOn(call.signal, 'addEventListener')
    await run(call)
    // The search for credentials is shared: each of the first requests waits for it.
    expect(listen.mock.calls.length).toBeLessThanOrEqual(requests + atOnce)
  })

  it('one turn of the event loop in addition to those of undici', async () => {
    const own: string[] = []
    const { setImmediate } = globalThis
    vi.spyOn(globalThis, 'setImmediate').mockImplementation((...call: Parameters<typeof setImmediate>) => {
      const caller = new Error('called').stack ?? ''
      if (/[\\/]src[\\/]/.test(caller)) own.push(caller)
      return setImmediate(...call)
    })
    await run()
    expect(own).toHaveLength(requests)
  })

  it('no connection if another one is free', async () => {
    expect(await run()).toBeLessThanOrEqual(atOnce)
  })
})
