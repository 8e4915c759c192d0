import { describe, expect, it } from 'vitest'
import { createFetch, type FetchStack } from '../../../src/registry/http/stack.ts'
import { notedCall, requestOf, streamBody } from '../../support/http-world.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { reply, type Script, type ScriptedServer, scriptedServer } from '../../support/scripted-server.ts'

interface World extends AsyncDisposable {
  readonly server: ScriptedServer
  readonly stack: FetchStack
}

async function world(script: Script): Promise<World> {
  const server = await scriptedServer(script)
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => ({ kind: 'basic', username: 'ada', password: 'canary-secret' }),
    userAgent: 'dray/test',
    clock: leapingClock(),
    random: () => 0.5,
  })
  return {
    server,
    stack,
    [Symbol.asyncDispose]: async () => {
      await stack.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('the stack', () => {
  it('answers a challenge, follows a redirect, retries a 503, and reports them without secrets', async () => {
    let failures = 1
    await using w = await world((request, response) => {
      if (request.headers.authorization === undefined && request.path !== '/signed?X-Sig=canary-sig')
        return reply(response, 401, { 'www-authenticate': 'Basic realm="here"' })
      if (request.path === '/signed?X-Sig=canary-sig' && failures-- > 0) return reply(response, 503)
      if (request.path === '/blob') return reply(response, 307, { location: '/signed?X-Sig=canary-sig' })
      return reply(response, 200, {}, 'bytes')
    })
    const call = notedCall()
    const response = await w.stack.fetch(requestOf(`${w.server.origin}/blob`, { lane: 'download' }), call)
    expect(Buffer.from(await response.bytes(10)).toString()).toBe('bytes')
    expect(call.events.map((event) => (event.kind === 'request' ? event.status : event.kind))).toEqual([
      401,
      307,
      503,
      'retry',
      307,
      200,
    ])
    expect(JSON.stringify(call.events)).not.toContain('canary')
  })

  it('finishes 32 copies within one host, each with a download and an upload', async () => {
    const layer = Buffer.alloc(300_000, 'x')
    await using w = await world((request, response) => {
      if (request.method === 'GET') return reply(response, 200, {}, layer)
      return reply(response, request.body.byteLength === layer.byteLength ? 201 : 400)
    })
    const call = notedCall()
    const statuses = await Promise.all(
      Array.from({ length: 32 }, async (_, index) => {
        const body = streamBody(layer.byteLength, async function* () {
          const source = requestOf(`${w.server.origin}/from/${index}`, { lane: 'download' })
          yield* (await w.stack.fetch(source, call)).body
        })
        const target = requestOf(`${w.server.origin}/to/${index}`, {
          method: 'PUT',
          replay: 'never',
          lane: 'upload',
          body,
        })
        const response = await w.stack.fetch(target, call)
        await response.discard()
        return response.status
      }),
    )
    expect(statuses).toEqual(Array.from({ length: 32 }, () => 201))
  })
})
