import { describe, expect, it } from 'vitest'
import type { Fetch, RegistryRequest, RegistryResponse } from '../../../src/registry/http/fetch.ts'
import { HostGates } from '../../../src/registry/http/host-gate.ts'
import { IncomingBody } from '../../../src/registry/http/bodies/incoming-body.ts'
import { limit } from '../../../src/registry/http/limit.ts'
import { createResponse } from '../../../src/registry/http/response.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'

const url = 'https://r.test/v2/a'
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A server that answers one request at a time when the test says so. */
function handServer(): {
  fetch: Fetch
  /** the requests without an answer */
  open: ((status?: number) => void)[]
  most: () => number
} {
  const open: ((status?: number) => void)[] = []
  let most = 0
  return {
    open,
    most: () => most,
    fetch: (request) =>
      new Promise((resolve) => {
        open.push((status = 200) => resolve(answer(request, status)))
        most = Math.max(most, open.length)
      }),
  }
}

function answer(request: RegistryRequest, status: number): RegistryResponse {
  const body = new IncomingBody({ pause: () => undefined, resume: () => undefined, cancel: () => undefined })
  body.push(Buffer.from('x'))
  body.end()
  return createResponse({ status, headers: new Map(), url: request.url, body })
}

const limited = (next: Fetch, concurrency = 4): Fetch =>
  limit(new Map([['r.test', { concurrency }]]), new HostGates(manualClock(), 1000))(next)

describe('the limiter', () => {
  it('sends a limited number of small requests at once, and the next one after response headers', async () => {
    const server = handServer()
    const fetch = limited(server.fetch)
    const all = Array.from({ length: 6 }, () => fetch(requestOf(url), notedCall()))
    await turns()
    expect(server.open).toHaveLength(4)
    server.open.shift()?.()
    await turns()
    expect(server.open).toHaveLength(4)
    while (server.open.length > 0) {
      server.open.shift()?.()
      await turns()
    }
    expect((await Promise.all(all)).map((one) => one.status)).toEqual([200, 200, 200, 200, 200, 200])
  })

  it('counts each registry separately', async () => {
    const server = handServer()
    const fetch = limited(server.fetch, 1)
    void fetch(requestOf(url), notedCall())
    void fetch(requestOf('https://other.test/'), notedCall())
    await turns()
    expect(server.open).toHaveLength(2)
  })

  it.each([
    ['read to its end', async (response: RegistryResponse) => void (await response.bytes(10))],
    ['discarded', async (response: RegistryResponse) => response.discard()],
    [
      'left in the middle',
      async (response: RegistryResponse) => {
        for await (const chunk of response.body) if (chunk.byteLength > 0) break
      },
    ],
  ])('holds the slot of a download until its body is %s', async (_name, finish) => {
    const server = handServer()
    const fetch = limited(server.fetch, 2)
    const first = fetch(requestOf(url, { lane: 'download' }), notedCall())
    const second = fetch(requestOf(url, { lane: 'download' }), notedCall())
    await turns()
    server.open.shift()?.()
    const response = await first
    await turns()
    expect(server.open).toHaveLength(0)
    await finish(response)
    await turns()
    expect(server.open).toHaveLength(1)
    server.open.shift()?.()
    await (await second).discard()
  })

  it('halves its limit after 429, once for all requests in progress, and raises it again', async () => {
    const server = handServer()
    const fetch = limited(server.fetch, 8)
    const send = (count: number): void => {
      for (let index = 0; index < count; index++) void fetch(requestOf(url), notedCall())
    }
    send(8)
    await turns()
    for (const give of server.open.splice(0)) give(429)
    await turns()
    send(20)
    await turns()
    expect(server.open).toHaveLength(4)
    for (let round = 0; round < 100; round++) {
      for (const give of server.open.splice(0)) give()
      send(1)
      await turns()
    }
    send(20)
    await turns()
    expect(server.open).toHaveLength(8)
  })

  it('keeps no slot for a request that is aborted while it waits', async () => {
    const server = handServer()
    const fetch = limited(server.fetch, 1)
    void fetch(requestOf(url), notedCall())
    const call = notedCall()
    const given = fetch(requestOf(url), call)
    const third = fetch(requestOf(url), notedCall())
    call.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    server.open.shift()?.()
    await turns()
    server.open.shift()?.()
    expect((await third).status).toBe(200)
  })

  it('frees the slot of a request that fails', async () => {
    const fetch = limited(() => Promise.reject(new Error('broken')), 1)
    for (let turn = 0; turn < 3; turn++)
      await expect(fetch(requestOf(url, { lane: 'upload' }), notedCall())).rejects.toThrow('broken')
  })

  it('finishes 32 copies within one registry, each with a download and an upload', async () => {
    const fetch: Fetch = limited(async (request, call) => {
      if (request.body?.kind === 'stream') {
        let size = 0
        for await (const chunk of await request.body.open()) size += chunk.byteLength
        return answer(request, size === 1 ? 201 : 400)
      }
      call.signal.throwIfAborted()
      return answer(request, 200)
    }, 2)
    const copy = async (): Promise<number> => {
      const open = async (): Promise<AsyncIterable<Uint8Array>> =>
        (await fetch(requestOf(url, { lane: 'download' }), notedCall())).body
      const body = { kind: 'stream', size: 1, open } as const
      const response = await fetch(requestOf(url, { method: 'PUT', lane: 'upload', body }), notedCall())
      return response.status
    }
    expect(await Promise.all(Array.from({ length: 32 }, copy))).toEqual(Array.from({ length: 32 }, () => 201))
  })
})
