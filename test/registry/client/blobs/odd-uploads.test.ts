import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import {
  blobOf,
  bytesSource,
  newCall,
  openStack,
  type ReceivedRequest,
  type ScriptedAnswer,
  scripted,
  storeAt,
} from '../world.ts'

const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251))
const blob = blobOf(bytes)
const encodedDigest = encodeURIComponent(blob.digest)
const uploadsPath = '/v2/team/api/blobs/uploads'
const chunked = { uploads: { wholeUpTo: 4000, chunk: 3000 } }

type Twist = (request: ReceivedRequest) => ScriptedAnswer | undefined

/** A registry with one upload session, which has the bytes that it got, unless `twist` answers. */
async function registryWith(twist: Twist) {
  const state = { stored: false, received: Buffer.alloc(0) }
  const act = ({ method, path, body }: ReceivedRequest): void => {
    if (method === 'PUT' || method === 'PATCH') state.received = Buffer.concat([state.received, body])
    if (method === 'PUT')
      state.stored = digestOf(state.received) === new URL(path, 'http://x').searchParams.get('digest')
  }
  const server = await scripted((request) => {
    const { method } = request
    const twisted = twist(request)
    if (twisted === undefined || (twisted.status >= 200 && twisted.status < 300)) act(request)
    if (twisted !== undefined) return twisted
    if (method === 'HEAD') return state.stored ? { status: 200 } : { status: 404 }
    if (method === 'POST') return { status: 202, headers: { location: `${uploadsPath}/1` } }
    if (method === 'PUT') return { status: state.stored ? 201 : 400 }
    return { status: method === 'PATCH' ? 202 : 204 }
  })
  return { ...server, state, steps: () => server.heard.map(({ method }) => method).join(' ') }
}

const answersTo =
  (method: string, answer: ScriptedAnswer): Twist =>
  (request) =>
    request.method === method ? answer : undefined

describe('the answer to the POST of an upload', () => {
  it.each([200, 201, 202, 204])('opens a session if it is %i with a location', async (status) => {
    const one = await registryWith(answersTo('POST', { status, headers: { location: `${uploadsPath}/1` } }))
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST PUT')
    expect(one.state.stored).toBe(true)
  })

  it.each([
    [201, { location: `/v2/team/api/blobs/${blob.digest}` }],
    [201, { location: `https://elsewhere.example/v2/team/api/blobs/${encodedDigest}?x=y` }],
    [200, { location: `/v2/team/api/blobs/${blob.digest}` }],
    [201, { 'docker-content-digest': blob.digest }],
  ])('ends the upload if it is %i with the location or digest of the blob', async (status, headers) => {
    const one = await registryWith(answersTo('POST', { status, headers }))
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST')
  })

  it.each([
    [
      'a path without its first slash',
      `${uploadsPath.slice(1)}/1`,
      `${uploadsPath}/1?digest=${encodedDigest}`,
    ],
    ['a host without a scheme', `HOST${uploadsPath}/1`, `${uploadsPath}/1?digest=${encodedDigest}`],
    ['relative to the request', '1?_state=a%2Fb', `${uploadsPath}/1?_state=a%2Fb&digest=${encodedDigest}`],
    ['with a fragment', `${uploadsPath}/1?a=b#top`, `${uploadsPath}/1?a=b&digest=${encodedDigest}`],
    [
      'with an empty digest',
      `${uploadsPath}/1?digest=&s=%2B`,
      `${uploadsPath}/1?s=%2B&digest=${encodedDigest}`,
    ],
    [
      'with the digest',
      `${uploadsPath}/1?digest=${blob.digest}&s=1`,
      `${uploadsPath}/1?s=1&digest=${encodedDigest}`,
    ],
  ])('may have a location that is %s', async (_, location, closing) => {
    const one = await registryWith(({ method, headers: { host } }) =>
      method === 'POST'
        ? { status: 202, headers: { location: location.replace('HOST', String(host)) } }
        : undefined,
    )
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.heard.at(-1)?.path).toBe(closing)
  })

  it('may name the session by Docker-Upload-UUID alone', async () => {
    const one = await registryWith(
      answersTo('POST', { status: 202, headers: { 'docker-upload-uuid': 'a1-b2' } }),
    )
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.heard.at(-1)?.path).toBe(`${uploadsPath}/a1-b2?digest=${encodedDigest}`)
  })

  it.each([
    [202, {}],
    [201, {}],
    [200, { 'docker-upload-uuid': '../../other' }],
    [202, { 'docker-content-digest': blob.digest }],
  ])('is an error if it is %i with %j', async (status, headers) => {
    const one = await registryWith(answersTo('POST', { status, headers }))
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      code: 'protocol',
      why: `it answered ${status} without a Location`,
    })
    expect(one.steps()).toBe('HEAD POST')
  })
})

