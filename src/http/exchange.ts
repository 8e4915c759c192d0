import type { Dispatcher } from 'undici'
import type { Call } from '../call.ts'
import type { Clock } from '../clock.ts'
import { DrayError, toDrayError } from '../errors.ts'
import type { RegistryRequest, RegistryResponse } from './fetch.ts'
import { IncomingBody } from './incoming-body.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { createResponse } from './response.ts'
import { toTransportError, TransportFailure } from './transport-failure.ts'
import { Watchdog } from './watchdog.ts'

/** Milliseconds. */
export interface ExchangeLimits {
  /** from the end of the request to the headers of its answer */
  readonly headersMs: number
  /** without a byte moving, in either direction */
  readonly stallMs: number
}

/**
 * One request and its answer on one connection of a pool. Resolves when the headers are there. The client's own time limits are not used: its body
 * limit does not fire while its parser is paused, and neither can be tested with a clock.
 * @throws `network` and `timeout` with a `TransportFailure` as the cause; the reason of the signal; what the body's source throws.
 */
export function exchange(
  pool: Dispatcher,
  request: RegistryRequest,
  call: Call,
  clock: Clock,
  limits: ExchangeLimits,
): Promise<RegistryResponse> {
  return new Promise((resolve, reject) => {
    const handler = new Exchange(request, call, clock, limits, resolve, reject)
    try {
      if (handler.begin()) pool.dispatch(handler.options(), handler)
    } catch (error) {
      handler.fail(error)
    }
  })
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: RegistryRequest
  readonly #signal: AbortSignal
  readonly #limits: ExchangeLimits
  readonly #resolve: (response: RegistryResponse) => void
  readonly #reject: (error: DrayError) => void
  readonly #watchdog: Watchdog
  readonly #onAbort = (): void => this.fail(toDrayError(this.#signal.reason))
  #controller: Dispatcher.DispatchController | undefined
  #outgoing: OutgoingBody | undefined
  #incoming: IncomingBody | undefined
  #failure: DrayError | undefined
  #phase: 'connecting' | 'sending' | 'waiting for an answer' | 'receiving' | 'over' = 'connecting'

  constructor(
    request: RegistryRequest,
    call: Call,
    clock: Clock,
    limits: ExchangeLimits,
    resolve: (response: RegistryResponse) => void,
    reject: (error: DrayError) => void,
  ) {
    this.#request = request
    this.#signal = call.signal
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
    this.#watchdog = new Watchdog(clock, () => this.fail(this.#stalled()))
  }

  /** Whether there is anything to do: a call that is over already sends nothing. */
  begin(): boolean {
    if (this.#signal.aborted) {
      this.#onAbort()
      return false
    }
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    return true
  }

  options(): Dispatcher.DispatchOptions {
    const { url, method } = this.#request
    const body = this.#body()
    return {
      method,
      path: url.pathname + url.search,
      headers: this.#headers(),
      // undici takes any async iterable, but its types name streams only
      body: (body ?? null) as Dispatcher.DispatchOptions['body'],
      // keep the connection after HEAD as well: undici closes it unless told
      reset: false,
    } as Dispatcher.DispatchOptions
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) {
      controller.abort(this.#failure)
      return
    }
    this.#phase = 'sending'
    this.#watchdog.watch(this.#limits.stallMs)
  }

  onRequestSent(): void {
    if (this.#phase !== 'sending') return
    this.#phase = 'waiting for an answer'
    this.#watchdog.watch(this.#limits.headersMs)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200 || this.#failure !== undefined) return
    this.#phase = 'receiving'
    this.#watchdog.watch(this.#limits.stallMs)
    const incoming = new IncomingBody({
      pause: () => {
        controller.pause()
        this.#watchdog.rest()
      },
      resume: () => {
        this.#watchdog.wake()
        controller.resume()
      },
      cancel: () => this.#cancel(),
    })
    this.#incoming = incoming
    this.#resolve(
      createResponse({ status, headers: flatten(headers), url: this.#request.url, body: incoming }),
    )
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#watchdog.moved()
    this.#incoming?.push(chunk)
  }

  onResponseEnd(): void {
    this.#finish()
    this.#incoming?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  /** Ends the exchange: its connection is closed, and whoever waits for headers or bytes is told why. */
  fail(thrown: unknown): void {
    if (this.#phase === 'over') return
    const sent = this.#phase !== 'connecting'
    const error =
      thrown instanceof DrayError ? thrown : toTransportError(thrown, this.#request.url.host, sent)
    this.#failure = error
    this.#finish()
    this.#controller?.abort(error)
    if (this.#incoming === undefined) this.#reject(error)
    else this.#incoming.fail(error)
  }

  #body(): Uint8Array | OutgoingBody | undefined {
    const { body } = this.#request
    if (body === undefined || body.kind === 'bytes') return body?.bytes
    this.#outgoing = new OutgoingBody(body.size, body.open, () => this.#watchdog.moved())
    return this.#outgoing
  }

  /** The length is always sent, so that undici never falls back to chunked encoding, which not all registries take. */
  #headers(): Record<string, string> {
    const { body, headers } = this.#request
    return body?.kind === 'stream' ? { ...headers, 'content-length': String(body.size) } : { ...headers }
  }

  #cancel(): void {
    this.#finish()
    this.#controller?.abort(new DrayError('interrupted', 'the rest of the body is not wanted'))
  }

  #finish(): void {
    this.#phase = 'over'
    this.#watchdog.stop()
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#outgoing?.stop()
  }

  #stalled(): DrayError {
    const { host } = this.#request.url
    const limit = this.#phase === 'waiting for an answer' ? this.#limits.headersMs : this.#limits.stallMs
    const why = `nothing moved for ${limit / 1000} s while ${this.#phase}`
    return new DrayError('timeout', `${host} stalled`, {
      subject: host,
      why,
      cause: new TransportFailure(why, 'STALLED', true),
    })
  }
}

function flatten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ReadonlyMap<string, string> {
  const flat = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      flat.set(name.toLowerCase(), typeof value === 'string' ? value : value.join(', '))
  }
  return flat
}
