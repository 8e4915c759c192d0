import type { Dispatcher } from 'undici'
import { type Call, offAbort, onAbort } from '../../lib/call.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import type { RegistryRequest, RegistryResponse } from './fetch.ts'
import { joinHeaders } from './headers.ts'
import type { Bandwidth } from './bodies/bandwidth.ts'
import { type FlowControl, IncomingBody } from './bodies/incoming-body.ts'
import { OutgoingBody, type SourceProgress } from './bodies/outgoing-body.ts'
import type { ReadBuffers } from './bodies/read-buffers.ts'
import { createResponse } from './response.ts'
import { toTransportError, TransportFailure } from './transport/transport-failure.ts'
import { type Alarm, Watchdog, type WatchdogTimer } from './transport/watchdog.ts'

/** Milliseconds to read the rest of an unwanted body. A kept connection is not worth more. */
const drainMs = 5_000

/** Milliseconds to wait for the answer of a request that settles, once the call is aborted. */
const settleMs = 3_000

/** Milliseconds. */
export interface Timeouts {
  /** from the end of the request to the headers of the answer */
  readonly headersMs: number
  /** without a byte in either direction */
  readonly stallMs: number
  /**
   * without a byte from the source of an upload, which watches its own connection and may wait for
   * the `Retry-After` of its registry
   */
  readonly sourceMs: number
}

/**
 * Sends one request on a connection of the pool. Resolves when the headers have arrived. dray does
 * not use the time limits of undici: its limit for bodies does not fire while its parser is paused,
 * and neither can be tested with a clock.
 * @throws `network` and `timeout` with a `TransportFailure` as the cause; the signal's reason; what
 * the source of the body throws.
 */
export async function dispatch(
  pool: Dispatcher,
  request: RegistryRequest,
  call: Call,
  context: DispatchContext,
): Promise<RegistryResponse> {
  const { body } = request
  // Before the request takes a connection: the source may have to wait for its own registry.
  const source = body?.kind === 'stream' ? await body.open() : undefined
  return new Promise((resolve, reject) => {
    const handler = new DispatchHandler({ ...context, request, source, call, resolve, reject })
    // undici reuses a connection only in the next turn of the event loop. A request that does not
    // wait for that turn opens another connection.
    setImmediate(() => {
      try {
        if (handler.begin()) pool.dispatch(handler.options(), handler)
      } catch (error) {
        handler.fail(error)
      }
    })
  })
}

/**
 * A proxy for plain http. It gets the whole URL (RFC 9112, section 3.2.2) and headers of its own.
 */
export interface PlainProxy {
  readonly headers: Readonly<Record<string, string>>
}

/** The state that the requests of a transport share. */
export interface DispatchContext {
  readonly timer: WatchdogTimer
  readonly limits: Timeouts
  readonly buffers: ReadBuffers
  /** the limit on the bytes of bodies, if there is one */
  readonly bandwidth: Bandwidth | undefined
  /** of every request */
  readonly headers: Readonly<Record<string, string>>
  readonly via: PlainProxy | undefined
}

interface HandlerOptions extends DispatchContext {
  readonly request: RegistryRequest
  readonly source: AsyncIterable<Uint8Array> | undefined
  readonly call: Call
  readonly resolve: (response: RegistryResponse) => void
  readonly reject: (error: DrayError) => void
}

type Phase =
  | 'connecting'
  | 'sending'
  | 'waiting for the source'
  | 'waiting for an answer'
  | 'receiving'
  | 'over'

class DispatchHandler implements Dispatcher.DispatchHandler {
  readonly #parts: HandlerOptions
  readonly #watchdog: Watchdog
  readonly #outgoing: OutgoingBody | undefined
  readonly #onAbort = (): void => this.#abort()
  #controller: Dispatcher.DispatchController | undefined
  #incoming: IncomingBody | undefined
  #failure: DrayError | undefined
  #phase: Phase = 'connecting'
  #settling: AbortController | undefined
  #isDraining = false

  constructor(parts: HandlerOptions) {
    this.#parts = parts
    this.#watchdog = new Watchdog(parts.timer, (alarm) => this.fail(this.#tooSlow(alarm)))
    const { body } = parts.request
    if (body?.kind === 'stream' && parts.source !== undefined)
      this.#outgoing = new OutgoingBody(parts.source, body.size, this.#sourceProgress(), parts.bandwidth)
  }

