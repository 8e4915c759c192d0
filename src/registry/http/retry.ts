import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { askedWaitMs, isRateLimited } from './asked-wait.ts'
import type { Middleware, RegistryRequest, RegistryResponse } from './fetch.ts'
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

const defaultMaxAttempts = 8
/**
 * For a host that never answered in this run and accepts no connection or does not speak HTTP. Its
 * name is probably wrong, and the user should learn that soon.
 */
const maxAttemptsAtUnknownHost = 4
/** For a response that is slower than the minimum: each attempt takes half a minute. */
const maxSlowAttempts = 2
/** For a status that makes no sense for the request. */
const maxAttemptsAfterNonsense = 3
const baseMs = 250
const capMs = 20_000
const retriedStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

export interface RetryOptions {
  readonly clock: Clock
  /** uniform in [0, 1) */
  readonly random: () => number
  readonly gates: HostGates
  /** the most attempts for one request; the default is eight */
  readonly maxAttempts?: number
}

/**
 * Sends a request again if it failed for a transient reason. Waits grow exponentially with full
 * jitter; `Retry-After` and what vendors send instead are obeyed in full, by all requests to the
 * registry. When the attempts or
 * the retry budget of the registry are used up, the last response is returned or the error of the
 * connection is thrown.
 * @throws `unavailable` if `Retry-After` is longer than the run may wait; `network`, `timeout`;
 * what `beforeAttempt` of the request throws, which is never retried.
 */
export function retry({ clock, random, gates, maxAttempts = defaultMaxAttempts }: RetryOptions): Middleware {
  return (next) => async (request, call) => {
    const gate = gates.of(request.registry)
    for (let attempts = 1; ; attempts++) {
      const isOpen = gate.pass(call)
      if (isOpen !== undefined) await isOpen
      const result = await attempt(() => next(request, call))
      const retryAfter = noteResponse(result, gate, clock)
      if (attempts >= maxAttempts || !mayRetry(request, result, gate, attempts) || !gate.takeRetry()) {
        return finalResult(request, result, gate, attempts)
      }
      if (result.response !== undefined) await result.response.discard()
      const waitMs = retryAfter ?? random() * Math.min(capMs, baseMs * 2 ** (attempts - 1))
      notifyRetry(request, result, call, attempts, waitMs)
      if (retryAfter === undefined) await clock.sleep(waitMs, call.signal)
    }
  }
}

/** How one attempt ended: with a response, or with an error of the connection. */
type AttemptResult =
  | { readonly response: RegistryResponse; readonly failure?: undefined }
  | { readonly response?: undefined; readonly failure: TransportFailure; readonly error: DrayError }

async function attempt(send: () => Promise<RegistryResponse>): Promise<AttemptResult> {
  try {
    return { response: await send() }
  } catch (thrown) {
    const failure = transportFailure(thrown)
    if (failure === undefined) throw thrown
    return { failure, error: thrown as DrayError }
  }
}

/**
 * Passes on to the gate what the response says about the whole registry. Returns the wait that the
 * response asks for, in milliseconds.
 */
function noteResponse(result: AttemptResult, gate: HostGate, clock: Clock): number | undefined {
  const { response } = result
  if (response === undefined) return undefined
  if (!retriedStatuses.has(response.status) && !isRateLimited(response)) {
    gate.succeeded()
    return undefined
  }
  const after = askedWaitMs(response, clock.now())
  if (after !== undefined) gate.closeFor(after)
  return after
}

function mayRetry(
  request: RegistryRequest,
  result: AttemptResult,
  gate: HostGate,
  attempts: number,
): boolean {
  if (result.response !== undefined) {
    const { status } = result.response
    if (status === 416 && !asksForPart(request))
      return request.replay === 'always' && attempts < maxAttemptsAfterNonsense
    const isLimited = isRateLimited(result.response)
    // The caller has another way after a 403, but not after a limit.
    if (request.finalStatuses?.includes(status) === true && !(isLimited && status === 403)) return false
    // a registry refuses a request that exceeds its limit before it does anything
    if (isLimited) return true
    return retriedStatuses.has(status) && request.replay === 'always'
  }
  if (isTlsFailure(result.failure) || isProxyRefusal(result.failure)) return false
  if (isTooSlow(result.error) && attempts >= maxSlowAttempts) return false
  const isUnreachable = !result.failure.sent || isNotHttp(result.failure)
  if (isUnreachable && !gate.answered && attempts >= maxAttemptsAtUnknownHost) return false
  if (!result.failure.sent) return true
  return request.replay === 'always'
}

/** 416 makes no sense for a request that asks for the whole: its cause may be transient. */
function asksForPart({ headers }: RegistryRequest): boolean {
  return 'range' in headers || 'content-range' in headers
}

/** The error is a new one without `TransportFailure`, so that no caller retries it again. */
function finalResult(
  request: RegistryRequest,
  result: AttemptResult,
  gate: HostGate,
  attempts: number,
): RegistryResponse {
  if (result.response !== undefined)
    return attempts === 1 ? result.response : { ...result.response, attempts }
  const { error, failure } = result
  const why = error.why ?? failure.message
  // a server that expects TLS closes a plain http connection without a response
  const isSilent = failure.sent && !gate.answered && request.url.protocol === 'http:'
  const hint = error.hint ?? (isSilent ? httpsHint(request.registry) : undefined)
  throw new DrayError(error.code, error.message, {
    ...(error.subject !== undefined && { subject: error.subject }),
    why: attempts === 1 ? why : `${why} (${attempts} attempts)`,
    ...(hint !== undefined && { hint }),
    cause: error,
  })
}

function notifyRetry(
  request: RegistryRequest,
  result: AttemptResult,
  call: Call,
  attempts: number,
  waitMs: number,
): void {
  const why = result.response === undefined ? result.failure.message : `status ${result.response.status}`
  const { method } = request
  call.notify({ kind: 'retry', method, url: redactUrl(request.url), attempt: attempts, waitMs, why })
}
