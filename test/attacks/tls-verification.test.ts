import { createServer as createSecureServer } from 'node:https'
import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { RegistrySettings } from '../../src/registry/http/transport/origins.ts'
import { inspectConnection } from '../../src/registry/http/transport/inspect-connection.ts'
import { createPoster } from '../../src/registry/http/post.ts'
import type { Proxy } from '../../src/registry/http/transport/proxy.ts'
import { createFetch, type FetchStack } from '../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../support/http-world.ts'
import { leapingClock } from '../support/manual-clock.ts'
import { dray } from '../support/program.ts'
import { executable, onlyOnNode } from '../support/program-command.ts'
import { testProxy, type TestProxy } from '../support/proxy.ts'
import { reply, type Script, type ScriptedServer, scriptedServer } from '../support/scripted-server.ts'
import { tempFolder } from '../support/temp.ts'
import { testAuthority, testCertificate } from '../support/tls.ts'
import { expired, otherAuthority, otherName, selfSigned } from '../support/untrusted-certificates.ts'

const hello: Script = (_request, response) => reply(response, 200, {}, 'hello')

type KeyPair = { readonly key: string; readonly cert: string }

async function secure(tls: KeyPair, script = hello): Promise<ScriptedServer> {
  const server = await scriptedServer(script, { tls })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

async function proxyTo(host: string, tls?: KeyPair): Promise<TestProxy> {
  const proxy = await testProxy(host, undefined, tls)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return proxy
}

interface Way {
  readonly settings?: Readonly<Record<string, RegistrySettings>>
  readonly proxy?: URL
  readonly credentials?: boolean
}

function stackWith({ settings = {}, proxy, credentials = false }: Way = {}): FetchStack {
  const named = (url: URL): Proxy => ({ url, variable: 'HTTPS_PROXY' })
  const stack = createFetch({
    settings: new Map(Object.entries(settings)),
    credentials: async () =>
      credentials ? { kind: 'basic', username: 'ada', password: 'canary' } : undefined,
    userAgent: 'dray/test',
    clock: leapingClock(),
    ...(proxy !== undefined && { proxy: () => named(proxy) }),
  })
  onTestFinished(() => stack.close())
  return stack
}

async function statusAt(stack: FetchStack, url: string): Promise<number> {
  const response = await stack.fetch(requestOf(url), notedCall())
  await response.discard()
  return response.status
}

const untrusted = [
  ['signed by itself', selfSigned],
  ['of another name', otherName],
  ['expired', expired],
] as const

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  const systemAuthorities = getCACertificates('default')
  beforeAll(() => void (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'))
  beforeEach(() => setDefaultCACertificates([...systemAuthorities, otherAuthority]))
  afterAll(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    setDefaultCACertificates(systemAuthorities)
  })

  describe.each(untrusted)('with a certificate %s', (_name, certificate) => {
    it('sends nothing to a registry', async () => {
      const server = await secure(certificate)
      await expect(statusAt(stackWith(), server.origin)).rejects.toMatchObject({ code: 'network' })
      expect(server.seen).toEqual([])
    })

    it('sends nothing to a token server', async () => {
      const server = await secure(certificate)
      const realm = `${server.origin}/token`
      const registry = await secure(testCertificate, (_request, response) =>
        reply(response, 401, { 'www-authenticate': `Bearer realm="${realm}"` }),
      )
      const settings = { [registry.host]: { ca: testAuthority, tokenRealm: realm } }
      const stack = stackWith({ settings, credentials: true })
      await expect(statusAt(stack, registry.origin)).rejects.toMatchObject({ code: 'network' })
      expect(server.seen).toEqual([])
    })

    it('sends nothing to the storage that a registry redirects to', async () => {
      const server = await secure(certificate)
      const registry = await secure(testCertificate, (_request, response) =>
        reply(response, 307, { location: `${server.origin}/blob` }),
      )
      const stack = stackWith({ settings: { [registry.host]: { ca: testAuthority } } })
      await expect(statusAt(stack, registry.origin)).rejects.toMatchObject({ code: 'network' })
      expect(server.seen).toEqual([])
    })

    it.each(['https://registry.test/v2/', 'http://registry.test/v2/'])(
      'sends nothing to an https proxy for %s',
      async (url) => {
        const server = await secure(testCertificate)
        const proxy = await proxyTo(server.host, certificate)
        const stack = stackWith({ proxy: new URL(`https://ada:canary@${proxy.host}`) })
        await expect(statusAt(stack, url)).rejects.toMatchObject({ code: 'network' })
        expect(proxy.seen).toEqual([])
      },
    )

    it('sends nothing to a registry through a proxy', async () => {
      const server = await secure(certificate)
      const proxy = await proxyTo(server.host)
      const stack = stackWith({ proxy: new URL(`http://${proxy.host}`) })
      await expect(statusAt(stack, 'https://localhost:5000/v2/')).rejects.toMatchObject({ code: 'network' })
      expect(server.seen).toEqual([])
    })

    it('sends nothing to a webhook', async () => {
      const server = await secure(certificate)
      const poster = createPoster({ userAgent: 'dray/test' })
      onTestFinished(() => poster.close())
      const posting = poster.post(new URL(server.origin), {}, Buffer.from('{}'), notedCall())
      await expect(posting).rejects.toMatchObject({ code: 'network' })
      expect(server.seen).toEqual([])
    })

    it('is reported by doctor', async () => {
      const server = await secure(certificate)
      const { signal } = new AbortController()
      const facts = await inspectConnection(server.host, new URL(server.origin), undefined, signal)
      expect(facts.tls?.untrusted?.code).toMatch(/SELF_SIGNED|ALTNAME|EXPIRED/)
    })
  })
})

