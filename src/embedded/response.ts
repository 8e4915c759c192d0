/** A body of known size that is produced while it is sent, from the first read on. */
interface StreamedBody {
  /** bytes */
  readonly size: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** The response of an endpoint. HEAD is answered like GET, and the server omits the body. */
export interface EndpointResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | StreamedBody
}

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): EndpointResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  }
}
