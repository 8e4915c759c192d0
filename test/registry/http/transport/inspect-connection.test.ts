import { createServer as createSecureServer } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { inspectConnection } from '../../../../src/registry/http/transport/inspect-connection.ts'
import { scriptedServer } from '../../../support/scripted-server.ts'
import { testAuthority, testCertificate } from '../../../support/tls.ts'

const { signal } = new AbortController()

async function secure(): Promise<string> {
  const server = await scriptedServer((_, response) => void response.end(), { tls: testCertificate })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server.host
}

const inspect = (host: string, scheme: string, ca?: string) =>
  inspectConnection(host, new URL(`${scheme}://${host}`), ca === undefined ? undefined : { ca }, signal)

it('a TLS connection has its certificate, which is trusted if its authority is configured', async () => {
  const facts = await inspect(await secure(), 'https', testAuthority)
  expect(facts).toMatchObject({ addresses: ['127.0.0.1'], tls: { protocol: 'TLSv1.3' } })
  expect(facts.tls).not.toHaveProperty('untrusted')
  expect(facts.tls?.validTo).toBeGreaterThan(Date.UTC(2026, 0))
})

it('an untrusted certificate has a hint with the setting for dray.yaml', async () => {
  const host = await secure()
  expect((await inspect(host, 'https')).tls?.untrusted).toMatchObject({
    code: expect.stringMatching(/SELF_SIGNED|UNABLE/),
    hint: expect.stringContaining('ca: path/to/ca.pem'),
  })
})

it('a client certificate is sent if there is one', async () => {
  const server = createSecureServer({
    ...testCertificate,
    ca: testAuthority,
    requestCert: true,
    rejectUnauthorized: true,
    // In TLS 1.2 the handshake fails without a certificate. TLS 1.3 reports it later.
    maxVersion: 'TLSv1.2',
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const origin = new URL(`https://${host}`)
  const own = { ca: testAuthority, clientCertificate: testCertificate }
  const facts = await inspectConnection(host, origin, own, signal)
  expect(facts.tls).toMatchObject({ protocol: 'TLSv1.2', subject: 'localhost' })
  await expect(inspect(host, 'https', testAuthority)).rejects.toMatchObject({ code: 'network' })
})

it('a server without TLS and a closed port are errors', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).end('hello\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(inspect(host, 'https')).rejects.toMatchObject({ code: 'network' })
  expect(await inspect(host, 'http')).not.toHaveProperty('tls')
  await expect(inspect('127.0.0.1:9', 'http')).rejects.toMatchObject({
    code: 'network',
    subject: '127.0.0.1:9',
  })
})
