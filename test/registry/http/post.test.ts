import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { createPoster, parsePostUrl, type Poster, type PostOptions } from '../../../src/registry/http/post.ts'
import { notedCall } from '../../support/http-world.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { reply, type Script, type ScriptedServer, scriptedServer } from '../../support/scripted-server.ts'

interface World {
  readonly server: ScriptedServer
  readonly poster: Poster
  readonly clock: ManualClock
}

async function world(script: Script, options: Partial<PostOptions> = {}): Promise<World> {
  const server = await scriptedServer(script)
  const clock = manualClock()
  const poster = createPoster({ userAgent: 'dray/test', clock, ...options })
  onTestFinished(async () => {
    await poster.close()
    await server[Symbol.asyncDispose]()
  })
  return { server, poster, clock }
}

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const body = Buffer.from('{"a":"ü"}')
const at = (server: ScriptedServer, path: string): URL => new URL(path, server.origin)

describe('a POST', () => {
  it('sends the unchanged bytes and headers to path and query without credentials', async () => {
    const { server, poster } = await world((_request, response) => reply(response, 202, {}, 'thanks'))
    const headers = { 'content-type': 'application/x', 'x-dray-delivery': '1' }
    expect(await poster.post(at(server, '/in/a?b=c#d'), headers, body, notedCall())).toEqual({ status: 202 })
    expect(server.seen).toHaveLength(1)
    expect(server.seen[0]).toMatchObject({ method: 'POST', path: '/in/a?b=c', body })
    expect(server.seen[0]?.headers).toMatchObject({
      ...headers,
      'content-length': String(body.byteLength),
      'user-agent': 'dray/test',
    })
    expect(server.seen[0]?.headers.authorization).toBeUndefined()
  })

  it.each([301, 302, 307, 308])('does not follow a redirect: %i', async (status) => {
    const { server, poster } = await world((_request, response) =>
      reply(response, status, { location: '/elsewhere' }),
    )
    expect(await poster.post(at(server, '/'), {}, body, notedCall())).toEqual({ status })
    expect(server.seen).toHaveLength(1)
  })

  it.each([
    ['17', 17_000],
    ['Mon, 23 Nov 2026 00:00:05 GMT', 5_000],
    ['soon', undefined],
  ])('returns the Retry-After of the answer: %s', async (value, retryAfterMs) => {
    const { server, poster } = await world((_request, response) =>
      reply(response, 503, { 'retry-after': value }),
    )
    expect(await poster.post(at(server, '/'), {}, body, notedCall())).toEqual({
      status: 503,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    expect(server.seen).toHaveLength(1)
  })

  it('uses one connection for many requests, and discards short answers', async () => {
    const { server, poster } = await world((_request, response) => reply(response, 200, {}, 'ok'))
    for (let i = 0; i < 5; i++) await poster.post(at(server, '/'), {}, body, notedCall())
    expect(server.connections()).toBe(1)
  })

  it('gives up after 10 s without an answer', async () => {
    const arrived = Promise.withResolvers<void>()
    const { server, poster, clock } = await world(() => arrived.resolve())
    const error = caught(poster.post(at(server, '/secret'), {}, body, notedCall()))
    await arrived.promise
    await clock.advance(10_000)
    expect(await error).toMatchObject({
      code: 'timeout',
      message: `${server.host} did not answer within 10 s`,
      subject: server.origin,
    })
  })

  it('waits at most 10 s for the rest of an answer', async () => {
    const { server, poster, clock } = await world((_request, response) => {
      response.writeHead(200)
      response.write('and so on')
    })
    const hasStatus = Promise.withResolvers<void>()
    const seen = (): void => hasStatus.resolve()
    subscribe('undici:request:headers', seen)
    onTestFinished(() => void unsubscribe('undici:request:headers', seen))
    const answer = poster.post(at(server, '/'), {}, body, notedCall())
    await hasStatus.promise
    await clock.advance(10_000)
    expect(await answer).toEqual({ status: 200 })
  })

  it('keeps no timer after its answer', async () => {
    const { server, poster, clock } = await world((_request, response) => reply(response, 200))
    await poster.post(at(server, '/'), {}, body, notedCall())
    const before = clock.now()
    await clock.advance(60_000)
    expect(clock.now() - before).toBe(60_000)
    expect(await poster.post(at(server, '/'), {}, body, notedCall())).toEqual({ status: 200 })
  })

  it('ends with the reason of its signal', async () => {
    const arrived = Promise.withResolvers<void>()
    const { server, poster } = await world(() => arrived.resolve())
    const call = notedCall()
    const error = caught(poster.post(at(server, '/'), {}, body, call))
    await arrived.promise
    call.abort(new DrayError('interrupted', 'enough'))
    expect(await error).toMatchObject({ code: 'interrupted', message: 'enough' })
  })

  it('fails without a hint about registries if the receiver does not listen', async () => {
    const { server, poster } = await world(() => undefined)
    await server[Symbol.asyncDispose]()
    const error = await caught(poster.post(at(server, '/secret?token=secret'), {}, body, notedCall()))
    expect(error).toMatchObject({ code: 'network', message: `cannot connect to ${server.host}` })
    expect(error).toMatchObject({ hint: undefined })
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  it('reports only the scheme and host of the request', async () => {
    const { server, poster } = await world((_request, response) => reply(response, 200))
    const call = notedCall()
    await poster.post(at(server, '/secret?secret=1#secret'), {}, body, call)
    expect(call.events).toEqual([{ kind: 'request', method: 'POST', url: server.origin, status: 200, ms: 0 }])
  })
})

describe('the URL of a POST', () => {
  it.each([
    'https://hooks.example.com/services/secret',
    'http://127.0.0.1:8080/x',
    'http://[::1]/x',
    'http://localhost/x',
  ])('may be %s', (text) => {
    expect(parsePostUrl(text, false).href).toBe(new URL(text).href)
  })

  it('may be plain http to another host with `insecure`', () => {
    expect(parsePostUrl('http://hooks.internal/x', true).href).toBe('http://hooks.internal/x')
  })

  it.each([
    'hooks.example.com/canary',
    'canary',
    '',
    'canary:canary',
    'ftp://h/canary',
    'http://hooks.example.com/canary?canary',
    'https://user:canary@hooks.example.com/',
    'https://canary@127.0.0.1/',
    'http://127.0.0.1.nip.io/canary',
    'http://localhost.example.com/canary',
  ])('may not be "%s", and is not repeated', (text) => {
    const refusal = ((): unknown => {
      try {
        return parsePostUrl(text, false)
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toBeInstanceOf(DrayError)
    const { code, message, why, hint, subject } = refusal as DrayError
    expect(code).toBe('config')
    expect(JSON.stringify({ message, why, hint, subject })).not.toContain('canary')
  })

  it('is checked again before use, and nothing is sent over plain http', async () => {
    const { server, poster } = await world((_request, response) => reply(response, 200))
    const { port } = new URL(server.origin)
    const error = await caught(poster.post(new URL(`http://0.0.0.0:${port}/`), {}, body, notedCall()))
    expect(error).toMatchObject({ code: 'config' })
    expect(server.seen).toHaveLength(0)
  })

  it('is sent over plain http with `insecure`', async () => {
    const { server, poster } = await world((_request, response) => reply(response, 200), { insecure: true })
    const { port } = new URL(server.origin)
    expect(await poster.post(new URL(`http://0.0.0.0:${port}/`), {}, body, notedCall())).toEqual({
      status: 200,
    })
  })
})
