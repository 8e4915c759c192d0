import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { retryAfterMs } from './headers.ts'
import { isLoopback } from '../../oci/registry-host.ts'
import { createTransport, type Transport, type TransportOptions } from './transport/transport.ts'

/** One try: connect, send, and the end of the answer. */
const tryMs = 10_000

export interface PostOptions {
  /** such as `dray/0.1.0` */
  readonly userAgent: string
  /** plain http to other hosts than loopback addresses */
  readonly insecure?: boolean
  readonly clock?: Clock
  readonly proxy?: TransportOptions['proxy']
}

/** What was answered: the status alone, and how long the other side wants to be left alone. */
interface PostAnswer {
  readonly status: number
  /** milliseconds */
  readonly retryAfterMs?: number
}

export interface Poster {
  /**
   * Sends one POST, once: nothing is retried, no redirect followed, no credential sent. The body of the answer is thrown away. Messages name
   * the scheme and host of the URL and nothing else of it.
   * @throws `config` where the URL may not be used; `network`, `timeout`; the reason of the call's signal.
   */
  post(url: URL, headers: Readonly<Record<string, string>>, body: Uint8Array, call: Call): Promise<PostAnswer>
  /** Closes every connection. */
  close(): Promise<void>
}

/** What sends to addresses that are no registry's. Nothing is loaded or opened before the first POST. */
export function createPoster({
  userAgent,
  insecure = false,
  clock = systemClock,
  proxy,
}: PostOptions): Poster {
  const limits = { headersMs: tryMs, stallMs: tryMs, sourceMs: tryMs }
  let transport: Transport | undefined
  const open = (): Transport =>
    (transport ??= createTransport({
      settings: new Map(),
      userAgent,
      clock,
      limits,
      ...(proxy !== undefined && { proxy }),
    }))
  return {
    post: async (url, headers, body, call) => {
      assertUsable(url, insecure)
      const begin = clock.now()
      const reason = (): DrayError =>
        new DrayError('timeout', `${url.host} did not answer within ${tryMs / 1000} s`)
      try {
        const answer = await withTimeLimit({ ms: tryMs, clock, reason }, call.signal, (signal) =>
          send(open(), { url, headers, body }, { ...call, signal }, clock),
        )
        const ms = clock.now() - begin
        call.notify({ kind: 'request', method: 'POST', url: url.origin, status: answer.status, ms })
        return answer
      } catch (thrown) {
        throw call.signal.aborted ? call.signal.reason : asOurs(thrown, url)
      }
    },
    close: async () => transport?.close(),
  }
}

/**
 * Reads the address to POST to: https, or http to a loopback address or where `insecure` says so; without user and password.
 * @throws `config`, with no more of the text than its scheme and host, for it may be a secret.
 */
export function parsePostUrl(text: string, insecure: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new DrayError('config', 'the address of the webhook is not a URL')
  assertUsable(url, insecure)
  return url
}

function assertUsable(url: URL, insecure: boolean): void {
  if (url.username !== '' || url.password !== '') {
    throw new DrayError('config', 'the address of the webhook has a user or a password in it', {
      hint: 'Leave them out: what is sent is signed with the secret that secretEnv names.',
    })
  }
  if (url.protocol === 'https:') return
  if (url.protocol !== 'http:') {
    throw new DrayError('config', 'the address of the webhook is no https URL')
  }
  if (insecure || isLoopback(url.hostname)) return
  throw new DrayError('config', `the webhook ${url.origin} is reached over plain http`, {
    subject: url.origin,
    why: 'whoever is on the way could read and change what is sent',
    hint: 'Use https. Or, if the way to it is safe, say insecure: true beside its url.',
  })
}

interface Message {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

async function send(
  { fetch }: Transport,
  { url, headers, body }: Message,
  call: Call,
  clock: Clock,
): Promise<PostAnswer> {
  const response = await fetch(
    {
      registry: url.host,
      method: 'POST',
      url,
      headers,
      body: { kind: 'bytes', bytes: body },
      scopes: [],
      replay: 'never',
      lane: 'small',
    },
    call,
  )
  // within the limit too, so that a receiver that dribbles does not keep the connection
  await response.discard()
  const waitMs = retryAfterMs(response.headers.get('retry-after') ?? '', clock.now())
  return { status: response.status, ...(waitMs !== undefined && { retryAfterMs: waitMs }) }
}

/** Without the hints of the transport: they are about registries. */
function asOurs(thrown: unknown, url: URL): DrayError {
  const { code, message, why } = toDrayError(thrown)
  return new DrayError(code, message, {
    subject: url.origin,
    ...(why !== undefined && { why }),
    cause: thrown,
  })
}
