import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Clock } from '../../../../src/lib/clock.ts'
import type { RegistrySettings } from '../../../../src/registry/http/transport/origins.ts'
import { proxyFor } from '../../../../src/registry/http/transport/proxy.ts'
import { createFetch } from '../../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../../support/http-world.ts'
import { leapingClock } from '../../../support/manual-clock.ts'
import { testProxy } from '../../../support/proxy.ts'
import { reply, scriptedServer } from '../../../support/scripted-server.ts'
import { testAuthority, testCertificate } from '../../../support/tls.ts'

const of = (address: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(address), env)?.url.host

describe('the proxy for a URL', () => {
  it.each([
    ['https://r.test/', { HTTPS_PROXY: 'http://p.test:3128' }, 'p.test:3128'],
    ['https://r.test/', { HTTPS_PROXY: 'p.test:3128' }, 'p.test:3128'],
    ['https://r.test/', { https_proxy: 'http://small.test', HTTPS_PROXY: 'http://large.test' }, 'small.test'],
    ['https://r.test/', { HTTP_PROXY: 'http://p.test' }, undefined],
    ['http://r.test/', { HTTP_PROXY: 'http://p.test' }, 'p.test'],
    ['http://r.test/', { HTTP_PROXY: 'http://p.test', REQUEST_METHOD: 'GET' }, undefined],
    ['http://r.test/', { http_proxy: 'http://p.test', REQUEST_METHOD: 'GET' }, 'p.test'],
    ['https://r.test/', { ALL_PROXY: 'http://p.test' }, 'p.test'],
    ['https://r.test/', { HTTPS_PROXY: ' ' }, undefined],
    ['https://localhost:5000/', { HTTPS_PROXY: 'http://p.test' }, undefined],
    ['https://127.3.2.1/', { HTTPS_PROXY: 'http://p.test' }, undefined],
    ['https://[::1]/', { HTTPS_PROXY: 'http://p.test' }, undefined],
  ])('%s with %j is %s', (url, env, proxy) => {
    expect(of(url, env)).toBe(proxy)
  })

  it.each([
    ['https://r.example.com/', 'example.com', true],
    ['https://example.com/', 'example.com', true],
    ['https://badexample.com/', 'example.com', false],
    ['https://r.example.com/', '.example.com', true],
    ['https://example.com/', '.example.com', false],
    ['https://r.example.com/', '*.example.com', true],
    ['https://R.Example.COM/', 'EXAMPLE.com', true],
    ['https://r.example.com/', '*', true],
    ['https://r.example.com/', 'a.test, , r.example.com', true],
    ['https://r.example.com:5000/', 'example.com:5000', true],
    ['https://r.example.com:5001/', 'example.com:5000', false],
    ['https://r.example.com/', 'example.com:443', true],
    ['https://10.1.2.3/', '10.0.0.0/8', true],
    ['https://11.1.2.3/', '10.0.0.0/8', false],
    ['https://10.1.2.3:5000/', '10.1.2.3', true],
    ['https://10.1.2.3:5000/', '10.1.2.3:5001', false],
    ['https://[fd00::1]/', 'fd00::/8', true],
    ['https://[fe80::1]/', 'fd00::/8', false],
    ['https://[fd00::1]:5000/', '[fd00::1]:5000', true],
    ['https://[fd00::1]/', 'fd00:0:0::1', true],
    ['https://10.1.2.3/', '10.0.0.0/99', false],
    ['https://10.1.2.3/', '10.0.0.0/8/8', false],
    ['https://r.example.com/', 'com', true],
    ['https://10.1.2.3/', '3', false],
  ])('is bypassed for %s with NO_PROXY=%s: %s', (address, noProxy, isBypassed) => {
    const env = { HTTPS_PROXY: 'http://p.test', NO_PROXY: noProxy }
    expect(of(address, env) === undefined).toBe(isBypassed)
  })

  it.each([
    ['socks5://ada:canary@p.test:1080', 'unsupported protocol socks5'],
    ['http://', 'is not a proxy URL'],
    ['http://ada:canary@:99999', 'is not a proxy URL'],
    ['http://ada:canary%zz@p.test', 'is not a proxy URL'],
  ])('%s is an error without the password', (text, message) => {
    const find = (): unknown => proxyFor(new URL('https://r.test/'), { HTTPS_PROXY: text })
    expect(find).toThrow(message)
    expect(find).not.toThrow(/canary/)
  })
})

