import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../../src/lib/errors.ts'
import { Bandwidth } from '../../../../src/registry/http/bodies/bandwidth.ts'
import { createFetch } from '../../../../src/registry/http/stack.ts'
import { createTransport, type Transport } from '../../../../src/registry/http/transport/transport.ts'
import { notedCall, requestOf, streamBody } from '../../../support/http-world.ts'
import { image } from '../../../support/images.ts'
import { leapingClock, type ManualClock, manualClock } from '../../../support/manual-clock.ts'
import { bench, promote, repository } from '../../../support/promotion.ts'
import { reply, type Script, scriptedServer } from '../../../support/scripted-server.ts'
import { watchedRegistry } from '../../../support/world.ts'

const kib = 1024
const body = Buffer.alloc(700 * kib, 'dray')

/** Answers with the body, and accepts any. */
const blobs: Script = (request, response) =>
  request.method === 'GET' ? reply(response, 200, {}, body) : reply(response, 201)

interface World extends AsyncDisposable {
  readonly origin: string
  readonly transport: Transport
  readonly bandwidth: Bandwidth
  readonly clock: ManualClock
  /** the bodies that arrived */
  readonly arrived: () => readonly Buffer[]
}

/** A transport with the bandwidth, which has one manual clock with it. */
async function world(script: Script, bytesPerSecond: number): Promise<World> {
  const server = await scriptedServer(script)
  const clock = manualClock()
  const bandwidth = new Bandwidth(bytesPerSecond, clock)
  const transport = createTransport({ settings: new Map(), userAgent: 'dray/test', clock, bandwidth })
  return {
    origin: server.origin,
    transport,
    bandwidth,
    clock,
    arrived: () => server.seen.map((request) => request.body),
    [Symbol.asyncDispose]: async () => {
      await transport.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Ends `work` by advancing the clock, one second at a time. */
async function advanceUntil<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const state = { isOver: false }
  const over = (): void => {
    state.isOver = true
  }
  work.then(over, over)
  while (!state.isOver) await clock.advance(1000)
  return await work
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

const upload = (origin: string, chunk: number) =>
  requestOf(origin, {
    method: 'PUT',
    lane: 'upload',
    body: streamBody(body.byteLength, function* () {
      for (let at = 0; at < body.byteLength; at += chunk) yield body.subarray(at, at + chunk)
    }),
  })

describe('bodies with a limit on their bandwidth', () => {
  it.each([
    ['small', 700],
    ['large', 512 * kib],
  ])('pass unchanged at that rate, 8 downloads and 8 uploads in %s chunks at once', async (_name, chunk) => {
    await using server = await scriptedServer(blobs)
    const clock = leapingClock()
    const rate = 2 * kib * kib
    const begin = clock.now()
    const transport = createTransport({
      settings: new Map(),
      userAgent: 'dray/test',
      bandwidth: new Bandwidth(rate, clock),
    })
    const eight = Array.from({ length: 8 })
    const downloads = eight.map(async () => {
      const response = await transport.fetch(requestOf(server.origin, { lane: 'download' }), notedCall())
      return await response.bytes(body.byteLength)
    })
    const uploads = eight.map(async () => {
      const response = await transport.fetch(upload(server.origin, chunk), notedCall())
      await response.discard()
      return response.status
    })
    for (const bytes of await Promise.all(downloads)) expect(body.equals(bytes)).toBe(true)
    expect(await Promise.all(uploads)).toEqual(eight.map(() => 201))
    const puts = server.seen.filter(({ method }) => method === 'PUT')
    expect(puts.map(({ body: arrived }) => body.equals(arrived))).toEqual(eight.map(() => true))
    await transport.close()
    const measured = (16 * body.byteLength) / ((clock.now() - begin) / 1000)
    expect(measured / rate).toBeGreaterThan(0.95)
    expect(measured / rate).toBeLessThan(1.05)
  })

  it('are not stalled while they wait for it, however long that is', async () => {
    await using w = await world(blobs, 4 * kib)
    w.bandwidth.spend(4 * kib * 3600)
    const source = async () => {
      const { body: bytes } = await w.transport.fetch(requestOf(w.origin, { lane: 'download' }), notedCall())
      return bytes
    }
    const copy = w.transport.fetch(
      requestOf(w.origin, {
        method: 'PUT',
        lane: 'upload',
        body: { kind: 'stream', size: body.byteLength, open: source },
      }),
      notedCall(),
    )
    const plain = w.transport.fetch(upload(w.origin, 512 * kib), notedCall())
    const [copied, uploaded] = await advanceUntil(w.clock, Promise.all([copy, plain]))
    expect([copied.status, uploaded.status]).toEqual([201, 201])
    expect(w.arrived().filter((arrived) => body.equals(arrived))).toHaveLength(2)
  })

  it('are still stalled if the server sends nothing', async () => {
    await using w = await world((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).flushHeaders()
    }, 100 * kib)
    const response = await w.transport.fetch(requestOf(w.origin, { lane: 'download' }), notedCall())
    const read = response.bytes(100)
    const failed = failure(read)
    await w.clock.advance(61_000)
    expect(await failed).toMatchObject({ code: 'timeout' })
  })

  it('end at once with the reason of a cancelled call, in both directions', async () => {
    await using w = await world(blobs, 1)
    const call = notedCall()
    const response = await w.transport.fetch(requestOf(w.origin, { lane: 'download' }), call)
    const down = failure(response.bytes(body.byteLength))
    const up = failure(w.transport.fetch(upload(w.origin, 64 * kib), call))
    await w.clock.sleepers(1)
    call.abort(new DrayError('interrupted', 'stopped'))
    expect(await down).toMatchObject({ code: 'interrupted' })
    expect(await up).toMatchObject({ code: 'interrupted' })
  })

  it('do not wait if their rest is not needed, and count for those after them', async () => {
    await using w = await world((_request, response) => reply(response, 200, {}, 'x'.repeat(1000)), 100)
    const response = await w.transport.fetch(requestOf(w.origin), notedCall())
    await response.discard()
    let isOver = false
    const next = w.bandwidth.take(1, new AbortController().signal)?.then(() => {
      isOver = true
    })
    await w.clock.advance(9_900)
    expect(isOver).toBe(false)
    await w.clock.advance(200)
    await next
  })

  it('count again for each attempt of a request', async () => {
    const clock = leapingClock()
    let failures = 3
    await using server = await scriptedServer((_request, response) =>
      reply(response, failures-- > 0 ? 503 : 201),
    )
    const begin = clock.now()
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => undefined,
      userAgent: 'dray/test',
      clock: leapingClock(),
      bandwidth: new Bandwidth(1000, clock),
    })
    const bytes = Buffer.alloc(10_000)
    const request = requestOf(server.origin, { method: 'PUT', body: { kind: 'bytes', bytes } })
    expect((await stack.fetch(request, notedCall())).status).toBe(201)
    await stack.close()
    expect(server.seen).toHaveLength(4)
    expect((clock.now() - begin) / 40_000).toBeCloseTo(1, 1)
  })

  it('report each byte of a copy once', async () => {
    await using from = await watchedRegistry()
    await using to = await watchedRegistry()
    const content = image({ layers: 3, layerSize: 300_000 })
    await from.oracle.push(content, 'api', '1.4.2')
    await using run = await bench({ bandwidth: new Bandwidth(256 * kib, leapingClock()) })
    const outcome = await promote(run, { from: repository(from, 'api'), to: [repository(to, 'api')] })
    expect(outcome.steps.map(({ result }) => result)).not.toContain('failed')
    const bytes = new Map<string, number>()
    for (const event of run.events)
      if (event.kind === 'bytes') bytes.set(event.digest, (bytes.get(event.digest) ?? 0) + event.bytes)
    for (const [digest, blob] of content.blobs) expect(bytes.get(digest)).toBe(blob.byteLength)
  })
})
