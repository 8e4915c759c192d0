import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { type Client, started } from '../http.ts'
import { storages } from './storages.ts'

async function opened({ call }: Client, path = '/v2/a/blobs/uploads/'): Promise<string> {
  const reply = await call('POST', path)
  expect(reply.status).toBe(202)
  return reply.headers['location'] ?? ''
}

function chunk(range: string, body: string) {
  return { headers: { 'content-range': range, 'content-type': 'application/octet-stream' }, body }
}

describe.each(storages)('uploads in %s', (_name, storage) => {
  it('end with one PUT of the whole blob', async () => {
    const client = await started({ storage: await storage() })
    const digest = digestOf('hello')
    const reply = await client.call('PUT', `${await opened(client)}?digest=${digest}`, { body: 'hello' })
    expect(reply.status).toBe(201)
    expect(reply.headers).toMatchObject({
      location: `/v2/a/blobs/${digest}`,
      'docker-content-digest': digest,
    })
    expect((await client.call('GET', `/v2/a/blobs/${digest}`)).text).toBe('hello')
  })

  it('come in chunks, and the last with the PUT', async () => {
    const client = await started({ storage: await storage() })
    const at = await opened(client)
    const first = await client.call('PATCH', at, chunk('0-4', 'hello'))
    expect([first.status, first.headers['range'], first.headers['location']]).toEqual([202, '0-4', at])
    expect((await client.call('PATCH', at, chunk('5-5', ' '))).headers['range']).toBe('0-5')
    const digest = digestOf('hello world')
    const last = await client.call('PUT', `${at}?digest=${digest}`, chunk('6-10', 'world'))
    expect(last.status).toBe(201)
    expect((await client.call('GET', `/v2/a/blobs/${digest}`)).text).toBe('hello world')
  })

  it('accept a stream without a range', async () => {
    const client = await started({ storage: await storage() })
    const at = await opened(client)
    await client.call('PATCH', at, { headers: { 'transfer-encoding': 'chunked' }, body: 'hello' })
    const digest = digestOf('hello')
    expect((await client.call('PUT', `${at}?digest=${digest}`)).status).toBe(201)
  })

  it('return their size', async () => {
    const client = await started({ storage: await storage() })
    const at = await opened(client)
    await client.call('PATCH', at, chunk('0-4', 'hello'))
    const reply = await client.call('GET', at)
    expect([reply.status, reply.headers['range'], reply.headers['location']]).toEqual([204, '0-4', at])
  })

  it.each(['1-5', '6-10', '0-4'])(
    'refuse a chunk %s that does not begin at the end, and keep their bytes',
    async (range) => {
      const client = await started({ storage: await storage() })
      const at = await opened(client)
      await client.call('PATCH', at, chunk('0-2', 'hel'))
      const reply = await client.call('PATCH', at, chunk(range, 'lo wo'))
      expect([reply.status, reply.codes]).toEqual([416, ['BLOB_UPLOAD_INVALID']])
      const digest = digestOf('hello')
      const last = await client.call('PUT', `${at}?digest=${digest}`, chunk('3-4', 'lo'))
      expect(last.status).toBe(201)
    },
  )

  it('refuse a last chunk out of order too', async () => {
    const client = await started({ storage: await storage() })
    const at = await opened(client)
    const reply = await client.call('PUT', `${at}?digest=${digestOf('x')}`, chunk('3-3', 'x'))
    expect([reply.status, reply.codes]).toEqual([416, ['BLOB_UPLOAD_INVALID']])
  })

  it('refuse a chunk with another length than declared', async () => {
    const client = await started({ storage: await storage() })
    const at = await opened(client)
    const reply = await client.call('PATCH', at, chunk('0-9', 'hello'))
    expect([reply.status, reply.codes]).toEqual([400, ['SIZE_INVALID']])
    const streamed = await client.call('PATCH', at, {
      headers: { 'content-range': '0-9', 'transfer-encoding': 'chunked' },
      body: 'hello',
    })
    expect([streamed.status, streamed.codes]).toEqual([400, ['SIZE_INVALID']])
  })

  it('refuse bytes with another digest, and store nothing', async () => {
    const client = await started({ storage: await storage() })
    const digest = digestOf('hello')
    for (const reply of [
      await client.call('PUT', `${await opened(client)}?digest=${digest}`, { body: 'hellO' }),
      await client.call('POST', `/v2/a/blobs/uploads/?digest=${digest}`, { body: 'hellO' }),
    ]) {
      expect([reply.status, reply.codes]).toEqual([400, ['DIGEST_INVALID']])
    }
    expect((await client.call('HEAD', `/v2/a/blobs/${digest}`)).status).toBe(404)
  })

  it.each(['', '?digest=', '?digest=sha256:x', '?digest=md5:d41d8cd98f00b204e9800998ecf8427e'])(
    'cannot end with the digest %j, and continue',
    async (query) => {
      const client = await started({ storage: await storage() })
      const at = await opened(client)
      const reply = await client.call('PUT', at + query, { body: 'hello' })
      expect([reply.status, reply.codes]).toEqual([400, ['DIGEST_INVALID']])
      expect((await client.call('GET', at)).status).toBe(204)
    },
  )

  it('are removed when they are cancelled or finished', async () => {
    const client = await started({ storage: await storage() })
    const cancelled = await opened(client)
    expect((await client.call('DELETE', cancelled)).status).toBe(204)
    const finished = await opened(client)
    await client.call('PUT', `${finished}?digest=${digestOf('x')}`, { body: 'x' })
    for (const at of [cancelled, finished, '/v2/a/blobs/uploads/..%2f..%2fx', '/v2/a/blobs/uploads/1']) {
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        const reply = await client.call(method, at)
        expect([reply.status, reply.codes]).toEqual([404, ['BLOB_UPLOAD_UNKNOWN']])
      }
    }
  })

  it('belong to one repository', async () => {
    const client = await started({ storage: await storage() })
    const at = await opened(client)
    const reply = await client.call('PATCH', at.replace('/v2/a/', '/v2/b/'), { body: 'x' })
    expect([reply.status, reply.codes]).toEqual([404, ['BLOB_UPLOAD_UNKNOWN']])
  })

  it('make sha512 blobs, announced or not', async () => {
    const client = await started({ storage: await storage() })
    for (const [path, content] of [
      ['/v2/a/blobs/uploads/?digest-algorithm=sha512', 'one'],
      ['/v2/a/blobs/uploads/', 'two'],
    ] as const) {
      const digest = digestOf(content, 'sha512')
      const reply = await client.call('PUT', `${await opened(client, path)}?digest=${digest}`, {
        body: content,
      })
      expect(reply.status).toBe(201)
      expect((await client.call('GET', `/v2/a/blobs/${digest}`)).text).toBe(content)
    }
    const refused = await client.call('POST', '/v2/a/blobs/uploads/?digest-algorithm=md5')
    expect([refused.status, refused.codes]).toEqual([400, ['DIGEST_INVALID']])
  })

  it('keep the bytes before the client disconnected, and continue there', async () => {
    const reported = Promise.withResolvers<void>()
    const client = await started({
      storage: await storage(),
      onRequest: (entry) => {
        if (entry.aborted) reported.resolve()
      },
    })
    const at = await opened(client)
    const socket = connect(client.port, '127.0.0.1')
    socket.write(
      `PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Range: 0-99\r\n\r\nhello`,
    )
    await waitForRange(client, at, '0-4')
    socket.destroy()
    await reported.promise
    const digest = digestOf('hello world')
    const reply = await client.call('PUT', `${at}?digest=${digest}`, chunk('5-10', ' world'))
    expect(reply.status).toBe(201)
  })

  it('of one blob at the same time all succeed', async () => {
    const client = await started({ storage: await storage() })
    const content = 'x'.repeat(100_000)
    const digests = await Promise.all(Array.from({ length: 8 }, () => client.blob('a', content)))
    expect(new Set(digests)).toEqual(new Set([digestOf(content)]))
    expect((await client.call('GET', `/v2/a/blobs/${digests[0]}`)).text).toBe(content)
  })

  it('create no repository before they are finished', async () => {
    const client = await started({ storage: await storage() })
    await opened(client)
    expect((await client.call('GET', '/v2/a/tags/list')).codes).toEqual(['NAME_UNKNOWN'])
    expect((await client.call('GET', '/v2/_catalog')).json()).toEqual({ repositories: [] })
  })
})

/** Polls until the upload has this size. */
async function waitForRange({ call }: Client, at: string, range: string): Promise<void> {
  while ((await call('GET', at)).headers['range'] !== range);
}

describe('an upload', () => {
  it('is dropped after a day without a request', async () => {
    let now = 0
    const clock: Clock = { now: () => now, sleep: () => Promise.resolve() }
    const client = await started({ clock })
    const old = await opened(client)
    now += 24 * 60 * 60 * 1000 + 1
    const young = await opened(client)
    expect((await client.call('GET', old)).status).toBe(404)
    expect((await client.call('GET', young)).status).toBe(204)
  })

  it('has the given id', async () => {
    const client = await started({ newId: () => 'first' })
    expect(await opened(client)).toBe('/v2/a/blobs/uploads/first')
  })

  it('does not keep the registry from closing in the middle of a body', async () => {
    const client = await started()
    const at = await opened(client)
    const socket = connect(client.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello`)
    await waitForRange(client, at, '0-4')
    const closed = once(socket, 'close')
    await client.close()
    await closed
    expect(client.log.at(-1)).toMatchObject({ method: 'PATCH', aborted: true })
  })
})
