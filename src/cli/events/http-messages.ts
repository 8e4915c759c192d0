import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { EventRequest } from '../../usecases/watch/registry-event.ts'

/** Bytes of a body: registries send a few kilobytes. */
const maxBody = 1024 ** 2

export interface HttpAnswer {
  readonly status: number
  readonly text?: string
  readonly headers?: OutgoingHttpHeaders
  /** the connection ends: the rest of the request is not read */
  readonly closes?: true
}

export function send(response: ServerResponse, { status, text = '', headers, closes }: HttpAnswer): void {
  response.writeHead(status, {
    'content-length': Buffer.byteLength(text),
    ...(text !== '' && { 'content-type': 'text/plain; charset=utf-8' }),
    'cache-control': 'no-store',
    ...headers,
    ...(closes === true && { connection: 'close' }),
  })
  response.end(text)
}

/**
 * Reads a request with its whole body. Stops at the limit.
 * @param accept asks a client that waits for 100 Continue for its body
 * @throws if the connection breaks.
 */
export async function readRequest(
  request: IncomingMessage,
  accept: (() => void) | undefined,
): Promise<EventRequest | 'tooLarge'> {
  if (Number(request.headers['content-length'] ?? 0) > maxBody) return 'tooLarge'
  accept?.()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > maxBody) return 'tooLarge'
    chunks.push(chunk)
  }
  return { method: request.method ?? '', headers: headersOf(request), body: Buffer.concat(chunks, size) }
}

/** A header that is given twice has no value: a proxy and dray could read different ones. */
function headersOf({ headersDistinct }: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(headersDistinct).flatMap(([name, values]) => {
      const [value, ...more] = values ?? []
      return value === undefined || more.length > 0 ? [] : [[name, value] as const]
    }),
  )
}