/** A registry that is reachable only through the proxy. */
async function world(
  options: {
    name?: string
    tls?: boolean
    answer?: number | 'hang'
    user?: string
    settings?: RegistrySettings
  } = {},
) {
  const server = await scriptedServer((_request, response) => reply(response, 200, {}, 'hello'), {
    ...(options.tls !== false && { tls: testCertificate }),
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const proxy = await testProxy(server.host, options.answer)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  const registry = options.name ?? (options.tls === false ? 'registry.test:5000' : 'localhost.test:5000')
  const url = new URL(`http://${options.user ?? ''}${proxy.host}`)
  const stack = createFetch({
    settings: new Map([
      [
        registry,
        { ca: testAuthority, ...(options.tls === false && { insecure: true }), ...options.settings },
      ],
    ]),
    credentials: async () => undefined,
    userAgent: 'dray/test',
    clock: leapingClock(),
    random: () => 0,
    proxy: () => ({ url, variable: 'HTTPS_PROXY' }),
  })
  onTestFinished(() => stack.close())
  return { server, proxy, registry, stack }
}

describe('a registry behind a proxy', () => {
  it('over plain http gets complete URLs, and the proxy only its own credentials', async () => {
    const w = await world({ tls: false, user: 'ada:canary@' })
    const response = await w.stack.fetch(
      requestOf(`http://${w.registry}/v2/?a=b`, { registry: w.registry }),
      notedCall(),
    )
    expect(Buffer.from(await response.bytes(10)).toString()).toBe('hello')
    expect(w.proxy.seen).toMatchObject([
      {
        method: 'GET',
        target: `http://${w.registry}/v2/?a=b`,
        headers: {
          host: w.registry,
          'proxy-authorization': `Basic ${Buffer.from('ada:canary').toString('base64')}`,
        },
      },
    ])
  })

  it('over https gets a tunnel that hides paths and credentials from the proxy and its own from the registry', async () => {
    const w = await world({ user: 'ada:canary@' })
    const call = notedCall()
    // The certificate is for another name, and the one of the registry is checked in the tunnel.
    await expect(
      w.stack.fetch(
        requestOf(`https://${w.registry}/v2/secret`, {
          registry: w.registry,
          headers: { authorization: 'Basic c2VjcmV0' },
        }),
        call,
      ),
    ).rejects.toMatchObject({ message: expect.stringContaining('certificate of localhost.test:5000') })
    expect(w.proxy.seen).toMatchObject([{ method: 'CONNECT', target: 'localhost.test:5000' }])
    expect(w.proxy.seen[0]?.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('ada:canary').toString('base64')}`,
    )
    expect(JSON.stringify(w.proxy.seen)).not.toMatch(/secret|c2VjcmV0/)
    expect(call.events).toContainEqual({
      kind: 'proxied',
      origin: `https://${w.registry}`,
      proxy: `http://${w.proxy.host}`,
      variable: 'HTTPS_PROXY',
    })
    expect(JSON.stringify(call.events)).not.toContain('canary')
  })

  it('over https uses one tunnel for several requests', async () => {
    const w = await world({ name: 'localhost:5000' })
    for (let i = 0; i < 3; i++) {
      const response = await w.stack.fetch(
        requestOf('https://localhost:5000/v2/', { registry: w.registry }),
        notedCall(),
      )
      expect(Buffer.from(await response.bytes(10)).toString()).toBe('hello')
    }
    expect(w.proxy.seen).toMatchObject([{ method: 'CONNECT', target: 'localhost:5000' }])
    expect(w.server.seen).toHaveLength(3)
  })

  it.each([
    [407, 1, 'USER:PASSWORD'],
    [403, 1, 'NO_PROXY'],
    [502, 4, 'NO_PROXY'],
  ])(
    'that answers %i to CONNECT gets %i attempts, and the error names its variable',
    async (answer, attempts, hint) => {
      const w = await world({ answer, user: 'ada:canary@' })
      const sending = w.stack.fetch(
        requestOf(`https://${w.registry}/v2/`, { registry: w.registry }),
        notedCall(),
      )
      const error: unknown = await sending.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'network',
        message: `the proxy http://${w.proxy.host} did not connect to ${w.registry}`,
        hint: expect.stringContaining(hint),
      })
      expect(JSON.stringify(error)).not.toContain('canary')
      expect(w.proxy.seen).toHaveLength(attempts)
    },
  )

  it('that has not answered at the end keeps no connection and no timer', async () => {
    const asked = Promise.withResolvers<Socket>()
    const silent = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => asked.resolve(socket))
    })
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    const url = new URL(`http://127.0.0.1:${port}`)
    let sleeping = 0
    // Its time never passes.
    const clock: Clock = {
      now: () => 0,
      sleep: (_, signal) => {
        sleeping++
        return once(signal, 'abort').then(() => {
          sleeping--
          throw new Error('aborted')
        })
      },
    }
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => undefined,
      userAgent: 'test',
      proxy: () => ({ url, variable: 'HTTPS_PROXY' }),
      clock,
    })
    const call = notedCall()
    const stop = new AbortController()
    const registry = 'r.example.com'
    const sending = stack.fetch(requestOf(`https://${registry}/v2/`, { registry }), {
      ...call,
      signal: stop.signal,
    })
    const failed = sending.catch((error: unknown) => error)
    const socket = await asked.promise
    const closed = once(socket, 'close')
    stop.abort(new Error('over'))
    expect(await failed).toMatchObject({ message: 'over' })
    await stack.close()
    await closed
    expect(sleeping).toBe(0)
  })

  it('that does not listen is an error', async () => {
    const w = await world()
    await w.proxy[Symbol.asyncDispose]()
    await expect(
      w.stack.fetch(requestOf(`https://${w.registry}/v2/`, { registry: w.registry }), notedCall()),
    ).rejects.toMatchObject({ code: 'network', why: expect.stringContaining('ECONNREFUSED') })
  })
})
