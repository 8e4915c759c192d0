import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import type { RegistryRequest } from './fetch.ts'
import { retryAfterMs } from './headers.ts'
import { isLoopback } from '../../oci/registry-host.ts'
import { createTransport, type Transport, type TransportOptions } from './transport/transport.ts'

/** Milliseconds to connect, to send, and to read the answer. */
const attemptMs = 10_000

export interface PostOptions {
  /** such as `dray/0.1.0` */
  readonly userAgent: string
  /** allows plain http to hosts that are not loopback addresses */
  readonly insecure?: boolean
  readonly clock?: Clock
  readonly proxy?: TransportOptions['proxy']
}

/** The status of an answer, and the wait that the receiver asks for. */
interface PostAnswer {
  readonly status: number
  /** milliseconds */
  readonly retryAfterMs?: number
}

export interface Poster {
  /**
   * Sends one POST, once: without retries, redirects and credentials. Ignores the body of the
   * answer. Messages contain only the scheme and the host of the URL.
   * @throws `config` if the URL may not be used; `network`, `timeout`; the signal's reason.
   */
  post(url: URL, headers: Readonly<Record<string, string>>, body: Uint8Array, call: Call): Promise<PostAnswer>
  /** Closes every connection. */
  close(): Promise<void>
}

/**
 * Sends requests to hosts that are not registries. Nothing is loaded or opened before the first
 * POST.
 */
export function createPoster({
  userAgent,
  insecure = false,
  clock = systemClock,
  proxy,
}: PostOptions): Poster {
  const limits = { headersMs: attemptMs, stallMs: attemptMs, sourceMs: attemptMs }
  let transport: Transport | undefined
  const send = async (request: RegistryRequest, call: Call): Promise<PostAnswer> => {
    transport ??= createTransport({ settings: new Map(), userAgent, clock, limits, proxy })
    const response = await transport.fetch(request, call)
    // Within the time limit, so that a slow receiver does not keep the connection.
    await response.discard()
    const waitMs = retryAfterMs(response.headers.get('retry-after') ?? '', clock.now())
    return { status: response.status, ...(waitMs !== undefined && { retryAfterMs: waitMs }) }
  }
  return {
    post: async (url, headers, bytes, call) => {
      assertUsable(url, insecure)
      const body = { kind: 'bytes', bytes } as const
      const options = { scopes: [], replay: 'never', lane: 'small' } as const
      const request = { registry: url.host, method: 'POST', url, headers, body, ...options } as const
      const begin = clock.now()
      const reason = (): DrayError =>
        new DrayError('timeout', `${url.host} did not answer within ${attemptMs / 1000} s`)
      try {
        const answer = await withTimeLimit({ ms: attemptMs, clock, reason }, call.signal, (signal) =>
          send(request, { ...call, signal }),
        )
        const ms = clock.now() - begin
        call.notify({ kind: 'request', method: 'POST', url: url.origin, status: answer.status, ms })
        return answer
      } catch (thrown) {
        // The hints of the transport are about registries.
        throw call.signal.aborted
          ? call.signal.reason
          : toDrayError(thrown).with({ subject: url.origin, hint: undefined })
      }
    },
    close: async () => transport?.close(),
  }
}

/**
 * Parses the URL of a webhook: https, or http to a loopback address or with `insecure`; without
 * user and password.
 * @throws `config`. The message has only the scheme and the host, because the rest may be a secret.
 */
export function parsePostUrl(text: string, insecure: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new DrayError('config', 'the URL of the webhook is invalid')
  assertUsable(url, insecure)
  return url
}

function assertUsable(url: URL, insecure: boolean): void {
  if (url.username !== '' || url.password !== '') {
    throw new DrayError('config', 'the URL of the webhook contains a user or a password', {
      hint: 'Remove them. dray signs each delivery with the secret from secretEnv.',
    })
  }
  if (url.protocol === 'https:') return
  if (url.protocol !== 'http:') {
    throw new DrayError('config', 'the URL of the webhook is not an https URL')
  }
  if (insecure || isLoopback(url.hostname)) return
  throw new DrayError('config', `the webhook ${url.origin} uses plain HTTP`, {
    subject: url.origin,
    why: 'others on the network path could read and change the content',
    hint: 'Use https. If the network path is safe, set insecure: true next to its url.',
  })
}
