import { getEventListeners, once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../../src/lib/errors.ts'
import { createTransport, type Transport } from '../../../../src/registry/http/transport/transport.ts'
import { notedCall, requestOf, streamBody } from '../../../support/http-world.ts'
import { manualClock } from '../../../support/manual-clock.ts'
import {
  reply,
  type Script,
  type ScriptOptions,
  type ScriptedServer,
  scriptedServer,
} from '../../../support/scripted-server.ts'

interface World extends AsyncDisposable {
  readonly server: ScriptedServer
  readonly transport: Transport
  readonly clock: ReturnType<typeof manualClock>
}

async function world(script: Script, options?: ScriptOptions): Promise<World> {
  const server = await scriptedServer(script, options)
  const clock = manualClock()
  const transport = createTransport({ settings: new Map(), userAgent: 'dray/test', clock })
  return {
    server,
    transport,
    clock,
    [Symbol.asyncDispose]: async () => {
      await transport.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the transport', () => {
  it('requests uncompressed bytes and sends its User-Agent', async () => {
    await using w = await world((_request, response) => reply(response, 200, { 'x-a': ['1', '2'] }, 'abc'))
    const response = await w.transport.fetch(requestOf(`${w.server.origin}/v2/a?b=c`), notedCall())
    expect(Buffer.from(await response.bytes(3)).toString()).toBe('abc')
    expect(response.headers.get('x-a')).toBe('1, 2')
    expect(w.server.seen[0]).toMatchObject({
      method: 'GET',
      path: '/v2/a?b=c',
      headers: { 'accept-encoding': 'identity', 'user-agent': 'dray/test' },
    })
  })

  it('returns compressed bytes unchanged', async () => {
    const body = Uint8Array.of(0x1f, 0x8b, 1, 2, 3)
    await using w = await world((_request, response) =>
      reply(response, 200, { 'content-encoding': 'gzip' }, body),
    )
    const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
    expect(Buffer.from(await response.bytes(100))).toEqual(Buffer.from(body))
  })

  it('uses a connection again, also after HEAD', async () => {
    await using w = await world((_request, response) => reply(response, 200, {}, 'x'))
    for (const method of ['HEAD', 'GET', 'HEAD', 'POST'] as const) {
      const response = await w.transport.fetch(requestOf(w.server.origin, { method }), notedCall())
      await response.discard()
    }
    expect(w.server.connections()).toBe(1)
  })

  it('sends a stream with its length and never in chunks of HTTP', async () => {
    await using w = await world((_request, response) => reply(response, 201))
    const body = streamBody(6, () => [Buffer.from('abc'), Buffer.from('def')])
    const response = await w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall())
    await response.discard()
    expect(w.server.seen[0]?.body.toString()).toBe('abcdef')
    expect(w.server.seen[0]?.headers['content-length']).toBe('6')
    expect(w.server.seen[0]?.headers['transfer-encoding']).toBeUndefined()
  })

  it('sends an empty stream as a body of no bytes', async () => {
    await using w = await world((_request, response) => reply(response, 201))
    const body = streamBody(0, () => [])
    const response = await w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall())
    expect(response.status).toBe(201)
    expect(w.server.seen[0]?.headers['content-length']).toBe('0')
  })

  it.each([
    ['short', ['abc']],
    ['long', ['abc', 'defg']],
  ])('ends with an error and a closed connection if a stream is too %s', async (_name, pieces) => {
    await using w = await world(() => undefined)
    const body = streamBody(6, () => pieces.map((piece) => Buffer.from(piece)))
    const error = await caught(
      w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall()),
    )
    expect(error).toMatchObject({ code: 'corrupt' })
  })

  it('throws the error of a failing source', async () => {
    await using w = await world(() => undefined)
    const body = streamBody(6, async function* () {
      yield Buffer.from('abc')
      throw new DrayError('not-found', 'the layer is gone')
    })
    const error = await caught(
      w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall()),
    )
    expect(error).toMatchObject({ code: 'not-found', message: 'the layer is gone' })
  })

  it('refuses an answer that is larger than the limit of its reader', async () => {
    await using w = await world((_request, response) => {
      response.writeHead(200)
      response.end(Buffer.alloc(2000))
    })
    const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
    expect(await caught(response.bytes(1999))).toMatchObject({ code: 'protocol' })
  })

  it('reports a broken connection if an answer is cut short', async () => {
    await using w = await world((_request, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('abc')
      setImmediate(() => response.destroy())
    })
    const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
    expect(await caught(response.bytes(10))).toMatchObject({ code: 'network' })
  })

  it('reports that it cannot connect if nothing listens', async () => {
    await using w = await world(() => undefined)
    await w.server[Symbol.asyncDispose]()
    const error = await caught(w.transport.fetch(requestOf(w.server.origin), notedCall()))
    expect(error).toMatchObject({ code: 'network', cause: { sent: false, systemCode: 'ECONNREFUSED' } })
  })

  it('ends with the reason of its signal while it waits or reads', async () => {
    await using w = await world((request, response) => {
      if (request.path === '/body') response.writeHead(200, { 'content-length': '10' }).write('abc')
    })
    const waiting = notedCall()
    const pending = caught(w.transport.fetch(requestOf(`${w.server.origin}/none`), waiting))
    await w.clock.sleepers(1)
    waiting.abort(new DrayError('interrupted', 'enough'))
    expect(await pending).toMatchObject({ code: 'interrupted', message: 'enough' })

    const reading = notedCall()
    const response = await w.transport.fetch(requestOf(`${w.server.origin}/body`), reading)
    const rest = caught(response.bytes(10))
    reading.abort(new DrayError('interrupted', 'enough'))
    expect(await rest).toMatchObject({ code: 'interrupted' })
  })
})

