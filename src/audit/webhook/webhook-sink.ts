import type { Call } from '../../lib/call.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { eventOf } from '../export/export.ts'
import type { AuditRecord } from '../log/record.ts'
import type { AuditSink } from '../log/sink.ts'
import { deliver, type Webhook } from './webhook-delivery.ts'

/** Limits the waiting events. Further events are not delivered. */
const maxWaiting = 10_000
/** At the end of a run: the longest wait without a delivered event. */
const maxStallMs = 30_000
/** At the end of a run: the longest wait in total. */
const maxFlushMs = 5 * 60_000

export interface WebhookSinkOptions extends Webhook {
  /** whether an undelivered event is an error after the run; otherwise it is a warning */
  readonly required: boolean
  /** receives requests and retries */
  readonly notify: Call['notify']
}

/**
 * Sends the records of a log that have an event in the format of a webhook to that webhook too, one
 * event each, in order. `write` does
 * not wait for the webhook. The owner of the run calls `flush`, and `close` in any case.
 */
export class WebhookSink implements AuditSink {
  readonly #log: AuditSink
  readonly #options: WebhookSinkOptions
  readonly #waiting: AuditRecord[] = []
  #sending: Promise<void> | undefined
  #stop = new AbortController()
  #delivered = 0
  #lost = 0
  #firstWhy: string | undefined

  /** @throws `config` for an empty secret: any person could sign with it. */
  constructor(log: AuditSink, options: WebhookSinkOptions) {
    if (options.secret === '') throw new DrayError('config', 'the secret of the webhook is empty')
    this.#log = log
    this.#options = options
  }

  get path(): string {
    return this.#log.path
  }

  async write(records: readonly AuditRecord[]): Promise<void> {
    await this.#log.write(records)
    for (const record of records)
      if (eventOf(record, this.#options.format) !== undefined) this.#enqueue(record)
  }

  /**
   * Waits until every event is delivered or given up. Gives up the rest if the receiver accepts
   * nothing for half a minute, after five minutes, or when the call's signal is aborted. Warns how
   * many events were not delivered since the last call. @throws `audit` instead of the warning if
   * delivery is required.
   */
  async flush(call: Call): Promise<void> {
    const { clock } = this.#options
    const deadline = clock.now() + maxFlushMs
    while (this.#sending !== undefined) {
      const before = this.#delivered
      const reason = await this.#settled(call.signal)
      const isOver = this.#delivered === before || clock.now() >= deadline
      if (reason !== undefined && (isOver || call.signal.aborted)) await this.#giveUp(reason)
    }
    this.#reportLost(call)
  }

  /** Gives up the undelivered events without a warning. Nothing then keeps the process alive. */
  async close(): Promise<void> {
    await this.#giveUp(new DrayError('interrupted', 'the run ended'))
  }

  #enqueue(record: AuditRecord): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lose(1, 'the webhook accepts events too slowly')
      return
    }
    this.#waiting.push(record)
    this.#sending ??= this.#send()
  }

  /** Sends all waiting events. Never rejects. */
  async #send(): Promise<void> {
    for (let record = this.#waiting.shift(); record !== undefined; record = this.#waiting.shift()) {
      const call = { signal: this.#stop.signal, notify: this.#options.notify }
      const why = await deliver(record, this.#options, call).catch(
        (error: unknown) => toDrayError(error).message,
      )
      if (why === undefined) this.#delivered++
      else this.#lose(1, why)
    }
    this.#sending = undefined
  }

  /** Waits until all events are sent. Resolves with the reason if it stops waiting earlier. */
  async #settled(signal: AbortSignal): Promise<DrayError | undefined> {
    const { clock } = this.#options
    const done = new AbortController()
    const sent = this.#sending?.then(() => undefined)
    const tooLong = clock.sleep(maxStallMs, AbortSignal.any([signal, done.signal])).then(
      () => new DrayError('timeout', 'the webhook did not accept the events in time'),
      (reason: unknown) => toDrayError(reason),
    )
    const reason = await Promise.race([sent, tooLong])
    done.abort()
    return reason
  }

  async #giveUp(reason: DrayError): Promise<void> {
    const unsent = this.#waiting.splice(0)
    this.#stop.abort(reason)
    await this.#sending
    this.#stop = new AbortController()
    this.#lose(unsent.length, reason.message)
  }

  #lose(events: number, why: string): void {
    this.#lost += events
    if (events > 0) this.#firstWhy ??= why
  }

  #reportLost(call: Call): void {
    const [lost, why = ''] = [this.#lost, this.#firstWhy]
    if (lost === 0) return
    this.#lost = 0
    this.#firstWhy = undefined
    const { required, url } = this.#options
    const what = `${lost} ${lost === 1 ? 'event was' : 'events were'} not delivered to the webhook ${url.origin}`
    if (!required) {
      call.notify({ kind: 'warning', text: `${what}: ${why}; the audit log has them: ${this.path}` })
      return
    }
    throw new DrayError('audit', `the run ended and its changes are recorded, but ${what}`, {
      subject: url.origin,
      why,
      hint: `Export the events again with dray audit export. The audit log ${this.path} has them with the same ids.`,
    })
  }
}
