import { ChainedLog } from '../../audit/log/chained-log.ts'
import { resolveIntents } from '../../audit/log/resolve-intents.ts'
import type { AuditSink } from '../../audit/log/sink.ts'
import { WebhookSink } from '../../audit/webhook/webhook-sink.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WebhookConfig } from '../../config/config.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Poster } from '../../registry/http/post.ts'
import type { Proxy } from '../../registry/http/transport/proxy.ts'
import type { Repositories } from '../../images/ports.ts'

export interface RecorderOptions {
  /** absolute path of the log */
  readonly path: string
  readonly webhook: WebhookConfig | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly newId: () => string
  /** version of dray */
  readonly tool: string
  readonly notify: Call['notify']
}

/** The audit log of a run, and the webhook if one is configured. */
export class Recorder {
  readonly sink: AuditSink
  readonly #options: RecorderOptions
  readonly #log: ChainedLog
  readonly #webhook: { readonly sink: WebhookSink; readonly poster: Poster } | undefined
  #isSettled = false

  private constructor(options: RecorderOptions, webhook: Poster | undefined) {
    const { path, clock, newId } = options
    this.#options = options
    this.#log = new ChainedLog(path, { clock, newId })
    this.#webhook =
      webhook === undefined ? undefined : { sink: webhookSink(this.#log, options, webhook), poster: webhook }
    this.sink = this.#webhook?.sink ?? this.#log
  }

  /** @throws `config` for an invalid webhook. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const { webhook, tool, clock } = options
    if (webhook === undefined) return new Recorder(options, undefined)
    const { createPoster, parsePostUrl } = await import('../../registry/http/post.ts')
    const insecure = webhook.insecure ?? false
    parsePostUrl(webhook.url, insecure)
    const { proxyFor } = await import('../../registry/http/transport/proxy.ts')
    const proxy = (address: URL): Proxy | undefined => proxyFor(address, options.env)
    return new Recorder(options, createPoster({ userAgent: `dray/${tool}`, insecure, clock, proxy }))
  }

  /* Resolves the open intents of earlier runs, once, as far as the registries answer. */
  async settleOrphans(run: string, stores: Repositories, call: Call): Promise<void> {
    if (this.#isSettled) return
    this.#isSettled = true
    const { clock, newId, tool } = this.#options
    await resolveIntents({ log: this.#log, stores, clock, newId, run, tool }, call)
  }

  /**
   * Waits for the webhook, within its limits. @throws `audit` if delivery is required and failed.
   */
  async flush(call: Call): Promise<void> {
    await this.#webhook?.sink.flush(call)
  }

  async close(): Promise<void> {
    await this.#webhook?.sink.close()
    await this.#webhook?.poster.close()
    await this.#log.close()
  }
}

function webhookSink(log: ChainedLog, options: RecorderOptions, poster: Poster): WebhookSink {
  const { webhook, env, clock, notify } = options
  if (webhook === undefined) throw new DrayError('internal', 'there is no webhook')
  const secret = webhook.secretEnv === undefined ? undefined : env[webhook.secretEnv]
  if (webhook.secretEnv !== undefined && secret === undefined) {
    throw new DrayError('config', `the secret of the webhook is not there: ${webhook.secretEnv} is not set`, {
      hint: `Set the environment variable ${webhook.secretEnv}, or take audit.webhook.secretEnv out of dray.yaml.`,
    })
  }
  return new WebhookSink(log, {
    url: new URL(webhook.url),
    format: webhook.format ?? 'cloudevents',
    ...(secret !== undefined && { secret }),
    required: webhook.required ?? false,
    post: (url, headers, body, call) => poster.post(url, headers, body, call),
    clock,
    notify,
  })
}
