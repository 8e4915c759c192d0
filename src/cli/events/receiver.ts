import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { listenOn } from '../../lib/host/listen-on.ts'
import type { EventSecret, EventSource, RegistryEvent } from '../../usecases/watch/registry-event.ts'
import { type HttpAnswer, readRequest, send } from './http-messages.ts'
import { createLimitedServer, type ListeningServer, stopServer } from './limited-server.ts'

/** A source whose events are received. */
export interface ReceivedSource {
  /** as in `dray.yaml`; the path of its requests, unless it has a secret path */
  readonly name: string
  readonly source: EventSource
  readonly secret: EventSecret
  /** of a source that sends no secret: the path of its requests, without the slash */
  readonly path?: string
}

/** How a request ended, for metrics. */
type RequestResult = 'received' | 'unauthorized' | 'malformed' | 'tooLarge' | 'unavailable'

export interface ReceiverOptions {
  readonly host: string
  /** 0: a free port */
  readonly port: number
  readonly sources: readonly ReceivedSource[]
  /** milliseconds since 1970, for the time in signatures */
  readonly now: () => number
  /**
   * Resolves when the events are on disk. `full`: the queue has no place for them.
   * @throws if they cannot be written.
   */
  readonly accept: (source: string, events: readonly RegistryEvent[]) => Promise<'accepted' | 'full'>
  /**
   * Is called for each POST request.
   * @param source undefined for a request without a valid secret
   */
  readonly report: (source: string | undefined, result: RequestResult, error?: DrayError) => void
}

/**
 * Receives the requests of registries, with plain HTTP. It answers 202 when the events of a request
 * are on disk, and 401 without a text if the secret is wrong or the path is unknown.
 * @throws `io` if it cannot listen.
 */
export async function startReceiver(options: ReceiverOptions): Promise<ListeningServer> {
  const handler = new RequestHandler(options)
  const server: Server = createLimitedServer()
  server.on('request', (request, response) => void handler.answer(request, response))
  // A client that waits for 100 Continue has not sent a body yet.
  server.on('checkContinue', (request, response) => void handler.answer(request, response, true))
  const address = await listenOn(server, options)
  return {
    address,
    stop: async () => {
      handler.isStopping = true
      await stopServer(server)
    },
  }
}

class RequestHandler {
  isStopping = false
  readonly #options: ReceiverOptions
  readonly #named: ReadonlyMap<string, ReceivedSource>
  readonly #secretPaths: readonly (readonly [hash: Buffer, source: ReceivedSource])[]
  readonly #decoy: ReceivedSource

  constructor(options: ReceiverOptions) {
    this.#options = options
    const { sources } = options
    this.#named = new Map(sources.flatMap((one) => (one.path === undefined ? [[one.name, one]] : [])))
    this.#secretPaths = sources.flatMap((one) => (one.path === undefined ? [] : [[hashOf(one.path), one]]))
    this.#decoy = decoyOf(sources)
  }

  async answer(request: IncomingMessage, response: ServerResponse, isWaiting = false): Promise<void> {
    try {
      send(response, await this.#answerTo(request, response, isWaiting))
    } catch (error) {
      // The connection broke, or it is a bug: both end this connection only.
      this.#options.report(undefined, 'unavailable', toDrayError(error))
      response.destroy()
    }
  }

  async #answerTo(
    request: IncomingMessage,
    response: ServerResponse,
    isWaiting: boolean,
  ): Promise<HttpAnswer> {
    const path = request.url?.slice(1) ?? ''
    if ((request.method === 'GET' || request.method === 'HEAD') && path === 'healthz')
      return this.isStopping ? { status: 503, text: 'stopping\n' } : { status: 200, text: 'ok\n' }
    if (request.method !== 'POST') return { status: 405, headers: { allow: 'POST' } }
    if (this.isStopping) return unavailable
    const read = await readRequest(request, isWaiting ? () => response.writeContinue() : undefined)
    if (read === 'tooLarge') {
      this.#options.report(undefined, 'tooLarge')
      return { status: 413, closes: true }
    }
    const found = this.#find(path)
    const { name, source, secret } = found ?? this.#decoy
    const isAuthentic = source.isAuthentic(read, secret, this.#options.now())
    if (!isAuthentic || found === undefined) {
      this.#options.report(undefined, 'unauthorized')
      return { status: 401 }
    }
    return await this.#receive(name, () => source.parse(read))
  }

  async #receive(name: string, parse: () => readonly RegistryEvent[]): Promise<HttpAnswer> {
    const { accept, report } = this.#options
    let events: readonly RegistryEvent[]
    try {
      events = parse()
    } catch (thrown) {
      const error = toDrayError(thrown)
      report(name, 'malformed', error)
      return {
        status: error.code === 'internal' ? 500 : 400,
        text: 'The body is no message of this source.\n',
      }
    }
    // A ping, or requests about blobs and pulls.
    if (events.length === 0) {
      report(name, 'received')
      return { status: 200 }
    }
    try {
      const result = await accept(name, events)
      report(name, result === 'full' ? 'unavailable' : 'received')
      return result === 'full' ? unavailable : { status: 202 }
    } catch (thrown) {
      report(name, 'unavailable', toDrayError(thrown))
      return unavailable
    }
  }

  /** Compares a secret path in constant time. */
  #find(path: string): ReceivedSource | undefined {
    const hash = hashOf(path)
    let found = this.#named.get(path)
    for (const [expected, source] of this.#secretPaths) if (timingSafeEqual(expected, hash)) found = source
    return found
  }
}

/** The sender repeats the request later. */
const unavailable: HttpAnswer = { status: 503, headers: { 'retry-after': '10' } }

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** A request to an unknown path is checked like one with a wrong secret. */
function decoyOf(sources: readonly ReceivedSource[]): ReceivedSource {
  const [first] = sources
  if (first === undefined) throw new DrayError('internal', 'there is no source to receive events from')
  const one = sources.find(({ secret }) => secret.kind === 'hmac') ?? first
  return { ...one, secret: withRandomValue(one.secret) }
}

function withRandomValue(secret: EventSecret): EventSecret {
  const random = randomBytes(32).toString('hex')
  switch (secret.kind) {
    case 'hmac':
      return { ...secret, key: random }
    case 'header':
      return { ...secret, value: random }
    case 'path':
      return secret
  }
}
