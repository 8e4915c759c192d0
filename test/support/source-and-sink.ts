import { createHash, type Hash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'

/**
 * Two registries that store nothing, each in its own process: `source` has one image and generates
 * its layers while they are read, `sink` hashes uploads and discards them. A test can then measure
 * the memory of dray alone.
 *
 * node source-and-sink.ts source LAYERS BYTES node source-and-sink.ts sink
 *
 * Prints its port. `GET /stats` returns the statistics of `sink`.
 */

export interface SinkStats {
  /** sizes of the complete and valid blobs, by digest */
  readonly blobs: Readonly<Record<string, number>>
  /** the most concurrent uploads */
  readonly mostAtOnce: number
  readonly tags: readonly string[]
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>

const blockSize = 1024 * 1024
const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
}

function answer(
  response: ServerResponse,
  status: number,
  headers: object = {},
  body: string | Buffer = '',
): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The block that a layer repeats, which differs for each layer. */
function blockOf(layer: number): Buffer {
  const block = Buffer.alloc(blockSize)
  for (let at = 0, state = layer + 1; at < blockSize; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    block.writeUInt32LE(state, at)
  }
  return block
}

function source(layers: number, bytes: number): Handler {
  const blocks = new Map<string, Buffer>()
  const descriptors = Array.from({ length: layers }, (_, i) => {
    const block = blockOf(i)
    const hash = createHash('sha256')
    for (let at = 0; at < bytes; at += blockSize) hash.update(block.subarray(0, bytes - at))
    const digest = `sha256:${hash.digest('hex')}`
    blocks.set(digest, block)
    return { mediaType: types.layer, digest, size: bytes }
  })
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, digest: digestOf(config), size: config.byteLength },
      layers: descriptors,
    }),
  )
  return async (request, response, url) => {
    const last = url.pathname.split('/').at(-1) ?? ''
    const block = blocks.get(last)
    if (url.pathname.includes('/referrers/')) return answer(response, 404)
    if (block !== undefined) return sendLayer(request, response, block, bytes)
    if (last === digestOf(config)) return answer(response, 200, {}, config)
    if (last !== '1.4.2' && last !== digestOf(manifest)) return answer(response, 404)
    const headers = { 'content-type': types.manifest, 'docker-content-digest': digestOf(manifest) }
    answer(response, 200, headers, manifest)
  }
}

async function sendLayer(
  request: IncomingMessage,
  response: ServerResponse,
  block: Buffer,
  size: number,
): Promise<void> {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': size - from,
    ...(from > 0 && { 'content-range': `bytes ${from}-${size - 1}/${size}` }),
  })
  await pipeline(bytesFrom(block, from, size), response)
}

function* bytesFrom(block: Buffer, from: number, size: number): Generator<Buffer> {
  for (let at = from; at < size;) {
    const start = at % blockSize
    const chunk = block.subarray(start, Math.min(blockSize, start + size - at))
    at += chunk.byteLength
    yield chunk
  }
}

interface Session {
  readonly hash: Hash
  size: number
}

function sink(): Handler {
  const sessions = new Map<string, Session>()
  const blobs = new Map<string, number>()
  const manifests = new Map<string, { type: string; bytes: Buffer }>()
  const tags: string[] = []
  let atOnce = 0
  let mostAtOnce = 0
  const receive = async (session: Session, request: IncomingMessage): Promise<void> => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    for await (const chunk of request) {
      session.hash.update(chunk as Buffer)
      session.size += (chunk as Buffer).byteLength
    }
    atOnce--
  }
  return async (request, response, url) => {
    const last = url.pathname.split('/').at(-1) ?? ''
    const { method } = request
    if (last === 'stats') {
      const stats: SinkStats = { blobs: Object.fromEntries(blobs), mostAtOnce, tags }
      return answer(response, 200, {}, JSON.stringify(stats))
    }
    if (url.pathname.includes('/referrers/')) return answer(response, 404)
    if (method === 'POST') {
      const id = String(sessions.size)
      sessions.set(id, { hash: createHash('sha256'), size: 0 })
      return answer(response, 202, { location: `/v2/prod/big/blobs/uploads/${id}` })
    }
    const session = url.pathname.includes('/uploads/') ? sessions.get(last) : undefined
    if (session !== undefined) {
      await receive(session, request)
      if (method === 'PATCH') {
        return answer(response, 202, { location: url.pathname, range: `0-${session.size - 1}` })
      }
      const digest = url.searchParams.get('digest') ?? ''
      if (`sha256:${session.hash.digest('hex')}` !== digest) return answer(response, 400)
      blobs.set(digest, session.size)
      return answer(response, 201, { location: `/v2/prod/big/blobs/${digest}` })
    }
    if (url.pathname.includes('/manifests/') && method === 'PUT') {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const bytes = Buffer.concat(chunks)
      manifests.set(last, { type: request.headers['content-type'] ?? '', bytes })
      if (!last.includes(':')) tags.push(last)
      return answer(response, 201, { 'docker-content-digest': digestOf(bytes) })
    }
    const size = blobs.get(last)
    if (size !== undefined) return answer(response, 200, { 'content-length': size })
    const manifest = manifests.get(last)
    if (manifest === undefined) return answer(response, 404)
    answer(response, 200, { 'content-type': manifest.type }, manifest.bytes)
  }
}

function serve(handler: Handler): void {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1')
    Promise.resolve(handler(request, response, url)).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [role, layers, bytes] = process.argv.slice(2)
  serve(role === 'source' ? source(Number(layers), Number(bytes)) : sink())
}
