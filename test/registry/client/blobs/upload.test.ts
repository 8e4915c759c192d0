import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRegistry } from '../../../../src/embedded/server.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { BlobSource } from '../../../../src/images/ports.ts'
import {
  blobOf,
  bytesSource,
  embedded,
  type ReceivedRequest,
  newCall,
  openStores,
  type ScriptedAnswer,
  scripted,
  storeAt,
} from '../world.ts'

const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251))
const blob = blobOf(bytes)
const from: BlobSource = bytesSource(bytes)

/** A registry that works unless `twist` answers. `stored` has the blobs by digest. */
async function twisted(twist: (request: ReceivedRequest, step: string) => ScriptedAnswer | undefined) {
  const stored = new Set<string>()
  let sessions = 0
  const kept = (request: ReceivedRequest): ScriptedAnswer => {
    const { method, path } = request
    const url = new URL(path, 'http://x')
    if (method === 'HEAD') {
      const there = stored.has(url.pathname.split('/').at(-1) ?? '')
      return there ? { status: 200, headers: { 'content-length': String(blob.size) } } : { status: 404 }
    }
    if (method === 'POST') {
      sessions++
      return { status: 202, headers: { location: `/v2/team/api/blobs/uploads/${sessions}?_state=a%2Fb` } }
    }
    if (method === 'DELETE') return { status: 204 }
    if (method === 'PUT') stored.add(url.searchParams.get('digest') ?? '')
    return { status: method === 'PUT' ? 201 : 202 }
  }
  const server = await scripted((request) => {
    return twist(request, `${request.method} ${sessions}`) ?? kept(request)
  })
  return { ...server, stored, keep: kept, steps: () => server.heard.map(({ method }) => method) }
}

