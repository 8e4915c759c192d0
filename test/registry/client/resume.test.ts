import { describe, expect, it, onTestFinished } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { BlobSource } from '../../../src/images/ports.ts'
import { type CuttingProxy, cuttingProxy } from '../../support/cutting-proxy.ts'
import { dockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts'
import { Oracle } from '../../support/oracle.ts'
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
} from './world.ts'

const mebibyte = 1024 ** 2
const size = 6 * mebibyte
const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 12)) % 251))
const blob = blobOf(bytes)
const uploads = { wholeUpTo: mebibyte, chunk: mebibyte }
/** more bytes than the headers of all requests of an upload */
const headers = 32 * 1024

async function line(to: string, ...cuts: number[]): Promise<CuttingProxy> {
  const made = await cuttingProxy(to, cuts)
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

/** The bytes in pieces of 64 KiB. */
const source = (content: Uint8Array = bytes) => bytesSource(content, 65_536)

/** The hash of the blob at the registry. */
async function digestAt(oracle: Oracle): Promise<string> {
  return digestOf((await oracle.get(`/v2/team/api/blobs/${blob.digest}`)).body)
}

/** The sum of the reported bytes, including corrections. */
function reportedBytes(call: ReturnType<typeof newCall>): number {
  return call.events.reduce((sum, event) => sum + (event.kind === 'bytes' ? event.bytes : 0), 0)
}

describe('an interrupted upload of a large blob', () => {
  it.each([0.02, 0.17, 0.33, 0.5, 0.61, 0.84, 0.95, 0.99])(
    'continues its session at %d of its bytes, and sends at most one chunk twice',
    async (part) => {
      const one = await embedded()
      const wire = await line(one.registry, Math.round(size * part))
      const call = newCall()
      expect(await storeAt(wire.host, { uploads }).putBlob(blob, source(), call)).toBe('uploaded')
      expect(wire.sent()).toBeLessThan(size + mebibyte + headers)
      expect(one.log.filter(({ method }) => method === 'POST')).toHaveLength(1)
      expect(await digestAt(one.oracle)).toBe(blob.digest)
      expect(reportedBytes(call)).toBe(size)
    },
  )

  it('succeeds after any number of interruptions if each attempt makes progress', async () => {
    const one = await embedded()
    const cuts = Array.from({ length: 14 }, (_, i) => 300_000 + i * 400_000)
    const wire = await line(one.registry, ...cuts)
    expect(await storeAt(wire.host, { uploads }).putBlob(blob, source(), newCall())).toBe('uploaded')
    expect(one.log.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(wire.sent()).toBeLessThan(size + cuts.length * mebibyte)
    expect(await digestAt(one.oracle)).toBe(blob.digest)
  })

  it('continues a single PUT in chunks from the size of the session', async () => {
    const one = await embedded()
    const wire = await line(one.registry, size / 2)
    const from = source()
    const whole = storeAt(wire.host, { uploads: { wholeUpTo: size, chunk: 4 * mebibyte } })
    expect(await whole.putBlob(blob, from, newCall())).toBe('uploaded')
    // The client has no hash of the bytes that were sent, so the hash starts again.
    expect(from.opened).toEqual([0, 0])
    expect(one.log.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PUT', 'GET', 'PATCH', 'PUT'])
    expect(wire.sent()).toBeLessThan(size + mebibyte + headers)
  })

  it('continues after an error of its source', async () => {
    const one = await embedded()
    let opened = 0
    const from: BlobSource = {
      open: async (offset, call) => {
        const content = await source().open(offset, call)
        if (opened++ > 0) return content
        return (async function* () {
          let given = 0
          for await (const chunk of content) {
            if ((given += chunk.byteLength) > 700_000) throw new DrayError('network', 'the source broke')
            yield chunk
          }
        })()
      },
    }
    expect(await storeAt(one.registry, { uploads }).putBlob(blob, from, newCall())).toBe('uploaded')
    expect(one.log.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(await digestAt(one.oracle)).toBe(blob.digest)
  })

  it('is never closed if its source returns other bytes the second time', async () => {
    const one = await embedded()
    const wire = await line(one.registry, size / 2)
    const other = Buffer.from(bytes)
    other.writeUInt8(other.readUInt8(5_000_000) ^ 1, 5_000_000)
    let opened = 0
    const from: BlobSource = {
      open: (offset, call) => source(opened++ > 2 ? other : bytes).open(offset, call),
    }
    await expect(storeAt(wire.host, { uploads }).putBlob(blob, from, newCall())).rejects.toMatchObject({
      code: 'corrupt',
    })
    expect(one.log.filter(({ method }) => method === 'PUT')).toEqual([])
    expect(one.log.filter(({ method }) => method === 'POST').length).toBe(
      one.log.filter(({ method }) => method === 'DELETE').length,
    )
  })

  it('continues at distribution 3, whose location is of an earlier state', async () => {
    const one = await embedded({ profile: 'distribution-3' })
    const wire = await line(one.registry, Math.round(size / 2), Math.round(size * 0.7))
    expect(await storeAt(wire.host, { uploads }).putBlob(blob, source(), newCall())).toBe('uploaded')
    expect(one.log.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(wire.sent()).toBeLessThan(size + 2 * mebibyte)
    expect(await digestAt(one.oracle)).toBe(blob.digest)
  })

  it('is cancelled at distribution 3 at its current location', async () => {
    const one = await embedded({ profile: 'distribution-3' })
    const from: BlobSource = {
      open: async () =>
        (async function* () {
          yield bytes.subarray(0, 1_000_000)
          throw new DrayError('corrupt', 'the source lies', { subject: 'there' })
        })(),
    }
    const upload = storeAt(one.registry, { uploads }).putBlob(blob, from, newCall())
    await expect(upload).rejects.toMatchObject({ code: 'corrupt' })
    const cancelled = one.log.filter(({ method, status }) => method === 'DELETE' && status === 204)
    expect(cancelled).toHaveLength(one.log.filter(({ method }) => method === 'POST').length)
  })

  it.each(['docker-registry-2.8', 'zot-2.1'] as const)(
    'starts again at %s, which drops the session of a broken chunk',
    async (profile) => {
      const one = await embedded({ profile })
      const wire = await line(one.registry, Math.round(size / 2))
      const call = newCall()
      expect(await storeAt(wire.host, { uploads }).putBlob(blob, source(), call)).toBe('uploaded')
      expect(one.log.filter(({ method }) => method === 'POST')).toHaveLength(2)
      expect(await digestAt(one.oracle)).toBe(blob.digest)
      expect(reportedBytes(call)).toBe(size)
    },
  )

  it.skipIf(!dockerRegistry.available)(`succeeds at docker-registry${dockerRegistry.note}`, async () => {
    const registry = await startDockerRegistry()
    onTestFinished(() => registry.stop())
    const wire = await line(registry.host, Math.round(size / 2))
    const store = openStores({ uploads }).target({ registry: wire.host, path: 'team/api' })
    expect(await store.putBlob(blob, source(), newCall())).toBe('uploaded')
    expect(await digestAt(new Oracle(registry.url))).toBe(blob.digest)
  })
})

const small = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251))
const smallBlob = blobOf(small)
const smallUploads = { wholeUpTo: 4000, chunk: 3000 }
const lost: ScriptedAnswer = { status: 0, raw: (response) => void response.destroy() }

/** A registry that accepts everything unless `twist` answers; `session` counts the sessions. */
async function twisted(twist: (request: ReceivedRequest, session: number) => ScriptedAnswer | undefined) {
  const stored = new Set<string>()
  let sessions = 0
  const server = await scripted((request) => {
    const { method, path } = request
    const url = new URL(path, 'http://x')
    if (method === 'POST') sessions++
    const answer = twist(request, sessions)
    if (answer !== undefined) return answer
    switch (method) {
      case 'HEAD':
        return { status: stored.has(url.pathname.split('/').at(-1) ?? '') ? 200 : 404 }
      case 'POST':
        return { status: 202, headers: { location: `/v2/team/api/blobs/uploads/${sessions}` } }
      case 'PUT':
        stored.add(url.searchParams.get('digest') ?? '')
        return { status: 201 }
      default:
        return { status: method === 'PATCH' ? 202 : 204 }
    }
  })
  return { ...server, steps: () => server.heard.map(({ method }) => method) }
}

describe('the status of a session', () => {
  const isSecondChunk = ({ method, headers: sent }: ReceivedRequest): boolean =>
    method === 'PATCH' && sent['content-range'] === '3000-5999'

  it.each([
    ['less than it had acknowledged', '0-1999'],
    ['more than was sent', '0-8999'],
    ['nothing', undefined],
    ['nonsense', '3000'],
    ['another unit', 'items=0-4000'],
    ['an endless number', `0-${'9'.repeat(40)}`],
  ])('is ignored if it is %s, and a new session is opened', async (_, range) => {
    const one = await twisted((request, session) => {
      if (session === 1 && isSecondChunk(request)) return lost
      if (request.method === 'GET') return { status: 204, headers: { range } }
      return undefined
    })
    expect(
      await storeAt(one.registry, { uploads: smallUploads }).putBlob(
        smallBlob,
        bytesSource(small),
        newCall(),
      ),
    ).toBe('uploaded')
    expect(one.steps().join(' ')).toBe(
      'HEAD POST PATCH PATCH GET HEAD DELETE POST PATCH PATCH PATCH PATCH PUT',
    )
  })

  it('has the location at which the upload continues', async () => {
    const one = await twisted((request) => {
      if (isSecondChunk(request)) return lost
      if (request.method !== 'GET') return undefined
      return {
        status: 204,
        headers: { range: '0-4499', location: '/v2/team/api/blobs/uploads/moved?_state=x' },
      }
    })
    const from = bytesSource(small)
    await storeAt(one.registry, { uploads: smallUploads }).putBlob(smallBlob, from, newCall())
    const rest = one.heard.slice(5)
    expect(
      rest.map(({ method, headers: sent }) => `${method} ${sent['content-range'] ?? ''}`.trim()),
    ).toEqual(['PATCH 4500-7499', 'PATCH 7500-9999', 'PUT'])
    expect(rest[0]?.path).toBe('/v2/team/api/blobs/uploads/moved?_state=x')
    expect(rest[0]?.body).toEqual(small.subarray(4500, 7500))
    // The hash continues from the start of the broken chunk.
    expect(from.opened).toEqual([0, 3000, 3000, 7500])
  })

  it('makes the upload start again in the same session if no byte arrived', async () => {
    let broken = 0
    const one = await twisted(({ method }) => {
      if (method === 'PUT' && broken++ === 0) return { status: 503 }
      return method === 'GET' ? { status: 204, headers: { range: '0-0' } } : undefined
    })
    await storeAt(one.registry).putBlob(smallBlob, bytesSource(small), newCall())
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT', 'GET', 'PUT'])
    expect(one.heard.at(-1)?.body).toEqual(small)
  })

  it('makes a HEAD or a DELETE unnecessary', async () => {
    const one = await twisted((request, session) => {
      if (session === 1 && isSecondChunk(request)) return lost
      return request.method === 'GET' ? { status: 404 } : undefined
    })
    await storeAt(one.registry, { uploads: smallUploads }).putBlob(smallBlob, bytesSource(small), newCall())
    expect(one.steps().slice(0, 7)).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'GET', 'HEAD', 'POST'])
  })

  it('is read after a chunk that is answered 416', async () => {
    let refused = 0
    const one = await twisted((request) => {
      if (isSecondChunk(request) && refused++ === 0) return { status: 416 }
      return request.method === 'GET' ? { status: 204, headers: { range: '0-3999' } } : undefined
    })
    await storeAt(one.registry, { uploads: smallUploads }).putBlob(smallBlob, bytesSource(small), newCall())
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'GET', 'PATCH', 'PATCH', 'PUT'])
  })

  it('is not read again if it does not change although bytes arrive', async () => {
    // Amazon ECR: github.com/aws/containers-roadmap/issues/2831
    const one = await twisted(({ method }) =>
      method === 'PATCH' ? { status: 202, headers: { range: '0-2999' } } : undefined,
    )
    const stores = openStores({ uploads: smallUploads })
    const store = stores.target({ registry: one.registry, path: 'team/api' })
    expect(await store.putBlob(smallBlob, bytesSource(small), newCall())).toBe('uploaded')
    expect(store.capability('uploadRange')).toBe('no')
    expect(one.steps().slice(-7)).toEqual(['DELETE', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT'])
  })

  it('is ignored after an upload from that offset had a wrong digest', async () => {
    const answer: ScriptedAnswer = {
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: '{"errors":[{"code":"DIGEST_INVALID"}]}',
    }
    const one = await twisted((request, session) => {
      if (session === 1 && isSecondChunk(request)) return lost
      if (session === 1 && request.method === 'PUT') return answer
      return request.method === 'GET' ? { status: 204, headers: { range: '0-4499' } } : undefined
    })
    const store = storeAt(one.registry, { uploads: smallUploads })
    expect(await store.putBlob(smallBlob, bytesSource(small), newCall())).toBe('uploaded')
    expect(store.capability('uploadRange')).toBe('no')
  })

  it('is not read if the registry is known not to report it', async () => {
    const one = await twisted((request, session) =>
      session === 1 && isSecondChunk(request) ? lost : undefined,
    )
    const known = (_: string, name: string) => (name === 'uploadRange' ? 'no' : 'unknown')
    await storeAt(one.registry, { uploads: smallUploads, known }).putBlob(
      smallBlob,
      bytesSource(small),
      newCall(),
    )
    expect(one.steps()).not.toContain('GET')
  })
})

describe('a registry that refuses chunks', () => {
  it.each([400, 405, 411, 413, 415, 416, 501])('with %i gets the blob in one PUT', async (status) => {
    const one = await twisted(({ method }) => (method === 'PATCH' ? { status } : undefined))
    const store = storeAt(one.registry, { uploads: smallUploads })
    expect(await store.putBlob(smallBlob, bytesSource(small), newCall())).toBe('uploaded')
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PATCH', 'DELETE', 'POST', 'PUT'])
    expect(store.capability('chunks')).toBe('no')
    one.heard.length = 0
    const other = Buffer.alloc(9000, 7)
    await store.putBlob(blobOf(other), bytesSource(other), newCall())
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT'])
  })

  it('after the first one gets the blob in one PUT', async () => {
    const one = await twisted(({ method, headers: sent }) => {
      if (method === 'PATCH' && sent['content-range'] !== '0-2999') return { status: 416 }
      return method === 'GET' ? { status: 204, headers: { range: '0-2999' } } : undefined
    })
    await storeAt(one.registry, { uploads: smallUploads }).putBlob(smallBlob, bytesSource(small), newCall())
    expect(one.steps().slice(-3)).toEqual(['DELETE', 'POST', 'PUT'])
  })

  it('and is known for it gets none', async () => {
    const one = await twisted(() => undefined)
    const known = (_: string, name: string) => (name === 'chunks' ? 'no' : 'unknown')
    await storeAt(one.registry, { uploads: smallUploads, known }).putBlob(
      smallBlob,
      bytesSource(small),
      newCall(),
    )
    expect(one.steps()).toEqual(['HEAD', 'POST', 'PUT'])
  })
})