describe('the end of a transport', () => {
  // Without it, the connection is closed when undici gives up after 10 s.
  it('closes a connection that is not open yet', { timeout: 8_000 }, async () => {
    // It never answers to TLS.
    const server = createServer((socket) => socket.resume())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const transport = createTransport({ settings: new Map(), userAgent: 'dray/test' })
    const failure = caught(transport.fetch(requestOf(`https://127.0.0.1:${port}/`), notedCall()))
    const [socket] = (await once(server, 'connection')) as [Socket]
    const gone = once(socket, 'close')
    await transport.close()
    await gone
    expect(await failure).toMatchObject({ code: 'network' })
    server.close()
    await once(server, 'close')
  })
})

describe('the watchdog', () => {
  it('has one timer for all requests at once, and none after the last one', async () => {
    const answer = Promise.withResolvers<void>()
    await using w = await world(async (_request, response) => {
      await answer.promise
      reply(response, 200, {}, 'x')
    })
    const requests = Array.from({ length: 40 }, async () => {
      const call = notedCall()
      const response = await w.transport.fetch(requestOf(w.server.origin), call)
      await response.bytes(1)
      expect(getEventListeners(call.signal, 'abort')).toEqual([])
    })
    while (w.server.seen.length < 40) await w.clock.advance(0)
    answer.resolve()
    await Promise.all(requests)
    expect(w.clock.naps).toHaveLength(1)
    expect(w.clock.asleep()).toBe(0)
  })

  it('ends each of several requests at its own time', async () => {
    await using w = await world(() => undefined)
    const began = w.clock.now()
    const ended: Promise<number>[] = []
    for (let number = 0; number < 3; number++) {
      const failed = caught(w.transport.fetch(requestOf(w.server.origin), notedCall()))
      ended.push(failed.then(() => w.clock.now() - began))
      while (w.server.seen.length <= number) await w.clock.advance(0)
      await w.clock.advance(10_000)
    }
    await w.clock.advance(60_000)
    expect(await Promise.all(ended)).toEqual([60_000, 70_000, 80_000])
  })

  it('ends a request without headers after 60 s', async () => {
    await using w = await world(() => undefined)
    const pending = caught(w.transport.fetch(requestOf(w.server.origin), notedCall()))
    while (w.server.seen.length === 0) await w.clock.advance(0)
    await w.clock.advance(59_999)
    await w.clock.advance(1)
    expect(await pending).toMatchObject({ code: 'timeout', cause: { systemCode: 'STALLED' } })
  })

  it('ends a download without a byte for 30 s', async () => {
    await using w = await world((_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('abc')
    })
    const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
    const body = response.body[Symbol.asyncIterator]()
    await body.next()
    const rest = caught(body.next())
    await w.clock.advance(30_000)
    expect(await rest).toMatchObject({ code: 'timeout' })
  })

  it('gives the rest of an unwanted body 5 s, however slow it is', async () => {
    const closed = Promise.withResolvers<void>()
    let more = (): void => undefined
    await using w = await world((_request, response) => {
      response.on('close', closed.resolve)
      response.writeHead(503).write('x')
      more = () => void response.write('x')
    })
    const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
    const state = { over: false }
    const discarded = response.discard().then(() => (state.over = true))
    for (let i = 0; i < 20 && !state.over; i++) {
      more()
      // The byte arrives first, so that the silence does not end the request.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
      await w.clock.advance(4_000)
    }
    expect(state.over).toBe(true)
    await discarded
    await closed.promise
  })

  it('does not end a download with a slow reader', async () => {
    const size = 4 * 1024 * 1024
    await using w = await world((_request, response) => reply(response, 200, {}, Buffer.alloc(size)))
    const response = await w.transport.fetch(requestOf(w.server.origin, { lane: 'download' }), notedCall())
    const body = response.body[Symbol.asyncIterator]()
    let got = (await body.next()).value?.byteLength ?? 0
    for (let turn = 0; turn < 100; turn++) await w.clock.advance(0)
    await w.clock.advance(10 * 60_000)
    for (let next = await body.next(); next.done !== true; next = await body.next())
      got += next.value.byteLength
    expect(got).toBe(size)
  })

  it('ends an upload that the server does not read for 30 s, and closes the source', async () => {
    await using w = await world((_request, _response, raw) => void raw.pause(), { streaming: true })
    let closed = false
    const body = streamBody(1e9, async function* () {
      try {
        for (;;) yield Buffer.alloc(1024 * 1024)
      } finally {
        closed = true
      }
    })
    const pending = caught(
      w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall()),
    )
    while (w.server.seen.length === 0) await w.clock.advance(0)
    for (let turn = 0; turn < 200; turn++) await w.clock.advance(0)
    await w.clock.advance(30_000)
    expect(await pending).toMatchObject({ code: 'timeout' })
    expect(closed).toBe(true)
  })

  it('ends an upload with a silent source after 6 minutes, with an error about the source', async () => {
    await using w = await world(() => undefined, { streaming: true })
    const body = streamBody(100, async function* () {
      yield Buffer.alloc(10)
      await new Promise(() => undefined)
    })
    const pending = caught(
      w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall()),
    )
    while (w.server.seen.length === 0) await w.clock.advance(0)
    await w.clock.advance(6 * 60_000)
    expect(await pending).toMatchObject({
      code: 'timeout',
      message: `the source of an upload to ${w.server.host} stalled`,
    })
  })

  it('does not count the time before the first byte of a source', async () => {
    await using w = await world((_request, response) => reply(response, 201))
    const { promise, resolve } = Promise.withResolvers<AsyncIterable<Uint8Array>>()
    const body = { kind: 'stream', size: 0, open: () => promise } as const
    const pending = w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall())
    await w.clock.advance(60 * 60_000)
    resolve(
      (async function* () {
        // The source has no bytes.
      })(),
    )
    expect((await pending).status).toBe(201)
  })
})

describe('a source that is never read', () => {
  it('is closed', async () => {
    await using w = await world(() => undefined)
    await w.server[Symbol.asyncDispose]()
    const { promise, resolve } = Promise.withResolvers<void>()
    const body = streamBody(10, async function* () {
      try {
        yield Buffer.alloc(10)
      } finally {
        resolve()
      }
    })
    const error = await caught(
      w.transport.fetch(requestOf(w.server.origin, { method: 'PUT', body }), notedCall()),
    )
    expect(error).toMatchObject({ code: 'network' })
    await promise
  })
})