/** Passes requests on, but answers the first one with `method` by 429 before its body. */
async function refusingProxy(to: string, method: string): Promise<string> {
  let refused = false
  const server = createServer((request, response) => {
    if (request.method === method && !refused) {
      refused = true
      response.writeHead(429, { 'retry-after': '0', connection: 'close' }).end()
      return
    }
    const headers = request.headers
    const onward = forward(`http://${to}${request.url ?? ''}`, { method: request.method, headers })
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const lost: ScriptedAnswer = { status: 0, raw: (response) => void response.destroy() }

describe('a blob within one registry', () => {
  const mountFrom = (registry: string): BlobSource => ({
    ...from,
    repository: { registry, path: 'team/other' },
  })

  it('is mounted by one request, without HEAD', async () => {
    const { registry, requests } = await scripted(() => ({ status: 201 }))
    const store = storeAt(registry)
    expect(await store.putBlob(blob, mountFrom(registry), newCall())).toBe('mounted')
    const digest = encodeURIComponent(blob.digest)
    expect(requests()).toEqual([`POST /v2/team/api/blobs/uploads/?mount=${digest}&from=team%2Fother`])
    expect(store.capability('mount')).toBe('yes')
  })

  it('with a mount that is answered 202 is uploaded in the opened session', async () => {
    const one = await twisted(() => undefined)
    const store = storeAt(one.registry)
    expect(await store.putBlob(blob, mountFrom(one.registry), newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['POST', 'HEAD', 'PUT'])
    expect(one.heard.at(-1)?.path).toBe(
      `/v2/team/api/blobs/uploads/1?_state=a%2Fb&digest=${encodeURIComponent(blob.digest)}`,
    )
  })

  it('with a mount that is answered 202 although it exists leaves no session open', async () => {
    const one = await twisted(() => undefined)
    one.stored.add(blob.digest)
    expect(await storeAt(one.registry).putBlob(blob, mountFrom(one.registry), newCall())).toBe('present')
    expect(one.steps()).toEqual(['POST', 'HEAD', 'DELETE'])
  })

  it.each([400, 403, 404, 405])('with a mount that is answered %i is uploaded', async (status) => {
    const one = await twisted(({ path }) => (path.includes('mount=') ? { status } : undefined))
    expect(await storeAt(one.registry).putBlob(blob, mountFrom(one.registry), newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['POST', 'HEAD', 'POST', 'PUT'])
  })

  it.each([
    [401, 'unauthorized'],
    [429, 'unavailable'],
    [503, 'unavailable'],
  ])('with a mount that is answered %i fails without an upload', async (status, code) => {
    const headers = { 'www-authenticate': 'Basic realm="x"' }
    const { registry, heard } = await scripted(() => ({ status, headers }))
    await expect(storeAt(registry).putBlob(blob, mountFrom(registry), newCall())).rejects.toMatchObject({
      code,
    })
    expect(heard.every(({ path }) => path.includes('mount='))).toBe(true)
  })

  it.each([
    ['whole', 1_000_000],
    ['in chunks', 100_000],
  ])('is copied 32 times at once without mounts, %s', async (_, wholeUpTo) => {
    const one = await embedded({ abilities: { mount: false } })
    const blobs = Array.from({ length: 32 }, (_none, i) => Buffer.alloc(300_000, i))
    for (const content of blobs) await one.oracle.pushBlob('a', digestOf(content), content)
    const stores = openStores({ uploads: { wholeUpTo, chunk: 100_000 } })
    const [a, b] = [
      stores.source({ registry: one.registry, path: 'a' }),
      stores.target({ registry: one.registry, path: 'b' }),
    ]
    const copies = blobs.map((content) => {
      const d = blobOf(content)
      return b.putBlob(
        d,
        { repository: a.repository, open: (offset, call) => a.blob(d, offset, call) },
        newCall(),
      )
    })
    expect(new Set(await Promise.all(copies))).toEqual(new Set(['uploaded']))
  })
})

describe('an upload', () => {
  it('sends HEAD, then the bytes in one PUT of known length', async () => {
    const one = await twisted(() => undefined)
    const source = bytesSource(bytes)
    expect(await storeAt(one.registry).putBlob(blob, source, newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT'])
    expect(one.heard[2]?.headers['content-length']).toBe(String(bytes.length))
    expect(one.heard[2]?.body).toEqual(bytes)
    expect(source.opened).toEqual([0])
    expect(await storeAt(one.registry).putBlob(blob, source, newCall())).toBe('present')
  })

  it('names the algorithm of a sha512 digest', async () => {
    const one = await twisted(() => undefined)
    const d = { ...blob, digest: digestOf(bytes, 'sha512') }
    await storeAt(one.registry).putBlob(d, from, newCall())
    expect(one.heard[1]?.path).toBe('/v2/team/api/blobs/uploads/?digest-algorithm=sha512')
  })

  it('with a lost answer is found by HEAD, and not sent again', async () => {
    const one = await twisted((request, step) => {
      if (step !== 'PUT 1') return undefined
      one.keep(request)
      return lost
    })
    expect(await storeAt(one.registry).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT', 'GET', 'HEAD', 'DELETE'])
  })

  it.each([
    ['breaks', lost],
    ['is answered 500', { status: 500 }],
    ['is answered 503', { status: 503 }],
  ])('that %s reads the status of its session, and cancels a session without a status', async (_, answer) => {
    const one = await twisted((_request, step) => (step === 'PUT 1' ? answer : undefined))
    expect(await storeAt(one.registry).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT', 'GET', 'HEAD', 'DELETE', 'POST', 'PUT'])
    expect(one.heard[3]?.path).toBe('/v2/team/api/blobs/uploads/1?_state=a%2Fb')
    expect(one.heard[5]?.path).toBe('/v2/team/api/blobs/uploads/1?_state=a%2Fb')
  })

  it.each([
    ['finds its session gone', { status: 404 }],
    [
      'arrives with a byte flipped',
      {
        status: 400,
        headers: { 'content-type': 'application/json' },
        body: '{"errors":[{"code":"DIGEST_INVALID"}]}',
      },
    ],
  ])('that %s cancels its session and opens a new one', async (_, answer) => {
    const one = await twisted((_request, step) => (step === 'PUT 1' ? answer : undefined))
    expect(await storeAt(one.registry).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT', 'HEAD', 'DELETE', 'POST', 'PUT'])
    expect(one.heard[4]?.path).toBe('/v2/team/api/blobs/uploads/1?_state=a%2Fb')
  })

  it('that fails leaves no session open', async () => {
    const one = await twisted(({ method }) => (method === 'PUT' ? { status: 500 } : undefined))
    await expect(storeAt(one.registry).putBlob(blob, from, newCall())).rejects.toMatchObject({
      code: 'unavailable',
      subject: `${one.registry}/team/api@${blob.digest}`,
    })
    const count = (method: string) => one.steps().filter((step) => step === method).length
    expect(count('DELETE')).toBe(count('POST'))
    expect(count('PUT')).toBe(4)
  })

  it('that is forbidden is not retried', async () => {
    const one = await twisted(({ method }) => (method === 'PUT' ? { status: 403 } : undefined))
    await expect(storeAt(one.registry).putBlob(blob, from, newCall())).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(one.steps().filter((step) => step === 'PUT')).toHaveLength(1)
  })

  it('to a registry without room is not retried, and says what to do', async () => {
    const chunks = { uploads: { wholeUpTo: 1000, chunk: 1000 } }
    for (const [options, method] of [
      [{}, 'PUT'],
      [chunks, 'PATCH'],
    ] as const) {
      const body = '{"errors":[{"code":"STORAGE_FULL","message":"no space left on device"}]}'
      const full = { status: 507, headers: { 'content-type': 'application/json' }, body }
      const registry = await twisted((request) => (request.method === method ? full : undefined))
      const upload = storeAt(registry.registry, options).putBlob(blob, from, newCall())
      await expect(upload).rejects.toMatchObject({
        code: 'unavailable',
        status: 507,
        registryCode: 'STORAGE_FULL',
        why: 'no space left on device',
        hint: expect.stringContaining('Free space in the registry') as string,
      })
      expect(registry.steps()).toEqual(['HEAD', 'POST', method, 'HEAD', 'DELETE'])
    }
  })

  it('cancels its session when the run is interrupted', async () => {
    const stop = new AbortController()
    const one = await twisted(() => undefined)
    const source: BlobSource = {
      open: async () => {
        stop.abort(new DrayError('interrupted', 'interrupted'))
        throw stop.signal.reason
      },
    }
    await expect(storeAt(one.registry).putBlob(blob, source, newCall(stop.signal))).rejects.toMatchObject({
      code: 'interrupted',
    })
    expect(one.steps().at(-1)).toBe('DELETE')
  })

  it('cancels a session that was opened just after the run was interrupted', async () => {
    const stop = new AbortController()
    const reason = new DrayError('interrupted', 'interrupted')
    const server = await scripted(({ method }) => {
      if (method !== 'POST') return { status: method === 'HEAD' ? 404 : 204 }
      stop.abort(reason)
      return {
        status: 0,
        raw: (response) =>
          void setImmediate(() =>
            response.writeHead(202, { location: '/v2/team/api/blobs/uploads/1' }).end(),
          ),
      }
    })
    const uploading = storeAt(server.registry).putBlob(blob, from, newCall(stop.signal))
    await expect(uploading).rejects.toMatchObject({ code: 'interrupted' })
    expect(server.requests().at(-1)).toBe('DELETE /v2/team/api/blobs/uploads/1')
  })

  it('throws the error of its source, and makes three attempts with corrupt bytes', async () => {
    const one = await twisted(() => undefined)
    let opened = 0
    const source: BlobSource = {
      open: async () => {
        opened++
        return (async function* () {
          yield bytes.subarray(0, 5000)
          throw new DrayError('corrupt', 'the source lies', { subject: 'there' })
        })()
      },
    }
    await expect(storeAt(one.registry).putBlob(blob, source, newCall())).rejects.toMatchObject({
      code: 'corrupt',
      subject: 'there',
    })
    expect(opened).toBe(3)
    expect(one.stored.size).toBe(0)
  })

  it.each(['http://127.0.0.2:9/x', 'https://evil.example/upload', 'http://user:secret@HOST/x'])(
    'does not follow a Location to %s',
    async (location) => {
      const { registry, heard } = await scripted(({ method, headers }) =>
        method === 'HEAD'
          ? { status: 404 }
          : { status: 202, headers: { location: location.replace('HOST', headers.host ?? '') } },
      )
      await expect(storeAt(registry).putBlob(blob, from, newCall())).rejects.toMatchObject({
        code: 'protocol',
      })
      expect(heard.map(({ method }) => method)).toEqual(['HEAD', 'POST'])
    },
  )

  it('reports its bytes, and corrects the number of lost ones', async () => {
    const one = await twisted((_request, step) => (step === 'PUT 1' ? { status: 500 } : undefined))
    const call = newCall()
    await storeAt(one.registry).putBlob(blob, from, call)
    const reported = call.events.flatMap((event) => (event.kind === 'bytes' ? [event.bytes] : []))
    expect(reported.reduce((sum, n) => sum + n, 0)).toBe(bytes.length)
    expect(Math.min(...reported)).toBe(-bytes.length)
  })
})

describe('an upload in chunks', () => {
  const uploads = { wholeUpTo: 4000, chunk: 3000 }

  it('sends the chunks in order, each from its offset in the source, and closes with the digest', async () => {
    const one = await embedded()
    const source = bytesSource(bytes)
    expect(await storeAt(one.registry, { uploads }).putBlob(blob, source, newCall())).toBe('uploaded')
    expect(one.requests().slice(2)).toEqual([
      ...Array.from({ length: 4 }, () => 'PATCH upload 202'),
      'PUT upload 201',
    ])
    expect(source.opened).toEqual([0, 3000, 6000, 9000])
    expect((await one.oracle.get(`/v2/team/api/blobs/${blob.digest}`)).body).toEqual(bytes)
  })

  it('uses the minimum size of the registry', async () => {
    const one = await embedded({ abilities: { chunkMinLength: 6000 } })
    await storeAt(one.registry, { uploads }).putBlob(blob, from, newCall())
    expect(one.log.filter(({ method }) => method === 'PATCH').map((entry) => entry.requestBytes)).toEqual([
      6000, 4000,
    ])
  })

  it('accepts 201 as the answer to a chunk', async () => {
    const one = await twisted(({ method }) => (method === 'PATCH' ? { status: 201 } : undefined))
    expect(await storeAt(one.registry, { uploads }).putBlob(blob, from, newCall())).toBe('uploaded')
  })

  it('starts again if a chunk broke and the session does not report its size', async () => {
    const answers: Record<string, ScriptedAnswer> = {
      'PATCH 1': lost,
      'PATCH 2': { status: 202, headers: { range: '0-17' } },
    }
    const one = await twisted((_request, step) => answers[step])
    expect(await storeAt(one.registry, { uploads }).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.steps().filter((step) => step === 'DELETE')).toHaveLength(2)
    expect(one.steps().slice(-5)).toEqual(['PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT'])
  })

  it('sends a refused chunk again in the same session, and hashes it once', async () => {
    let refused = 0
    const one = await twisted((request) => {
      const isSecond = request.headers['content-range']?.startsWith('3000-') === true
      return isSecond && refused++ === 0 ? { status: 429 } : undefined
    })
    expect(await storeAt(one.registry, { uploads }).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT'])
  })

  it('does not hash a chunk that was stopped while its source was slow', async () => {
    const slow = Promise.withResolvers<void>()
    const opened: number[] = []
    const source: BlobSource = {
      open: async (offset) => {
        opened.push(offset)
        const isFirst = opened.length === 1
        return (async function* () {
          yield bytes.subarray(offset, offset + 100)
          if (isFirst) await slow.promise
          else slow.resolve()
          await new Promise((resolve) => setImmediate(resolve))
          yield bytes.subarray(offset + 100)
        })()
      },
    }
    const running = await startRegistry()
    onTestFinished(() => running.close())
    const proxy = await refusingProxy(running.registry, 'PATCH')
    const call = newCall()
    const store = storeAt(proxy, { uploads: { wholeUpTo: 100, chunk: 4000 } })
    expect(await store.putBlob(blob, source, call)).toBe('uploaded')
    expect(opened).toEqual([0, 0, 4000, 8000])
    const reported = call.events.map((event) => (event.kind === 'bytes' ? event.bytes : 0))
    expect(reported.reduce((sum, one) => sum + one, 0)).toBe(blob.size)
  })

  it('is never closed if the bytes do not have the digest', async () => {
    const one = await twisted(() => undefined)
    const d = { ...blob, digest: digestOf('other') }
    await expect(storeAt(one.registry, { uploads }).putBlob(d, from, newCall())).rejects.toMatchObject({
      code: 'corrupt',
    })
    expect(one.steps()).not.toContain('PUT')
    expect(one.steps().at(-1)).toBe('DELETE')
  })
})
