import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTransport } from '../../../../src/registry/http/transport/transport.ts'
import { notedCall, requestOf } from '../../../support/http-world.ts'
import { type Script, scriptedServer } from '../../../support/scripted-server.ts'

const size = 48 * 1024 * 1024
/** Each number once in 4 MiB, so that no two parts of the blob are equal. */
const pattern = Buffer.from(Uint32Array.from({ length: 1024 * 1024 }, (_, i) => i * 2_654_435_761).buffer)
const blob = Buffer.concat(
  Array.from({ length: size / pattern.byteLength }, (_, i) => Buffer.from(pattern.map((byte) => byte ^ i))),
)
const digestOf = (bytes: Iterable<Uint8Array>): string => {
  const hash = createHash('sha256')
  for (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}

/** Writes the blob in pieces, which are also the chunks of an answer without a length. */
async function sendBlob(response: ServerResponse): Promise<void> {
  for (let at = 0; at < size; at += 300_000)
    if (!response.write(blob.subarray(at, at + 300_000))) await once(response, 'drain')
  response.end()
}

/** Sends the blob of one server to another through one transport. Returns what arrived. */
async function transfer(
  read: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> = (body) => body,
  headers: Readonly<Record<string, string>> = { 'content-length': String(size) },
) {
  const arrived: Uint8Array[] = []
  const script: Script = async (request, response, raw) => {
    if (request.method === 'GET') return sendBlob(response.writeHead(200, headers))
    for await (const chunk of read(raw as AsyncIterable<Uint8Array>)) arrived.push(chunk)
    response.writeHead(201).end()
  }
  await using source = await scriptedServer(script)
  await using target = await scriptedServer(script, { streaming: true })
  const transport = createTransport({ settings: new Map(), userAgent: 'dray/test' })
  const open = async () => {
    const { body } = await transport.fetch(requestOf(source.origin, { lane: 'download' }), notedCall())
    return body
  }
  const request = requestOf(target.origin, {
    method: 'PUT',
    lane: 'upload',
    body: { kind: 'stream', size, open },
  })
  const { status } = await transport.fetch(request, notedCall())
  await transport.close()
  return { status, arrived }
}

afterEach(() => vi.restoreAllMocks())

describe('a large body', () => {
  it('passes through a few buffers that are used again and again', async () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const { status, arrived } = await transfer()
    expect(status).toBe(201)
    expect(digestOf(arrived)).toBe(digestOf([blob]))
    const large = allocate.mock.calls.filter(([bytes]) => bytes > 64 * 1024)
    expect(large.length).toBeGreaterThan(0)
    expect(large.length).toBeLessThanOrEqual(6)
  })

  it('arrives unchanged at a server that stops reading again and again', async () => {
    const { arrived } = await transfer(async function* (body) {
      let count = 0
      for await (const chunk of body) {
        yield chunk
        // Until then, the connection is full and a part of the bytes waits in this process.
        if (count++ % 64 === 0) for (let turn = 0; turn < 200; turn++) await setImmediate()
      }
    })
    expect(digestOf(arrived)).toBe(digestOf([blob]))
  })

  it('arrives unchanged if the source sends it in chunks of HTTP', async () => {
    const { arrived } = await transfer(undefined, {})
    expect(digestOf(arrived)).toBe(digestOf([blob]))
  })
})
