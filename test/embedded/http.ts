import { type IncomingMessage, request as httpRequest } from 'node:http'
import { onTestFinished } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { type ServerOptions, startRegistry } from '../../src/embedded/server.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly text: string
  /** the codes of the errors in the body */
  readonly codes: readonly string[]
  json(): unknown
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** One plain HTTP request, without code of the project. */
export function send(registry: string, method: string, path: string, sent: Sent = {}): Promise<Reply> {
  const [host, port] = registry.split(':')
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  // Needed for every method: without it Node sends the body of a GET or DELETE like a next request.
  const isFramed = sent.body === undefined || sent.headers?.['transfer-encoding'] !== undefined
  const headers = { ...(!isFramed && { 'content-length': Buffer.byteLength(sent.body) }), ...sent.headers }
  const outgoing = httpRequest({ host, port, method, path, headers, agent: false }, (incoming) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', reject)
    incoming.on('end', () => {
      const body = Buffer.concat(chunks)
      const text = body.toString()
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body,
        text,
        codes: codesOf(text),
        json: () => JSON.parse(text) as unknown,
      })
    })
  })
  outgoing.on('error', reject)
  outgoing.end(sent.body)
  return promise
}

function codesOf(text: string): string[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: { code: string }[] }
    return errors?.map((error) => error.code) ?? []
  } catch {
    return []
  }
}

/** A registry for one test, with a plain HTTP client. */
export async function started(options: ServerOptions = {}) {
  const log: AccessEntry[] = []
  const running = await startRegistry({ onRequest: (entry) => log.push(entry), ...options })
  onTestFinished(() => running.close())
  const call = (method: string, path: string, sent?: Sent) => send(running.registry, method, path, sent)
  /** Pushes a blob in one request. */
  const blob = async (repository: string, content: Uint8Array | string): Promise<Digest> => {
    const digest = digestOf(content)
    const reply = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: content })
    if (reply.status !== 201) throw new Error(`pushing a blob: ${reply.status} ${reply.text}`)
    return digest
  }
  const manifest = async (repository: string, body: { readonly mediaType: string }, tag?: string) => {
    const text = JSON.stringify(body)
    const digest = digestOf(text)
    const reply = await call('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, {
      headers: { 'content-type': body.mediaType },
      body: text,
    })
    if (reply.status !== 201) throw new Error(`pushing a manifest: ${reply.status} ${reply.text}`)
    const descriptor = { mediaType: body.mediaType, digest, size: text.length }
    return { digest, body: text, reply, descriptor }
  }
  /** Pushes an image of one layer under a tag or, without one, by digest. */
  const image = async (repository: string, content: string, tag?: string, more: object = {}) => {
    const layer = await blob(repository, content)
    const config = await blob(repository, '{}')
    return manifest(repository, imageOf(config, layer, content.length, more), tag)
  }
  return { ...running, log, call, blob, manifest, image }
}

export type Client = Awaited<ReturnType<typeof started>>

export function imageOf(config: Digest, layer: Digest, size: number, more: object = {}) {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config, size: 2 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size }],
    ...more,
  }
}

export function indexOf(children: readonly object[], more: object = {}) {
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: children, ...more }
}
