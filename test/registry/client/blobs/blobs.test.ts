import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../../src/lib/errors.ts'
import type { RegistryResponse } from '../../../../src/registry/http/fetch.ts'
import { TransportFailure } from '../../../../src/registry/http/transport/transport-failure.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import {
  blobOf,
  collect,
  type ReceivedRequest,
  newCall,
  openStack,
  type ScriptedAnswer,
  scripted,
  storeAt,
} from '../world.ts'

const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251))
const blob = blobOf(bytes)

function rangeStart(request: ReceivedRequest): number {
  return Number(/^bytes=(\d+)-$/.exec(request.headers['range'] ?? '')?.[1] ?? 0)
}

/** The right answer to a request for the blob or a range of it. */
function part(request: ReceivedRequest, content: Buffer = bytes): ScriptedAnswer {
  const start = rangeStart(request)
  if (start === 0)
    return { status: 200, headers: { 'content-length': String(content.length) }, body: content }
  return {
    status: 206,
    headers: { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` },
    body: content.subarray(start),
  }
}

/** Breaks the connection after `length` bytes of the body. */
function breakingAfter(length: number, request: ReceivedRequest): ScriptedAnswer {
  return {
    status: 200,
    raw: (response) => {
      const right = part(request)
      response.writeHead(right.status, {
        ...right.headers,
        'content-length': String(bytes.length - rangeStart(request)),
      })
      response.write(Buffer.from(right.body ?? '').subarray(0, length), () => response.destroy())
    },
  }
}

async function read(registry: string, offset = 0): Promise<Buffer> {
  return collect(await storeAt(registry).blob(blob, offset, newCall()))
}

describe('a blob', () => {
  it('continues by Range after its connection broke, and is verified as a whole', async () => {
    const { registry, heard } = await scripted((request, count) =>
      count <= 2 ? breakingAfter(30_000, request) : part(request),
    )
    expect(await read(registry)).toEqual(bytes)
    expect(heard).toHaveLength(3)
    expect(rangeStart(heard[2] as ReceivedRequest)).toBeGreaterThan(rangeStart(heard[1] as ReceivedRequest))
  })

  it('is skipped up to the offset if the registry has no ranges', async () => {
    const { registry } = await scripted(() => ({ status: 200, body: bytes }))
    expect(await read(registry, 70_000)).toEqual(bytes.subarray(70_000))
  })

  it('is requested only up to the needed end, so that the connection can be used again', async () => {
    const { registry, heard } = await scripted(({ headers }) => {
      const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? []
      return {
        status: 206,
        headers: { 'content-range': `bytes ${first}-${last}/${bytes.length}` },
        body: bytes.subarray(Number(first), Number(last) + 1),
      }
    })
    const store = storeAt(registry)
    expect(await collect(await store.blob(blob, 0, newCall(), 40_000))).toEqual(bytes.subarray(0, 40_000))
    expect(await collect(await store.blob(blob, 40_000, newCall(), 70_000))).toEqual(
      bytes.subarray(40_000, 70_000),
    )
    expect(heard.map(({ headers }) => headers['range'])).toEqual(['bytes=0-39999', 'bytes=40000-69999'])
  })

  it('is cut at that end if the registry has no ranges', async () => {
    const { registry } = await scripted(() => ({ status: 200, body: bytes }))
    const cut = await storeAt(registry).blob(blob, 40_000, newCall(), 70_000)
    expect(await collect(cut)).toEqual(bytes.subarray(40_000, 70_000))
  })

  it('is an error with its name after several interruptions without progress', async () => {
    const { registry, heard } = await scripted((request) => breakingAfter(10, request))
    await expect(read(registry)).rejects.toMatchObject({
      code: 'network',
      subject: `${registry}/team/api@${blob.digest}`,
    })
    expect(heard.length).toBeLessThan(12)
  })

  it('returns its last bytes only after its digest is verified', async () => {
    const wrong = Buffer.from(bytes)
    wrong[5] = 255
    const { registry } = await scripted(() => ({ status: 200, body: wrong }))
    let given = 0
    const stream = await storeAt(registry).blob(blob, 0, newCall())
    const reading = (async () => {
      for await (const chunk of stream) given += chunk.byteLength
    })()
    await expect(reading).rejects.toMatchObject({
      code: 'corrupt',
      subject: `${registry}/team/api@${blob.digest}`,
    })
    expect(given).toBeLessThan(bytes.length)
  })

  it.each([
    ['a wrong Content-Length', { status: 200, body: bytes.subarray(1) }],
    [
      'more bytes than it has',
      {
        status: 200,
        headers: { 'transfer-encoding': 'chunked' },
        body: Buffer.concat([bytes, Buffer.from('x')]),
      },
    ],
    ['other bytes', { status: 200, body: Buffer.alloc(bytes.length) }],
  ])('with %s is corrupt', async (_, answer) => {
    const { registry } = await scripted(() => answer)
    await expect(read(registry)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('with one wrong Content-Length is fetched again', async () => {
    const { registry } = await scripted((request, count) =>
      count === 1 ? { status: 200, body: 'x' } : part(request),
    )
    expect(await read(registry)).toEqual(bytes)
  })

  it.each([
    ['of another place', 'bytes 1-99999/100000'],
    ['of another size', 'bytes 50000-99999/100001'],
    ['that is invalid', 'nonsense'],
  ])('with a range %s is corrupt', async (_, range) => {
    const { registry } = await scripted(() => ({
      status: 206,
      headers: { 'content-range': range },
      body: bytes.subarray(50_000),
    }))
    await expect(read(registry, 50_000)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('is read completely and skipped if its range is refused with 416', async () => {
    const { registry, heard } = await scripted((request, count) => {
      if (count === 1) return breakingAfter(30_000, request)
      return rangeStart(request) > 0 ? { status: 416 } : part(request)
    })
    expect(await read(registry)).toEqual(bytes)
    expect(heard).toHaveLength(3)
  })

  it('that does not exist is an error before anything is read', async () => {
    const { registry } = await scripted(() => ({ status: 404 }))
    await expect(storeAt(registry).blob(blob, 0, newCall())).rejects.toMatchObject({ code: 'not-found' })
  })

  it('without bytes is verified too', async () => {
    const { registry } = await scripted(() => ({ status: 200, body: '' }))
    expect(await collect(await storeAt(registry).blob(blobOf(''), 0, newCall()))).toHaveLength(0)
    const lie = { ...blobOf('x'), size: 0 }
    await expect(collect(await storeAt(registry).blob(lie, 0, newCall()))).rejects.toMatchObject({
      code: 'corrupt',
    })
  })

  it('with a sha512 digest is verified by sha512', async () => {
    const { registry } = await scripted((request) => part(request))
    const d = { ...blob, digest: digestOf(bytes, 'sha512') }
    expect(await collect(await storeAt(registry).blob(d, 0, newCall()))).toEqual(bytes)
  })
})

/** Ends a body without a Content-Length after `length` bytes. */
function endingAfter(length: number, request: ReceivedRequest, content: Buffer = bytes): ScriptedAnswer {
  const { headers, body, status } = part(request, content)
  return {
    status,
    headers: { ...headers, 'content-length': undefined, 'transfer-encoding': 'chunked' },
    body: Buffer.from(body ?? '').subarray(0, length),
  }
}

/** A body of which `length` bytes arrive before the transfer is too slow. */
async function* slowAfter(length: number, response: RegistryResponse): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of response.body) {
    yield chunk.subarray(0, length)
    break
  }
  throw new DrayError('timeout', 'too slow', { cause: new TransportFailure('too slow', 'SLOW', true) })
}

describe('a download that is interrupted', () => {
  it.each([
    ['breaks', breakingAfter],
    ['ends early', endingAfter],
  ])('100 times, and %s after some progress each time, is completed', async (_, interrupted) => {
    const { registry, heard } = await scripted((request) => interrupted(1_000, request))
    expect(await read(registry)).toEqual(bytes)
    expect(heard.length).toBeGreaterThanOrEqual(100)
  })

  it('20 times is completed between two offsets', async () => {
    const { registry } = await scripted(({ headers }) => {
      const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? []
      return {
        status: 206,
        headers: {
          'content-range': `bytes ${first}-${last}/${bytes.length}`,
          'transfer-encoding': 'chunked',
        },
        body: bytes.subarray(Number(first), Math.min(Number(first) + 1_000, Number(last) + 1)),
      }
    })
    const middle = await storeAt(registry).blob(blob, 40_000, newCall(), 60_000)
    expect(await collect(middle)).toEqual(bytes.subarray(40_000, 60_000))
  })

  it('20 times is completed without ranges if each attempt makes progress', async () => {
    const { registry, heard } = await scripted((_, count) => ({
      status: 200,
      headers: { 'transfer-encoding': 'chunked' },
      body: bytes.subarray(0, count * 5_000),
    }))
    expect(await read(registry)).toEqual(bytes)
    expect(heard).toHaveLength(20)
  })

  it('8 times at the same byte fails', async () => {
    const { registry, heard } = await scripted(() => ({
      status: 200,
      headers: { 'transfer-encoding': 'chunked' },
      body: bytes.subarray(0, 50_000),
    }))
    await expect(read(registry)).rejects.toMatchObject({ code: 'network' })
    // The first attempt made progress, and 7 more made none.
    expect(heard.length).toBeLessThanOrEqual(9)
  })

  it('and continued with other bytes is corrupt', async () => {
    const wrong = Buffer.from(bytes)
    wrong[70_500] = 252
    const { registry } = await scripted((request) => endingAfter(10_000, request, wrong))
    await expect(read(registry)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('by an abort sends no more requests', async () => {
    const stop = new AbortController()
    const { registry, heard } = await scripted((request, count) => {
      if (count === 20) stop.abort(new DrayError('interrupted', 'interrupted'))
      return endingAfter(1_000, request)
    })
    const reading = storeAt(registry)
      .blob(blob, 0, newCall(stop.signal))
      .then((stream) => collect(stream))
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' })
    expect(heard).toHaveLength(20)
  })

  it('because it is too slow gets two attempts', async () => {
    const { registry, heard } = await scripted((request) => part(request))
    const stack = openStack()
    const fetch: typeof stack.fetch = async (request, call) => {
      const response = await stack.fetch(request, call)
      return { ...response, body: slowAfter(30_000, response) }
    }
    const reading = storeAt(registry, { ...stack, fetch })
      .blob(blob, 0, newCall())
      .then((stream) => collect(stream))
    await expect(reading).rejects.toMatchObject({ code: 'timeout' })
    expect(heard).toHaveLength(2)
  })
})

describe('the check for a blob', () => {
  it('reports present, absent, empty as absent, and present with another size', async () => {
    const sizes: Record<string, ScriptedAnswer> = {
      right: { status: 200, headers: { 'content-length': String(blob.size) } },
      none: { status: 404 },
      empty: { status: 200, headers: { 'content-length': '0' } },
      wrong: { status: 200, headers: { 'content-length': '7' } },
    }
    const hasBlob = async (name: string) => {
      const { registry } = await scripted(() => sizes[name] as ScriptedAnswer)
      return storeAt(registry).hasBlob(blob, newCall())
    }
    expect(await hasBlob('right')).toBe(true)
    expect(await hasBlob('none')).toBe(false)
    expect(await hasBlob('empty')).toBe(false)
    await expect(hasBlob('wrong')).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('repeats the request once after a wrong size', async () => {
    const { registry } = await scripted((_, count) => ({
      status: 200,
      headers: { 'content-length': String(count === 1 ? 7 : blob.size) },
    }))
    expect(await storeAt(registry).hasBlob(blob, newCall())).toBe(true)
  })
})