  #sourceProgress(): SourceProgress {
    const { limits, buffers, bandwidth } = this.#parts
    return {
      waiting: () => {
        this.#enter('waiting for the source', limits.sourceMs)
        // The source may be a download that waits for the bandwidth. It watches its own connection.
        if (bandwidth !== undefined) this.#rest()
      },
      pausing: () => this.#rest(),
      sending: (bytes) => {
        this.#enter('sending', limits.stallMs)
        this.#watchdog.moved(bytes)
      },
      sent: (chunk) => buffers.release(chunk),
    }
  }

  /** Returns false if the call is aborted already, so that nothing is sent. */
  begin(): boolean {
    const { signal } = this.#parts.call
    if (signal.aborted) {
      this.#onAbort()
      return false
    }
    onAbort(signal, this.#onAbort)
    return true
  }

  options(): Dispatcher.DispatchOptions {
    const { via, request } = this.#parts
    const { url, method, body } = request
    const headers: Record<string, string> = { ...request.headers, ...this.#parts.headers }
    if (via !== undefined) Object.assign(headers, { host: url.host, ...via.headers })
    // undici would fall back to chunked encoding, which not all registries accept.
    if (body?.kind === 'stream') headers['content-length'] = String(body.size)
    const path = url.pathname + url.search
    return {
      method,
      path: via === undefined ? path : url.origin + path,
      headers,
      body: body?.kind === 'bytes' ? body.bytes : (this.#outgoing ?? null),
      // By default undici closes the connection after HEAD.
      reset: false,
      // undici accepts any async iterable as a body, but its types name only streams.
    } as Dispatcher.DispatchOptions
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) {
      controller.abort(this.#failure)
      return
    }
    this.#enter('sending', this.#parts.limits.stallMs)
  }

  onRequestSent(): void {
    this.#enter('waiting for an answer', this.#parts.limits.headersMs)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200 || this.#failure !== undefined) return
    this.#enter('receiving', this.#parts.limits.stallMs)
    const { bandwidth, call } = this.#parts
    const flow: FlowControl = {
      pause: () => {
        controller.pause()
        this.#watchdog.rest()
      },
      resume: () => {
        this.#watchdog.wake()
        controller.resume()
      },
      cancel: () => this.#cancel(),
    }
    const incoming = new IncomingBody(flow, bandwidth && { bandwidth, signal: call.signal })
    this.#incoming = incoming
    const head = { status, headers: joinHeaders(headers), url: this.#parts.request.url }
    const release = (bytes: Uint8Array): void => this.#parts.buffers.release(bytes)
    this.#parts.resolve(createResponse({ ...head, body: incoming, release, draining: () => this.#drain() }))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (!this.#isDraining) this.#watchdog.moved(chunk.byteLength)
    this.#incoming?.push(chunk)
  }

  onResponseEnd(): void {
    this.#finish()
    this.#incoming?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  /** Closes the connection and fails the pending headers or body. */
  fail(thrown: unknown): void {
    if (this.#phase === 'over') return
    const sent = this.#phase !== 'connecting'
    const { registry, url } = this.#parts.request
    const error =
      thrown instanceof DrayError ? thrown : toTransportError(thrown, { registry, host: url.host }, sent)
    this.#failure = error
    this.#finish()
    this.#controller?.abort(error)
    if (this.#incoming === undefined) this.#parts.reject(error)
    else this.#incoming.fail(error)
  }

  #abort(): void {
    const reason = toDrayError(this.#parts.call.signal.reason)
    const { settles, body } = this.#parts.request
    const isBrief = this.#phase === 'sending' && body?.kind !== 'stream'
    const isSent = isBrief || this.#phase === 'waiting for an answer'
    if (settles !== true || !isSent) return this.fail(reason)
    this.#settling = new AbortController()
    this.#parts.timer.clock.sleep(settleMs, this.#settling.signal).then(
      () => this.fail(reason),
      () => undefined, // it was answered
    )
  }

  /**
   * Begins a phase. An answer can arrive before the request is sent. Then the rest of the request
   * does not matter.
   */
  #enter(phase: Phase, limitMs: number): void {
    if (this.#phase === 'over' || (this.#phase === 'receiving' && phase !== 'receiving')) return
    this.#phase = phase
    const isSending = phase === 'sending' && this.#outgoing !== undefined
    this.#watchdog.watch(limitMs, phase === 'receiving' ? 'response' : isSending ? 'request' : undefined)
  }

  /** No time counts until the next phase. The time of an answer always counts. */
  #rest(): void {
    if (this.#phase === 'sending' || this.#phase === 'waiting for the source') this.#watchdog.rest()
  }

  /** After this call, the time limit counts even if bytes arrive. */
  #drain(): void {
    this.#incoming?.hurry()
    this.#enter('receiving', drainMs)
    this.#isDraining = true
  }

  #cancel(): void {
    this.#finish()
    this.#controller?.abort(new DrayError('interrupted', 'the rest of the body is not wanted'))
  }

  #finish(): void {
    this.#phase = 'over'
    this.#settling?.abort('over')
    this.#watchdog.stop()
    offAbort(this.#parts.call.signal, this.#onAbort)
    this.#outgoing?.stop()
  }

  #tooSlow(alarm: Alarm): DrayError {
    const { host } = this.#parts.request.url
    const isSource = this.#phase === 'waiting for the source'
    const seconds = alarm.ms / 1000
    const isSlow = alarm.kind === 'slow'
    const code = isSlow ? 'SLOW' : 'STALLED'
    const why = isSlow
      ? `dray transferred ${alarm.bytes} bytes in ${seconds} s while ${this.#phase}, and requires 1 KiB/s`
      : `dray transferred nothing for ${seconds} s while ${this.#phase}`
    const verb = isSlow ? 'is too slow' : 'stalled'
    return new DrayError(
      'timeout',
      isSource ? `the source of an upload to ${host} ${verb}` : `${host} ${verb}`,
      { subject: host, why, cause: new TransportFailure(why, code, true) },
    )
  }
}
