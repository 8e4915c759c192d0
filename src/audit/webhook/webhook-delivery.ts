import { createHmac } from 'node:crypto'
import type { Call } from '../../lib/call.ts'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { type EventFormat, formatEventLine } from '../export/export.ts'
import type { AuditRecord } from '../log/record.ts'

const maxAttempts = 5
/** For one event: all attempts and the waits between them. */
const maxTotalMs = 30_000
const firstWaitMs = 1_000
/** Statuses below 500 to retry (CloudEvents, HTTP 1.1 Web Hooks for Event Delivery, 2.2). */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Sends a POST once. @throws `network` and `timeout` if a retry may help; otherwise another code.
 */
export type Post = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  call: Call,
) => Promise<{ readonly status: number; readonly retryAfterMs?: number }>

export interface Webhook {
  /** may be secret as a whole: only its scheme and host are reported */
  readonly url: URL
  readonly format: EventFormat
  /** signs the bodies; without it they are not signed */
  readonly secret?: string
  readonly post: Post
  readonly clock: Clock
}

/**
 * Delivers the event of one record. Retries after 1, 2, 4 and 8 seconds, or after the `Retry-After`
 * of the receiver if that is within the time for one event. Returns why it was not delivered, or
 * undefined. @throws the reason of the call's signal.
 */
export async function deliver(
  record: AuditRecord,
  webhook: Webhook,
  call: Call,
): Promise<string | undefined> {
  const body = Buffer.from(bodyOf(record, webhook.format))
  const reason = (): DrayError => new DrayError('timeout', `it did not answer within ${maxTotalMs / 1000} s`)
  const limit = { ms: maxTotalMs, clock: webhook.clock, reason }
  try {
    return await withTimeLimit(limit, call.signal, (signal) =>
      sendUntilAccepted(record.id, body, webhook, { ...call, signal }),
    )
  } catch (error) {
    call.signal.throwIfAborted()
    return toDrayError(error).message
  }
}

async function sendUntilAccepted(
  id: string,
  body: Uint8Array,
  webhook: Webhook,
  call: Call,
): Promise<string | undefined> {
  const { clock, url } = webhook
  const deadline = clock.now() + maxTotalMs
  for (let attempts = 1; ; attempts++) {
    const { isAccepted, canRetry, why, waitMs } = await attempt(id, body, webhook, call)
    if (isAccepted) return undefined
    const wait = waitMs ?? firstWaitMs * 2 ** (attempts - 1)
    const isLast = !canRetry || attempts === maxAttempts || clock.now() + wait >= deadline
    if (isLast) return attempts === 1 ? why : `${why} (${attempts} attempts)`
    call.notify({ kind: 'retry', method: 'POST', url: url.origin, attempt: attempts, waitMs: wait, why })
    await clock.sleep(wait, call.signal)
  }
}

interface Attempt {
  readonly isAccepted: boolean
  /** whether another attempt may succeed */
  readonly canRetry: boolean
  readonly why: string
  /** the `Retry-After` of the receiver, milliseconds */
  readonly waitMs?: number
}

async function attempt(id: string, body: Uint8Array, webhook: Webhook, call: Call): Promise<Attempt> {
  try {
    const { status, retryAfterMs } = await webhook.post(webhook.url, headersOf(id, body, webhook), body, call)
    return {
      isAccepted: status >= 200 && status < 300,
      canRetry: status >= 500 || passingStatuses.has(status),
      why: `it answered with status ${status}`,
      ...(retryAfterMs !== undefined && { waitMs: retryAfterMs }),
    }
  } catch (thrown) {
    call.signal.throwIfAborted()
    const { code, message } = toDrayError(thrown)
    return { isAccepted: false, canRetry: code === 'network' || code === 'timeout', why: message }
  }
}

function bodyOf(record: AuditRecord, format: EventFormat): string {
  const line = formatEventLine(record, format)
  if (line === undefined) throw new DrayError('internal', `the record ${record.id} has no event`)
  return line
}

/** Signs the time of the attempt, so that a receiver can refuse old requests. */
function headersOf(
  id: string,
  body: Uint8Array,
  { format, secret, clock }: Webhook,
): Readonly<Record<string, string>> {
  const type = format === 'ocsf' ? 'application/json' : 'application/cloudevents+json; charset=UTF-8'
  const headers = { 'content-type': type, 'x-dray-delivery': id }
  if (secret === undefined) return headers
  const timestamp = String(Math.floor(clock.now() / 1000))
  const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')
  return { ...headers, 'x-dray-timestamp': timestamp, 'x-dray-signature': `sha256=${signature}` }
}