describe('the answer to a mount', () => {
  it.each([200, 201, 202, 204])('opens a session if it is %i with its location', async (status) => {
    const one = await registryWith(answersTo('POST', { status, headers: { location: `${uploadsPath}/1` } }))
    const from = { ...bytesSource(bytes), repository: { registry: one.registry, path: 'team/other' } }
    expect(await storeAt(one.registry).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.steps()).toBe('POST HEAD PUT')
  })

  it.each([
    [201, {}],
    [201, { location: `/v2/team/api/blobs/${blob.digest}` }],
    [201, { location: '/somewhere' }],
    [200, { location: `/v2/team/api/blobs/${blob.digest}` }],
  ])('means that it is done if it is %i with %j', async (status, headers) => {
    const one = await registryWith(answersTo('POST', { status, headers }))
    const from = { ...bytesSource(bytes), repository: { registry: one.registry, path: 'team/other' } }
    expect(await storeAt(one.registry).putBlob(blob, from, newCall())).toBe('mounted')
    expect(one.steps()).toBe('POST')
  })
})

describe('the answer to a chunk', () => {
  it.each([
    // Pulp: github.com/pulp/pulp_container/issues/2199
    [204, undefined],
    [200, undefined],
    [201, undefined],
    [202, '0-0'],
    [204, '0-0'],
  ])('is progress if it is %i with the range %s', async (status, range) => {
    const one = await registryWith(answersTo('PATCH', { status, headers: { range } }))
    expect(await storeAt(one.registry, chunked).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST PATCH PATCH PATCH PATCH PUT')
    expect(one.state.received).toEqual(bytes)
  })

  it('may have a range with a unit', async () => {
    const one = await registryWith(({ method, headers }) => {
      if (method !== 'PATCH') return undefined
      const end = headers['content-range']?.split('-')[1]
      return { status: 202, headers: { range: `bytes=0-${end}` } }
    })
    await storeAt(one.registry, chunked).putBlob(blob, bytesSource(bytes), newCall())
    expect(one.steps()).toBe('HEAD POST PATCH PATCH PATCH PATCH PUT')
  })

  it('says that the session is lost, and not that chunks are refused, if its code is that', async () => {
    let chunks = 0
    const lost: ScriptedAnswer = {
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}',
    }
    const one = await registryWith(({ method }) => (method === 'PATCH' && chunks++ === 0 ? lost : undefined))
    const store = storeAt(one.registry, chunked)
    expect(await store.putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST PATCH HEAD DELETE POST PATCH PATCH PATCH PATCH PUT')
    expect(store.capability('chunks')).toBe('yes')
  })
})

describe('the answer to the end of an upload', () => {
  it.each([
    [201, 'HEAD POST PUT'],
    [204, 'HEAD POST PUT'],
    [200, 'HEAD POST PUT HEAD'],
    [202, 'HEAD POST PUT HEAD'],
  ])('means that the blob is stored if it is %i', async (status, steps) => {
    const one = await registryWith(answersTo('PUT', { status }))
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe(steps)
  })

  it.each([200, 202])('is not accepted if it is %i and the blob is missing', async (status) => {
    const one = await registryWith(({ method }) => {
      if (method === 'HEAD') return { status: 404 }
      return method === 'PUT' ? { status } : undefined
    })
    const call = newCall()
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), call)).rejects.toMatchObject({
      code: 'protocol',
      why: `it answered ${status} to the last request of the upload, and 404 to HEAD of the blob`,
    })
    const reported = call.events.flatMap((event) => (event.kind === 'bytes' ? [event.bytes] : []))
    expect(reported.reduce((sum, count) => sum + count, 0)).toBe(0)
    expect(one.steps().endsWith('DELETE')).toBe(true)
  })

  it('is not accepted if it is 202 and the blob has another size', async () => {
    let reads = 0
    const one = await registryWith(({ method }) => {
      if (method === 'PUT') return { status: 202 }
      if (method !== 'HEAD') return undefined
      return reads++ === 0 ? { status: 404 } : { status: 200, headers: { 'content-length': '5' } }
    })
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      code: 'corrupt',
    })
  })
})

describe('the refusal of an upload as BLOB_UPLOAD_INVALID', () => {
  const invalid: ScriptedAnswer = {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}',
  }

  it('can mean damaged bytes, as at olareg, so that they are sent again', async () => {
    let ends = 0
    const one = await registryWith(({ method }) => (method === 'PUT' && ends++ === 0 ? invalid : undefined))
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST PUT GET HEAD DELETE POST PUT')
  })

  it('is accepted the third time', async () => {
    const one = await registryWith(answersTo('PUT', invalid))
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      status: 400,
      registryCode: 'BLOB_UPLOAD_INVALID',
    })
    expect(
      one
        .steps()
        .split(' ')
        .filter((step) => step === 'PUT'),
    ).toHaveLength(3)
  })
})

