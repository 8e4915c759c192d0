import { dirname } from 'node:path'
import { ChainedLog } from '../../audit/log/chained-log.ts'
import { resolveIntents } from '../../audit/log/resolve-intents.ts'
import type { AuditSink } from '../../audit/log/sink.ts'
import type { WebhookSink } from '../../audit/webhook/webhook-sink.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WebhookConfig } from '../../config/config.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Poster } from '../../registry/http/post.ts'
import type { Proxy } from '../../registry/http/transport/proxy.ts'
import type { Repositories } from '../../images/ports.ts'

export interface RecorderOptions {
  /** absolute path of the log */
  readonly path: string
  readonly loaded: Pick<LoadedConfig, 'config' | 'file'>
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
  readonly #webhook: OpenWebhook | undefined
  #isSettled = false

  private constructor(options: RecorderOptions, log: ChainedLog, webhook: OpenWebhook | undefined) {
    this.#options = options
    this.#log = log
    this.#webhook = webhook
    this.sink = webhook?.sink ?? log
  }

  /** @throws `config` for an invalid webhook. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const { path, clock, newId, loaded } = options
    const { webhook } = loaded.config.audit
    const log = new ChainedLog(path, { clock, newId })
    return new Recorder(options, log, webhook && (await openWebhook(webhook, log, options)))
  }

  /** Resolves the open intents of earlier runs, once, as far as the registries answer. */
  async settleOrphans(run: string, openStores: () => Promise<Repositories>, call: Call): Promise<void> {
    if (this.#isSettled) return
    this.#isSettled = true
    const { clock, loaded, newId, path, tool } = this.#options
    const folder = dirname(loaded.file ?? path)
    await resolveIntents({ log: this.#log, openStores, folder, clock, newId, run, tool }, call)
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

interface OpenWebhook {
  readonly sink: WebhookSink
  readonly poster: Poster
}

async function openWebhook(
  webhook: WebhookConfig,
  log: ChainedLog,
  { env, clock, notify, tool }: RecorderOptions,
): Promise<OpenWebhook> {
  const [{ WebhookSink }, { createPoster, parsePostUrl }, { proxyFor }] = await Promise.all([
    import('../../audit/webhook/webhook-sink.ts'),
    import('../../registry/http/post.ts'),
    import('../../registry/http/transport/proxy.ts'),
  ])
  const { insecure = false, required = false, format = 'cloudevents', secretEnv } = webhook
  const url = parsePostUrl(webhook.url, insecure)
  const secret = secretEnv === undefined ? undefined : env[secretEnv]
  if (secretEnv !== undefined && secret === undefined) {
    throw new DrayError('config', `the secret of the webhook is missing: ${secretEnv} is not set`, {
      hint: `Set the environment variable ${secretEnv}, or remove audit.webhook.secretEnv from dray.yaml.`,
    })
  }
  const proxy = (address: URL): Proxy | undefined => proxyFor(address, env)
  const poster = createPoster({ userAgent: `dray/${tool}`, insecure, clock, proxy })
  const sink = new WebhookSink(log, {
    url,
    format,
    ...(secret !== undefined && { secret }),
    required,
    post: (...request) => poster.post(...request),
    clock,
    notify,
  })
  return { sink, poster }
}
