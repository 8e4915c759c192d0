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

/** Asks everybody for a certificate, and answers with whose it was shown, or redirects. */
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

it('a certificate of this machine is shown to the registry that asks for it', async () => {
  const { port, shown } = await asking({ required: true })
  const registry = `127.0.0.1:${port}`
  expect((await fetchAt(new Map([[registry, own]]))(registry)).status).toBe(200)
  expect(shown).toEqual(['localhost'])
})

it('is required by such a registry', async () => {
  const { port } = await asking({ required: true })
  const registry = `127.0.0.1:${port}`
  await expect(fetchAt(new Map([[registry, { ca: testAuthority }]]))(registry)).rejects.toMatchObject({
    code: 'network',
  })
})

it('is shown to no other host, such as the target of a redirect', async () => {
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

it('may come from a folder of this machine, and what the configuration says comes first', async () => {
  const { port, shown } = await asking({ required: true })
  const registry = `127.0.0.1:${port}`
  const settings = new Map([[registry, { insecure: false }]])
  expect((await fetchAt(settings, own)(registry)).status).toBe(200)
  expect(shown).toEqual(['localhost'])
  const wrong = new Map([[registry, { ca: testCertificate.cert }]])
  await expect(fetchAt(wrong, own)(registry)).rejects.toMatchObject({ code: 'network' })
})
