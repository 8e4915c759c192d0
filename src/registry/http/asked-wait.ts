import type { RegistryResponse } from './fetch.ts'
import { httpDate, retryAfterMs } from './headers.ts'

type AnswerHead = Pick<RegistryResponse, 'status' | 'headers'>

/**
 * Whether an answer refuses a request because there were too many of them. GitHub also answers 403
 * (docs.github.com, REST API, Rate limits and Best practices: `retry-after`, or
 * `x-ratelimit-remaining: 0`).
 */
export function isRateLimited({ status, headers }: AnswerHead): boolean {
  if (status === 429) return true
  return status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0')
}

/**
 * Returns the wait that an answer asks for, in milliseconds: `Retry-After`, or a Unix time in
 * `X-Retry-After` (docs.docker.com, Docker Hub API, Rate limiting) or in `X-RateLimit-Reset` if
 * nothing remains. Undefined if it asks for none, also for a time that has passed.
 */
export function askedWaitMs({ headers }: AnswerHead, now: number): number | undefined {
  const after = retryAfterMs(headers.get('retry-after') ?? '', now)
  if (after !== undefined) return after
  const isUsedUp = headers.get('x-ratelimit-remaining') === '0'
  const times = [headers.get('x-retry-after'), isUsedUp ? headers.get('x-ratelimit-reset') : undefined]
  // The clock of the server counts, because its clock and the one of this machine can differ.
  const serverNow = httpDate(headers.get('date') ?? '', now) ?? now
  return times.map((text) => waitUntil(text, serverNow)).find((ms) => ms !== undefined)
}

/** `text` is a Unix time in seconds. */
function waitUntil(text: string | undefined, now: number): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text.trim())) return undefined
  const ms = Number(text) * 1000 - now
  return ms > 0 ? ms : undefined
}
