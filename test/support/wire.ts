import { request as plainRequest, type IncomingHttpHeaders } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { createHash } from 'node:crypto'

/** A response over plain `node:http`, without redirects, retries and code of `src/`. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** PEM */
  readonly ca?: string
}

export async function exchange(
  method: string,
  url: URL | string,
  options: RequestOptions = {},
): Promise<Answer> {
  const message = await open(method, url, options)
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return { status: message.statusCode ?? 0, headers: message.headers, body: Buffer.concat(chunks) }
}

/** Reads a body of any length, and returns its length and SHA-256. */
export async function hashOf(
  url: URL | string,
  options: RequestOptions = {},
): Promise<{ status: number; size: number; digest: string }> {
  const message = await open('GET', url, options)
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of message) {
    hash.update(chunk as Buffer)
    size += (chunk as Buffer).byteLength
  }
  return { status: message.statusCode ?? 0, size, digest: `sha256:${hash.digest('hex')}` }
}

function open(method: string, url: URL | string, options: RequestOptions): Promise<IncomingMessage> {
  const to = new URL(url)
  const send = to.protocol === 'https:' ? tlsRequest : plainRequest
  const { body } = options
  const headers = { ...options.headers, ...(body !== undefined && { 'content-length': body.byteLength }) }
  return new Promise((resolve, reject) => {
    const request = send(
      to,
      { method, headers, ...(options.ca !== undefined && { ca: options.ca }) },
      resolve,
    )
    request.on('error', reject)
    request.end(body)
  })
}
