import { describe, expect, it } from 'vitest'
import { createFetch, type FetchStack } from '../../../src/registry/http/stack.ts'
import type { RegistrySettings } from '../../../src/registry/http/transport/origins.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { reply, type ScriptedServer, scriptedServer } from '../../support/scripted-server.ts'
import { testAuthority, testCertificate } from '../../support/tls.ts'

interface World extends AsyncDisposable {
  readonly server: ScriptedServer
  readonly stack: FetchStack
}

const stackFor = (settings: ReadonlyMap<string, RegistrySettings>): FetchStack =>
  createFetch({
    settings,
    credentials: async () => undefined,
    userAgent: 'dray/test',
    clock: leapingClock(),
  })

async function world(
  settingsOf: (server: ScriptedServer) => ReadonlyMap<string, RegistrySettings>,
): Promise<World> {
  const server = await scriptedServer((_request, response) => reply(response, 200, {}, 'hello'), {
    tls: testCertificate,
  })
  const stack = stackFor(settingsOf(server))
  return {
    server,
    stack,
    [Symbol.asyncDispose]: async () => {
      await stack.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('a registry with a private certificate authority', () => {
  it('is reached over TLS if its authority is configured', async () => {
    await using w = await world((server) => new Map([[server.host, { ca: testAuthority }]]))
    expect(w.stack.origin(w.server.host).href).toBe(`${w.server.origin}/`)
    const response = await w.stack.fetch(requestOf(w.server.origin), notedCall())
    expect(Buffer.from(await response.bytes(10)).toString()).toBe('hello')
  })

  it('is refused at once without its authority, with a hint', async () => {
    await using w = await world(() => new Map())
    const call = notedCall()
    await expect(w.stack.fetch(requestOf(w.server.origin), call)).rejects.toMatchObject({
      code: 'network',
      message: `the certificate of ${w.server.host} is not trusted`,
      hint: expect.stringContaining(`"${w.server.host}": { ca: `),
    })
    expect(call.events).toEqual([])
  })

  it('has an authority that is trusted only for this registry', async () => {
    await using w = await world(() => new Map([['other.test', { ca: testAuthority }]]))
    await expect(w.stack.fetch(requestOf(w.server.origin), notedCall())).rejects.toMatchObject({
      code: 'network',
    })
  })

  it('that answers https in plain http is an error at once, with a hint', async () => {
    await using server = await scriptedServer((_request, response) => reply(response, 200))
    const stack = stackFor(new Map([[server.host, { insecure: false }]]))
    const call = notedCall()
    await expect(stack.fetch(requestOf(`https://${server.host}/`), call)).rejects.toMatchObject({
      code: 'network',
      message: `${server.host} does not accept https`,
      hint: expect.stringContaining(`"${server.host}": { insecure: true }`),
    })
    expect(call.events).toEqual([])
    await stack.close()
  })

  it('that closes a plain http connection is an error with a hint about https', async () => {
    await using w = await world(() => new Map())
    const url = w.server.origin.replace('https:', 'http:')
    await expect(w.stack.fetch(requestOf(url), notedCall())).rejects.toMatchObject({
      code: 'network',
      hint: expect.stringContaining(`"${w.server.host}": { insecure: false }`),
    })
  })
})
