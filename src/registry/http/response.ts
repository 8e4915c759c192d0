import { DrayError } from '../../lib/errors.ts'
import type { RegistryResponse } from './fetch.ts'
import type { IncomingBody } from './transport/incoming-body.ts'

/** A rest of at most this many bytes is read so that its connection can be used again; a longer one is cheaper to cut. */
const maxDrained = 64 * 1024

export interface ResponseParts {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly url: URL
  readonly body: IncomingBody
  /** told when only the end of the body is waited for */
  readonly draining?: () => void
}

/** An answer whose headers are there and whose body is on its way. */
export function createResponse(parts: ResponseParts): RegistryResponse {
  const { body, draining, ...head } = parts
  return {
    ...head,
    body,
    bytes: (limit) => readAll(parts, limit),
    discard: async () => {
      if (declaredLength(parts.headers) > maxDrained) body.cancel()
      draining?.()
      await drain(body)
    },
  }
}

async function readAll({ headers, url, body }: ResponseParts, limit: number): Promise<Uint8Array> {
  const tooLong = new DrayError('protocol', `${url.host} answered with more than ${limit} bytes`, {
    subject: url.host,
  })
  if (declaredLength(headers) > limit) {
    body.cancel()
    throw tooLong
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > limit) throw tooLong
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

async function drain(body: IncomingBody): Promise<void> {
  let length = 0
  try {
    for await (const chunk of body) {
      length += chunk.byteLength
      if (length > maxDrained) break
    }
  } catch {
    // a body that nobody wants may break: its connection is closed then, and that is all that was asked for
  }
}

function declaredLength(headers: ReadonlyMap<string, string>): number {
  const text = headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : 0
}