describe('an https proxy', () => {
  const systemAuthorities = getCACertificates('default')
  beforeAll(() => setDefaultCACertificates([...systemAuthorities, testAuthority]))
  afterAll(() => setDefaultCACertificates(systemAuthorities))

  it.each(['localhost', '127.0.0.1'])('with the name %s is verified by that name', async (name) => {
    const server = await secure(testCertificate)
    const proxy = await proxyTo(server.host, testCertificate)
    const url = new URL(`https://${proxy.host.replace('127.0.0.1', name)}`)
    const stack = stackWith({ proxy: url })
    expect(await statusAt(stack, 'https://localhost:5000/v2/')).toBe(200)
  })

  it('is verified by its own name for a registry over plain http', async () => {
    const server = await scriptedServer(hello)
    onTestFinished(() => server[Symbol.asyncDispose]())
    const proxy = await proxyTo(server.host, testCertificate)
    const stack = stackWith({ proxy: new URL(`https://${proxy.host}`) })
    expect(await statusAt(stack, 'http://registry.test:5000/v2/')).toBe(200)
    expect(proxy.seen).toHaveLength(1)
  })

  it('is not accepted with the certificate of the registry', async () => {
    const server = await secure(testCertificate)
    const proxy = await proxyTo(server.host, otherName)
    setDefaultCACertificates([...systemAuthorities, otherAuthority])
    const stack = stackWith({ proxy: new URL(`https://ada:canary@${proxy.host}`) })
    await expect(statusAt(stack, 'https://evil.example/v2/')).rejects.toMatchObject({ code: 'network' })
    await expect(statusAt(stack, 'http://evil.example/v2/')).rejects.toMatchObject({ code: 'network' })
    expect(proxy.seen).toEqual([])
  })
})

