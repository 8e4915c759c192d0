import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { folderStorage } from '../../src/embedded/storage/folder-storage.ts'
import { defaultLimits } from '../../src/embedded/access/limits.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { type Client, indexOf, started } from '../embedded/http.ts'
import { storages, tempFolder } from '../embedded/storage/storages.ts'
import { manualClock } from '../support/manual-clock.ts'
import { sendRaw, statusIn } from '../support/raw-http.ts'

const uploads = '/v2/a/blobs/uploads/'

async function openUpload({ call }: Client): Promise<string> {
  const reply = await call('POST', uploads)
  expect(reply.status).toBe(202)
  return reply.headers['location'] ?? ''
}

function head(method: string, path: string, ...lines: readonly string[]): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n')
}

/** Polls until the upload has this size. */
async function waitForRange({ call }: Client, at: string, range: string): Promise<void> {
  while ((await call('GET', at)).headers['range'] !== range);
}

describe('upload sessions', () => {
  it('are limited, and the session that was idle the longest is dropped', async () => {
    const clock = manualClock()
    const folder = await tempFolder()
    const client = await started({
      clock,
      storage: await folderStorage(folder),
      limits: { uploads: 3 },
    })
    const at: string[] = []
    for (let i = 0; i < 3; i++) {
      at.push(await openUpload(client))
      await clock.advance(1)
    }
    await client.call('PATCH', at[0] ?? '', { body: 'x' })
    await clock.advance(1)
    for (let i = 0; i < 2; i++) {
      at.push(await openUpload(client))
      await clock.advance(1)
    }
    const statuses = await Promise.all(at.map(async (path) => (await client.call('GET', path)).status))
    expect(statuses).toEqual([204, 404, 404, 204, 204])
    expect(await readdir(join(folder, 'uploads'))).toHaveLength(3)
  })

  it('that receive bytes are not dropped, and further ones are refused', async () => {
    const client = await started({ limits: { uploads: 1 } })
    const at = await openUpload(client)
    const { socket, answer } = sendRaw(
      client.port,
      head('PATCH', at, 'Content-Length: 2', 'Connection: close') + 'x',
    )
    await waitForRange(client, at, '0-0')
    while ((await client.call('POST', uploads)).status !== 429);
    socket.write('y')
    expect(statusIn(await answer)).toBe(202)
  })

  it('that are opened at once do not exceed the limit', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder), limits: { uploads: 5 } })
    const replies = await Promise.all(Array.from({ length: 40 }, () => client.call('POST', uploads)))
    expect(replies.filter(({ status }) => status !== 202 && status !== 429)).toEqual([])
    expect((await readdir(join(folder, 'uploads'))).length).toBeLessThanOrEqual(5)
  })
})

describe.each(storages)('a blob in %s', (_name, storage) => {
  it.each([
    ['declared', { 'content-length': '9' }],
    ['streamed', { 'transfer-encoding': 'chunked' }],
  ])('that is too large is refused and leaves no session: %s', async (_how, headers) => {
    const client = await started({ storage: await storage(), limits: { blobBytes: 8 } })
    const at = await openUpload(client)
    const body = '123456789'
    const query = `?digest=${digestOf(body)}`
    for (const reply of [
      await client.call('PATCH', at, { headers, body }),
      await client.call('PUT', `${await openUpload(client)}${query}`, { headers, body }),
      await client.call('POST', `${uploads}${query}`, { headers, body }),
    ]) {
      expect([reply.status, reply.codes]).toEqual([413, ['SIZE_INVALID']])
    }
    expect((await client.call('GET', at)).status).toBe(404)
    expect(
      (await client.call('POST', `${uploads}?digest=${digestOf('12345678')}`, { body: '12345678' })).status,
    ).toBe(201)
  })

  it('cannot grow too large in chunks', async () => {
    const client = await started({ storage: await storage(), limits: { blobBytes: 8 } })
    const at = await openUpload(client)
    expect((await client.call('PATCH', at, { body: '12345678' })).status).toBe(202)
    expect((await client.call('PATCH', at, { body: '9' })).status).toBe(413)
  })
})

it('a body with a declared size over the limit is refused before its first byte', async () => {
  const client = await started()
  for (const length of [String(defaultLimits.blobBytes + 1), '18446744073709551615']) {
    const { answer } = sendRaw(
      client.port,
      head('POST', `${uploads}?digest=${digestOf('x')}`, `Content-Length: ${length}`, 'Connection: close'),
    )
    expect(statusIn(await answer)).toBe(413)
  }
})