describe('HEAD of a blob', () => {
  it.each([
    [400, 'HEAD POST PUT'],
    // The challenge of GET /v2/ may say more.
    [401, 'HEAD GET POST PUT'],
    [403, 'HEAD POST PUT'],
    [405, 'HEAD POST PUT'],
    [501, 'HEAD POST PUT'],
  ])('that is refused by %i is followed by an upload', async (status, steps) => {
    const one = await registryWith(answersTo('HEAD', { status }))
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe(steps)
  })

  it('that is redirected to a storage that refuses it is followed by an upload', async () => {
    const storage = await scripted(() => ({ status: 403 }))
    const location = `http://${storage.registry}/bucket?X-Signature=abc`
    const one = await registryWith(answersTo('HEAD', { status: 307, headers: { location } }))
    expect(await storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST PUT')
    expect(storage.heard.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it('that is refused leaves the refusal of the upload as the error', async () => {
    const one = await registryWith(({ method }) => ({ status: method === 'DELETE' ? 204 : 403 }))
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      code: 'forbidden',
      message: `cannot upload the blob: ${one.registry} does not allow it`,
    })
    expect(one.steps()).toBe('HEAD POST')
  })

  it('that fails is an error', async () => {
    const one = await registryWith(answersTo('HEAD', { status: 500 }))
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(one.steps()).not.toContain('POST')
  })
})

describe('a redirect of an upload', () => {
  it.each([307, 308])('is followed by every request, with its bytes (%i)', async (status) => {
    const one = await registryWith(({ method, path }) => {
      if (path.includes('moved') || method === 'HEAD') return undefined
      return { status, headers: { location: `${path}${path.includes('?') ? '&' : '?'}moved` } }
    })
    const source = bytesSource(bytes)
    expect(await storeAt(one.registry, chunked).putBlob(blob, source, newCall())).toBe('uploaded')
    expect(one.steps()).toBe('HEAD POST POST PATCH PATCH PATCH PATCH PATCH PATCH PATCH PATCH PUT PUT')
    expect(one.state.received).toEqual(bytes)
    // Each chunk is read again from its start.
    expect(source.opened).toEqual([0, 0, 3000, 3000, 6000, 6000, 9000, 9000])
  })

  it.each([
    ['whole', 'PUT', {}],
    ['in chunks', 'PATCH', chunked],
  ])('sends a blob %s to signed URLs of a storage, without credentials', async (_, method, options) => {
    const storage = await scripted(() => ({ status: 200, headers: { location: '/bucket/object' } }))
    const one = await registryWith(({ method: sent }) => {
      if (sent === 'HEAD') return { status: storage.heard.length > 0 ? 200 : 404 }
      if (sent === 'PUT' && method === 'PATCH') return { status: 201 }
      const location = `http://${storage.registry}/bucket?X-Signature=abc`
      return sent === method ? { status: 307, headers: { location } } : undefined
    })
    const stack = openStack()
    const fetch: typeof stack.fetch = (request, call) =>
      stack.fetch({ ...request, headers: { ...request.headers, authorization: 'Basic canary' } }, call)
    const store = storeAt(one.registry, { ...stack, fetch, ...options })
    expect(await store.putBlob(blob, bytesSource(bytes), newCall())).toBe('uploaded')
    expect(Buffer.concat(storage.heard.map(({ body }) => body))).toEqual(bytes)
    for (const { path, headers } of storage.heard) {
      expect(path).toBe('/bucket?X-Signature=abc')
      expect(headers.authorization).toBeUndefined()
    }
    for (const { headers } of one.heard) expect(headers.authorization).toBe('Basic canary')
  })

  it.each(['close', 'keep-alive'])('is followed before the body has been sent (%s)', async (connection) => {
    const large = Buffer.alloc(8 * 1024 ** 2, 7)
    const storage = await scripted(() => ({ status: 201 }))
    const server = createServer((request, response) => {
      const headers = {
        POST: [202, { location: `${uploadsPath}/1` }],
        PUT: [307, { location: `http://${storage.registry}/bucket`, connection }],
      } as const
      const [status, more] = headers[request.method as 'POST' | 'PUT'] ?? [404, {}]
      response.writeHead(status, more).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const store = storeAt(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(await store.putBlob(blobOf(large), bytesSource(large, 64 * 1024), newCall())).toBe('uploaded')
    expect(storage.heard.map(({ method, body }) => `${method} ${digestOf(body)}`)).toEqual([
      `PUT ${digestOf(large)}`,
    ])
  })

  it.each([301, 302, 303])('by %i is an error: it turns a POST into a GET', async (status) => {
    const one = await registryWith(answersTo('POST', { status, headers: { location: `${uploadsPath}/` } }))
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      code: 'protocol',
      status,
      why: `it redirects to http://${one.registry} with ${status}, which turns a write into a GET`,
    })
    expect(one.steps()).toBe('HEAD POST')
  })

  it('to a session of another host is refused', async () => {
    const thief = await scripted(() => ({ status: 202, headers: { location: `${uploadsPath}/1` } }))
    const location = `http://${thief.registry}${uploadsPath}/`
    const one = await registryWith(answersTo('POST', { status: 307, headers: { location } }))
    await expect(storeAt(one.registry).putBlob(blob, bytesSource(bytes), newCall())).rejects.toMatchObject({
      code: 'protocol',
      why: `it redirected a POST to another origin, http://${thief.registry}`,
    })
    expect(thief.heard).toEqual([])
  })
})