describe('the `ca` of a registry', () => {
  /** A registry at 127.0.0.1 with `ca`, and the host localhost with the same authority. */
  async function redirecting(to: (other: string) => Readonly<Record<string, string>>, status: number) {
    const other = await secure(testCertificate, (_request, response) =>
      reply(response, 200, {}, '{"token":"t"}'),
    )
    const otherHost = other.host.replace('127.0.0.1', 'localhost')
    const registry = await secure(testCertificate, (request, response) =>
      request.headers.authorization === undefined
        ? reply(response, status, to(`https://${otherHost}`))
        : reply(response, 200),
    )
    return { registry, other, otherHost }
  }
  const storage = (other: string) => ({ location: `${other}/blob` })
  const realm = (other: string) => ({ 'www-authenticate': `Bearer realm="${other}/token"` })

  it.each([
    ['the host that it redirects to', storage, 307],
    ['its token server on another host', realm, 401],
  ] as const)('is not used for %s', async (_name, to, status) => {
    const w = await redirecting(to, status)
    const own = { ca: testAuthority, tokenRealm: `https://${w.otherHost}/token` }
    const stack = stackWith({ settings: { [w.registry.host]: own }, credentials: true })
    await expect(statusAt(stack, w.registry.origin)).rejects.toMatchObject({
      code: 'network',
      hint: expect.stringContaining(`"${w.otherHost}": { ca: `),
    })
    expect(w.other.seen).toEqual([])
  })

  it.each([
    ['the host that it redirects to', storage, 307],
    ['its token server on another host', realm, 401],
  ] as const)('is configured for %s under the name of that host', async (_name, to, status) => {
    const w = await redirecting(to, status)
    const own = { ca: testAuthority, tokenRealm: `https://${w.otherHost}/token` }
    const settings = { [w.registry.host]: own, [w.otherHost]: { ca: testAuthority } }
    expect(await statusAt(stackWith({ settings, credentials: true }), w.registry.origin)).toBe(200)
  })

  it('is not used for another registry at the same server', async () => {
    const server = await secure(testCertificate)
    const local = server.host.replace('127.0.0.1', 'localhost')
    const stack = stackWith({ settings: { [server.host]: { ca: testAuthority } } })
    expect(await statusAt(stack, server.origin)).toBe(200)
    await expect(statusAt(stack, `https://${local}`)).rejects.toMatchObject({ code: 'network' })
    expect(server.seen).toHaveLength(1)
  })
})

describe('the program', () => {
  async function listing(tls: object, env: Readonly<Record<string, string>>, more = '') {
    const seen: (string | undefined)[] = []
    const server = createSecureServer(tls, (request, response) => {
      seen.push(request.headers.authorization)
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      response.end('{"tags":["a"]}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const folder = await tempFolder()
    const auth = Buffer.from('ada:canary').toString('base64')
    await mkdir(join(folder, '.docker'))
    await writeFile(join(folder, '.docker', 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
    await writeFile(join(folder, 'ca.pem'), testAuthority)
    const config = `version: 1\nregistries: { "${host}": { insecure: false${more} } }\n`
    await writeFile(join(folder, 'dray.yaml'), config)
    const ended = await dray(['ls', `${host}/team/api`], { cwd: folder, env: { HOME: folder, ...env } })
    return { ended, seen }
  }

  it('sends no password to a server with a certificate of another name', async () => {
    const { ended, seen } = await listing(otherName, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('is not trusted') })
    expect(ended.stderr).not.toContain('NODE_TLS_REJECT_UNAUTHORIZED')
    expect(seen).toEqual([])
  })

  it('uses TLS 1.2 or later, also if NODE_OPTIONS allows less', async () => {
    const old = {
      ...testCertificate,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    }
    const weak = { NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=ALL:@SECLEVEL=0' }
    const { ended, seen } = await listing(old, weak, ', ca: ca.pem')
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('the TLS handshake with') })
    expect(seen).toEqual([])
  })

  it('uses no cipher without encryption, also if NODE_OPTIONS enables one', async () => {
    const plain = { ...testCertificate, maxVersion: 'TLSv1.2', ciphers: 'eNULL:@SECLEVEL=0' }
    const weak = { NODE_OPTIONS: '--tls-cipher-list=eNULL:@SECLEVEL=0' }
    // An executable ignores the option, and offers only ciphers that the server refuses.
    const refusal = executable === undefined ? 'allows no usable cipher' : 'the TLS handshake with'
    const { ended, seen } = await listing(plain, weak, ', ca: ca.pem')
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(refusal) })
    expect(seen).toEqual([])
  })

  const ofNode = onlyOnNode('NODE_OPTIONS')
  it.skipIf(ofNode.isSkipped)(`keeps a stricter version that NODE_OPTIONS sets${ofNode.note}`, async () => {
    const tls12 = { ...testCertificate, maxVersion: 'TLSv1.2' }
    const { seen } = await listing(tls12, { NODE_OPTIONS: '--tls-min-v1.3' }, ', ca: ca.pem')
    expect(seen).toEqual([])
    expect((await listing(tls12, {}, ', ca: ca.pem')).seen).not.toEqual([])
  })
})