describe('a slow body', () => {
  const limits = { slowBody: { windowMs: 30_000, minBytes: 1000 } }

  it.each([
    ['PATCH', async (client: Client) => openUpload(client)],
    ['POST', async () => `${uploads}?digest=${digestOf('x')}`],
    ['PUT', async () => '/v2/a/manifests/1'],
  ] as const)(
    'of %s with too few bytes in a window ends with 408 and a closed connection',
    async (method, path) => {
      const clock = manualClock()
      const client = await started({ clock, limits })
      const { socket, answer } = sendRaw(
        client.port,
        head(method, await path(client), 'Content-Length: 5000') + 'x',
      )
      await clock.sleepers(1)
      socket.write('y')
      await clock.advance(30_000)
      expect(statusIn(await answer)).toBe(408)
    },
  )

  it('at the minimum rate has no time limit', async () => {
    const clock = manualClock()
    const client = await started({ clock, limits })
    const at = await openUpload(client)
    const { socket, answer } = sendRaw(
      client.port,
      head('PATCH', at, 'Content-Length: 5000', 'Connection: close') + 'x'.repeat(1000),
    )
    for (let sent = 1000; sent < 5000; sent += 1000) {
      await waitForRange(client, at, `0-${sent - 1}`)
      await clock.sleepers(1)
      await clock.advance(30_000)
      socket.write('x'.repeat(1000))
    }
    expect(statusIn(await answer)).toBe(202)
  })

  it('keeps the received bytes, so that the client can resume', async () => {
    const clock = manualClock()
    const client = await started({ clock, limits })
    const at = await openUpload(client)
    const { answer } = sendRaw(client.port, head('PATCH', at, 'Content-Length: 11') + 'hello')
    await waitForRange(client, at, '0-4')
    await clock.sleepers(1)
    await clock.advance(30_000)
    await answer
    const digest = digestOf('hello world')
    const sent = { headers: { 'content-range': '5-10' }, body: ' world' }
    expect((await client.call('PUT', `${at}?digest=${digest}`, sent)).status).toBe(201)
  })
})

describe('the rest of a body after the answer', () => {
  it('is limited in time', async () => {
    const clock = manualClock()
    const client = await started({ clock })
    const { answer, socket } = sendRaw(
      client.port,
      head('PUT', '/v2/a/blobs/uploads/none', 'Content-Length: 5000') + 'x',
    )
    await once(socket, 'data')
    await clock.sleepers(1)
    await clock.advance(defaultLimits.answeredBody.ms)
    expect(statusIn(await answer)).toBe(404)
  })

  it.each(['PUT', 'HEAD'])('is read after a %s that closes the connection', async (method) => {
    const client = await started()
    const socket = connect({ port: client.port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    const errors: unknown[] = []
    socket.on('error', (error) => errors.push(error))
    const lines = ['Connection: close', 'Content-Length: 5000']
    socket.write(head(method, '/v2/a/blobs/uploads/none', ...lines) + 'x')
    let answer = ''
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) answer += String(chunk)
    expect(statusIn(answer)).toBe(404)
    // The system reports at the second write that the other end is closed.
    for (const rest of [2000, 2999]) {
      socket.write('x'.repeat(rest))
      await client.call('GET', '/v2/')
    }
    socket.end()
    expect(errors).toEqual([])
  })

  it('is limited in size', async () => {
    const client = await started({ limits: { answeredBody: { ms: 1e6, bytes: 1000 } } })
    const { answer } = sendRaw(
      client.port,
      head('PUT', '/v2/a/blobs/uploads/none', 'Content-Length: 5000') + 'x'.repeat(4000),
    )
    await answer
    expect((await client.call('GET', '/v2/')).status).toBe(200)
  })
})

describe('connections', () => {
  it('are closed if no request comes', async () => {
    const { port } = await started({ limits: { headersMs: 1 } })
    const { answer } = sendRaw(port, 'GET /v2/ HTTP/1.1\r\nHost: localhost\r\n')
    expect(statusIn(await answer)).toBe(408)
  })

  it('are closed if the client stops reading', async () => {
    const storage = memoryStorage()
    const digest = await (await started({ storage })).blob('a', Buffer.alloc(64 * 1024 * 1024))
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const { port } = await started({
      storage,
      // Long enough for the request to arrive on a busy machine.
      limits: { stalledMs: 1000 },
      onRequest: ({ aborted }) => resolve(aborted),
    })
    const { socket } = sendRaw(port, head('GET', `/v2/a/blobs/${digest}`))
    socket.pause()
    expect(await promise).toBe(true)
  })

  it('are limited in number', async () => {
    const client = await started({ limits: { connections: 1 } })
    const first = sendRaw(client.port, '')
    await once(first.socket, 'connect')
    expect(await sendRaw(client.port, head('GET', '/v2/')).answer).toBe('')
    first.socket.destroy()
  })

  it('that send too many headers are refused', async () => {
    const { port } = await started()
    const { answer } = sendRaw(port, head('GET', '/v2/', `X: ${'x'.repeat(defaultLimits.headerBytes)}`))
    expect(statusIn(await answer)).toBe(431)
  })
})

describe('manifests that are received at the same time', () => {
  it('share a budget of memory, and return it', async () => {
    const body = JSON.stringify(indexOf([], { annotations: { a: 'x'.repeat(1000) } }))
    const client = await started({ limits: { incomingManifestBytes: body.length + 100 } })
    const first = sendRaw(
      client.port,
      head('PUT', '/v2/a/manifests/1', `Content-Length: ${body.length}`, 'Connection: close') +
        body.slice(0, -1),
    )
    while ((await client.call('PUT', '/v2/a/manifests/2', { body })).status !== 429);
    first.socket.write(body.slice(-1))
    expect(statusIn(await first.answer)).toBe(201)
    expect((await client.call('PUT', '/v2/a/manifests/2', { body })).status).toBe(201)
  })
})

it('many ranges in one request cost no more than the whole blob', async () => {
  const client = await started()
  const digest = await client.blob('a', 'hello')
  const range = `bytes=${Array.from({ length: 2000 }, () => '0-').join(',')}`
  const reply = await client.call('GET', `/v2/a/blobs/${digest}`, { headers: { range } })
  expect([reply.status, reply.text]).toEqual([200, 'hello'])
})
