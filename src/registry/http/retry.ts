import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Middleware, RegistryRequest, RegistryResponse } from './fetch.ts'
import { retryAfterMs } from './headers.ts'
import type { HostGate, HostGates } from './host-gate.ts'
import { httpsHint } from './transport/origins.ts'
import { redactUrl } from './redact.ts'
import {
  isNotHttp,
  isProxyRefusal,
  isTlsFailure,
  isTooSlow,
  type TransportFailure,
  transportFailure,
} from './transport/transport-failure.ts'

const defaultMaxTries = 8
/** A host that never answered in this run and takes no connection or speaks no HTTP is rather a wrong name than a weak moment: that should be told soon. */
const maxTriesOfStrangers = 4
/** Of a token server whose answer is slower than the minimum: each try takes half a minute. */
const triesOfSlowAnswers = 2
/** Of an answer that makes no sense. */
const triesOfNonsense = 3
const baseMs = 250
const capMs = 20_000
const retriedStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

export interface RetryOptions {
  readonly clock: Clock
  /** uniform in [0, 1) */
  readonly random: () => number
  readonly gates: HostGates
  /** at most, for one request; eight where it is not given */
  readonly maxTries?: number
}

/**
 * Sends a request again where it failed for a reason that passes: exponential waits with full jitter, `Retry-After` in full and for all requests to
 * the registry. When the tries or the registry's budget are used up, the last answer is returned, or the connection's error thrown.
 * @throws `unavailable` where `Retry-After` is longer than the run may wait; `network`, `timeout`.
 */
export function retry({ clock, random, gates, maxTries = defaultMaxTries }: RetryOptions): Middleware {
  return (next) => async (request, call) => {
    const gate = gates.of(request.registry)
    for (let tries = 1; ; tries++) {
      await gate.pass(call)
      const result = await attempt(() => next(request, call))
      const waitsFor = noteAnswer(result, gate, clock)
      if (tries >= maxTries || !mayRetry(request, result, gate, tries) || !gate.takeRetry()) {
        return finalResult(request, result, gate, tries)
      }
      if (result.response !== undefined) await result.response.discard()
      const waitMs = waitsFor ?? random() * Math.min(capMs, baseMs * 2 ** (tries - 1))
      tell(request, result, call, tries, waitMs)
      if (waitsFor === undefined) await clock.sleep(waitMs, call.signal)
    }
  }
}

/** How one try ended: an answer, or an error of the connection. */
type Result =
  | { readonly response: RegistryResponse; readonly failure?: undefined }
  | { readonly response?: undefined; readonly failure: TransportFailure; readonly error: DrayError }

async function attempt(send: () => Promise<RegistryResponse>): Promise<Result> {
  try {
    return { response: await send() }
  } catch (thrown) {
    const failure = transportFailure(thrown)
    if (failure === undefined) throw thrown
    return { failure, error: thrown as DrayError }
  }
}

/** Tells the gate what the answer says about the whole registry; gives the wait that it asks for, in milliseconds. */
function noteAnswer(result: Result, gate: HostGate, clock: Clock): number | undefined {
  const { response } = result
  if (response === undefined) return undefined
  if (!retriedStatuses.has(response.status)) {
    gate.succeeded()
    return undefined
  }
  const after = retryAfterMs(response.headers.get('retry-after') ?? '', clock.now())
  if (after !== undefined) gate.closeFor(after)
  return after
}

function mayRetry(request: RegistryRequest, result: Result, gate: HostGate, tries: number): boolean {
  if (result.response !== undefined) {
    const { status } = result.response
    if (status === 416 && !asksForPart(request)) return request.replay === 'always' && tries < triesOfNonsense
    // 429 comes before anything was done
    return retriedStatuses.has(status) && (request.replay === 'always' || status === 429)
  }
  if (isTlsFailure(result.failure) || isProxyRefusal(result.failure)) return false
  if (isTooSlow(result.error) && tries >= triesOfSlowAnswers) return false
  const isStrange = !result.failure.sent || isNotHttp(result.failure)
  if (isStrange && !gate.answered && tries >= maxTriesOfStrangers) return false
  if (!result.failure.sent) return true
  return request.replay === 'always'
}

/** To a request for the whole 416 is no answer: whatever made it may pass. */
function asksForPart({ headers }: RegistryRequest): boolean {
  return 'range' in headers || 'content-range' in headers
}

/** The error is a new one without `TransportFailure`, so that nobody further out takes it for a first failure and tries again. */
function finalResult(
  request: RegistryRequest,
  result: Result,
  gate: HostGate,
  tries: number,
): RegistryResponse {
  if (result.response !== undefined) return tries === 1 ? result.response : { ...result.response, tries }
  const { error, failure } = result
  const why = error.why ?? failure.message
  // a server that expects TLS hangs up on plain http without a word
  const isMute = failure.sent && !gate.answered && request.url.protocol === 'http:'
  const hint = error.hint ?? (isMute ? httpsHint(request.registry) : undefined)
  throw new DrayError(error.code, error.message, {
    ...(error.subject !== undefined && { subject: error.subject }),
    why: tries === 1 ? why : `${why} (tried ${tries} times)`,
    ...(hint !== undefined && { hint }),
    cause: error,
  })
}

function tell(request: RegistryRequest, result: Result, call: Call, attempts: number, waitMs: number): void {
  const why = result.response === undefined ? result.failure.message : `status ${result.response.status}`
  const { method } = request
  call.notify({ kind: 'retry', method, url: redactUrl(request.url), attempt: attempts, waitMs, why })
}
