import type { Call, ProgressEvent } from '../../src/lib/call.ts'
import type { RegistryRequest } from '../../src/registry/http/fetch.ts'

/** A call that keeps its events. */
export interface NotedCall extends Call {
  readonly events: readonly ProgressEvent[]
  readonly abort: (reason?: unknown) => void
}

export function notedCall(): NotedCall {
  const controller = new AbortController()
  const events: ProgressEvent[] = []
  return {
    signal: controller.signal,
    notify: (event) => events.push(event),
    events,
    abort: (reason) => controller.abort(reason),
  }
}

/** A GET in the small lane, with the fields of `over`. */
export function requestOf(url: string, over: Partial<RegistryRequest> = {}): RegistryRequest {
  const parsed = new URL(url)
  return {
    registry: parsed.host,
    method: 'GET',
    url: parsed,
    headers: {},
    scopes: [],
    replay: 'always',
    lane: 'small',
    ...over,
  }
}

/** A stream body of the given chunks. */
export function streamBody(
  size: number,
  chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): NonNullable<RegistryRequest['body']> {
  return {
    kind: 'stream',
    size,
    open: async () =>
      (async function* () {
        yield* chunks()
      })(),
  }
}
