import { DrayError } from '../../lib/errors.ts'
import type { RegistryResponse } from './fetch.ts'
import type { IncomingBody } from './bodies/incoming-body.ts'

/**
 * dray reads an unwanted rest of at most this many bytes to keep the connection. It closes the
 * connection for more.
 */
const maxDrained = 64 * 1024

export interface ResponseParts {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly url: URL
  readonly body: IncomingBody
  readonly release?: (bytes: Uint8Array) => void
  /** Called when the caller only waits for the end of the body. */
  readonly draining?: () => void
}

/** Returns a response whose headers have arrived and whose body is still to be read. */
export function createResponse(parts: ResponseParts): RegistryResponse {
  const { body, draining, ...head } = parts
  return {
    ...head,
    body,
    bytes: (limit) => readAll(parts, limit),
    discard: async () => {
      if (body.isRead) return
      if (declaredLength(parts.headers) > maxDrained) body.cancel()
      draining?.()
      await drain(body)
    },
  }
}

/**
 * Reads the body of a response that may be returned later, so that its connection is free. A body
 * that breaks or is too long for an error becomes empty.
 */
export async function readAhead(response: RegistryResponse): Promise<RegistryResponse> {
  const bytes = await response.bytes(maxDrained).catch(() => new Uint8Array())
  return {
    ...response,
    body: bytesOf(bytes),
    bytes: async () => bytes,
    discard: async () => undefined,
  }
}

async function* bytesOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

async function readAll({ headers, url, body }: ResponseParts, limit: number): Promise<Uint8Array> {
  if (declaredLength(headers) > limit) {
    body.cancel()
    throw tooLong(url, limit)
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > limit) throw tooLong(url, limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function tooLong({ host }: URL, limit: number): DrayError {
  return new DrayError('protocol', `${host} answered with more than ${limit} bytes`, { subject: host })
}

async function drain(body: IncomingBody): Promise<void> {
  let length = 0
  try {
    for await (const chunk of body) {
      length += chunk.byteLength
      if (length > maxDrained) break
    }
  } catch {
    // An unwanted body may break: its connection is closed then.
  }
}

function declaredLength(headers: ReadonlyMap<string, string>): number {
  const text = headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : 0
}
