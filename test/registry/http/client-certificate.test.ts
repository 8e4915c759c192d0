import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import type { RegistrySettings } from '../../../src/registry/http/transport/origins.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { testAuthority, testCertificate } from '../../support/tls.ts'

const own: RegistrySettings = { ca: testAuthority, clientCertificate: testCertificate }

/** Requests a client certificate, and answers with its subject or a redirect. */
async function asking(options: { required?: boolean; redirectTo?: string } = {}) {
  const shown: (string | undefined)[] = []
  const server = createServer(
    {
      ...testCertificate,
      ca: testAuthority,
      requestCert: true,
      rejectUnauthorized: options.required === true,
    },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate()
      shown.push(subject === undefined ? undefined : String(subject.CN))
      if (options.redirectTo === undefined) return void response.end('hello')
      response.writeHead(307, { location: options.redirectTo }).end()
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, shown }
}

function fetchAt(settings: ReadonlyMap<string, RegistrySettings>, certificates?: RegistrySettings) {
  const stack = createFetch({
    settings,
    credentials: async () => undefined,
    userAgent: 'dray/test',
    clock: leapingClock(),
    ...(certificates !== undefined && { certificates: () => Promise.resolve(certificates) }),
  })
  onTestFinished(() => stack.close())
  return (registry: string) => stack.fetch(requestOf(`https://${registry}/v2/`, { registry }), notedCall())
}

it('a client certificate is sent to the registry that requests it', async () => {
  const { port, shown } = await asking({ required: true })
  const registry = `127.0.0.1:${port}`
  expect((await fetchAt(new Map([[registry, own]]))(registry)).status).toBe(200)
  expect(shown).toEqual(['localhost'])
})

it('a registry that requires a client certificate refuses requests without one', async () => {
  const { port } = await asking({ required: true })
  const registry = `127.0.0.1:${port}`
  await expect(fetchAt(new Map([[registry, { ca: testAuthority }]]))(registry)).rejects.toMatchObject({
    code: 'network',
  })
})

it('a client certificate is sent to no other host, such as the target of a redirect', async () => {
  const other = await asking()
  const { port, shown } = await asking({ redirectTo: `https://localhost:${other.port}/storage` })
  const registry = `127.0.0.1:${port}`
  const settings = new Map([
    [registry, own],
    [`localhost:${other.port}`, own],
  ])
  expect((await fetchAt(settings)(registry)).status).toBe(200)
  expect(shown).toEqual(['localhost'])
  expect(other.shown).toEqual([undefined])
})

it('a client certificate of the configuration has precedence over one of a folder', async () => {
  const { port, shown } = await asking({ required: true })
  const registry = `127.0.0.1:${port}`
  const settings = new Map([[registry, { insecure: false }]])
  expect((await fetchAt(settings, own)(registry)).status).toBe(200)
  expect(shown).toEqual(['localhost'])
  const wrong = new Map([[registry, { ca: testCertificate.cert }]])
  await expect(fetchAt(wrong, own)(registry)).rejects.toMatchObject({ code: 'network' })
})
