import { connect } from 'node:net'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { folderStorage } from '../../src/embedded/storage/folder-storage.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { sendRaw } from '../support/raw-http.ts'
import { type Client, send, started } from './http.ts'
import { tempFolder } from './storage/storages.ts'

async function lives({ call }: Client): Promise<boolean> {
  return (await call('GET', '/v2/')).status === 200
}

const pieces = fc.oneof(
  fc.constantFrom('v2', 'a', '..', '.', '', '%2e%2e', '%2f', '%', '%zz', 'blobs', 'uploads', 'manifests'),
  fc.constantFrom('tags', 'list', 'referrers', 'token', '_catalog', '_tags', digestOf('x'), 'sha256:..', '1'),
  fc.stringMatching(/^[!-~]{0,12}$/).map((text) => text.replaceAll(/[#]/g, '')),
)

const requests = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'),
  path: fc.array(pieces, { maxLength: 8 }).map((parts) => `/v2/${parts.join('/')}`),
  query: fc.stringMatching(/^[!-~]{0,20}$/).map((text) => text.replaceAll('#', '')),
  body: fc.string({ maxLength: 20 }),
  range: fc.constantFrom('', '0-1', '5-2', 'bytes=0-', 'x', '99999999999999999999-1'),
})

describe('the registry', () => {
  it('answers any request with a status, and writes nothing outside of its folders', async () => {
    const folder = await tempFolder()
    const storage = await folderStorage(join(folder, 'registry'))
    const client = await started({ storage })
    await client.image('a', 'x', '1')
    await fc.assert(
      fc.asyncProperty(requests, async ({ method, path, query, body, range }) => {
        const headers = { range, 'content-range': range }
        const reply = await send(client.registry, method, `${path}?${query}`, { headers, body })
        expect(reply.status).toBeLessThan(500)
        const isRefusal = reply.status >= 400 && reply.text.startsWith('{')
        expect(reply.codes).toHaveLength(isRefusal ? 1 : 0)
      }),
      { numRuns: 400 },
    )
    expect(await readdir(folder)).toEqual(['registry'])
    expect((await readdir(join(folder, 'registry'))).sort()).toEqual([
      'content',
      'dray-registry.json',
      'repositories',
      'uploads',
    ])
    expect(client.log.filter(({ error }) => error !== undefined)).toEqual([])
  })

  it.each(['../a', 'a/../b', 'A', 'a//b', '_tags', 'a/_blobs', '-a', 'a%2fb', 'x'.repeat(256)])(
    'has no repository called %j',
    async (name) => {
      const client = await started()
      const reply = await client.call('GET', `/v2/${name}/tags/list`)
      expect([reply.status, reply.codes]).toEqual([400, ['NAME_INVALID']])
    },
  )

  it.each([
    '/',
    '/v1/',
    '/v2/a',
    '/v2/a/tags',
    '/v2/a/manifests/',
    '/v2/a/manifests/%ff',
    '*',
    'http://x/v2/',
  ])('does not know %s', async (path) => {
    const client = await started()
    expect((await client.call('GET', path)).status).toBe(404)
  })

  it.each([
    ['POST', '/v2/'],
    ['PUT', '/v2/a/tags/list'],
    ['POST', '/v2/a/manifests/1'],
    ['PUT', `/v2/a/blobs/${digestOf('x')}`],
    ['GET', '/v2/a/blobs/uploads/'],
    ['DELETE', `/v2/a/referrers/${digestOf('x')}`],
    ['POST', '/v2/_catalog'],
  ])('does not allow %s of %s', async (method, path) => {
    const { call } = await started()
    const reply = await call(method, path)
    expect([reply.status, reply.codes]).toEqual([405, ['UNSUPPORTED']])
  })

  it('survives invalid requests', async () => {
    const client = await started()
    for (const text of [
      '\r\n\r\n\0',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'x'.repeat(70_000)}`,
    ]) {
      expect(await sendRaw(client.port, text).answer).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/)
    }
    expect(await lives(client)).toBe(true)
  })

  it('keeps the connection to refuse a body that is still arriving', async () => {
    const client = await started()
    const { answer } = sendRaw(
      client.port,
      'PUT /v2/a/blobs/uploads/none?digest=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello',
    )
    expect(await answer).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('survives a client that disconnects in a download, and reports it', async () => {
    const reported = Promise.withResolvers<void>()
    const client = await started({
      onRequest: (entry) => {
        if (entry.aborted) reported.resolve()
      },
    })
    const digest = await client.blob('a', Buffer.alloc(32 * 1024 * 1024))
    const socket = connect(client.port, '127.0.0.1')
    socket.write(`GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    socket.once('data', () => socket.destroy())
    await reported.promise
    expect(await lives(client)).toBe(true)
  })
})
