/** A body of known size whose bytes are made as they are sent. Nothing is opened before the first chunk is asked for. */
export interface StreamedBody {
  /** bytes */
  readonly size: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** What an endpoint answers; HEAD is answered like GET, and the server leaves the body out. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | StreamedBody
}

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  }
}
