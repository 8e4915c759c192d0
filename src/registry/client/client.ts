import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Action, Fetch, RegistryRequest, RegistryResponse, Scope } from '../http/fetch.ts'
import { warningTexts } from '../http/headers.ts'
import { redactText } from '../http/redact.ts'
import { Secrets } from '../http/secrets.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Capability, Known } from '../../images/ports.ts'
import { KeyedQueue } from '../../images/parallel.ts'
import { Capabilities } from './capabilities.ts'
import { RegistryClocks } from './registry-clocks.ts'
import { aboutSubject, type Attempt, isWebPage, responseError, webPageError } from './errors.ts'
import { ManifestCache } from './manifests/manifest-cache.ts'
import { knownCapability } from './registries.ts'
import { type TransferLimits, TransferRetry } from './transfer.ts'

/** Sizes, in bytes, from which a blob is uploaded in pieces. */
export interface UploadLimits {
  /** up to this size a blob goes up in one PUT */
  readonly wholeUpTo: number
  readonly chunk: number
}

export interface RegistryOptions {
  readonly fetch: Fetch
  /** scheme, host and port (and a base path, if any) at which the registry of that name answers */
  readonly origin: (registry: string) => URL
  readonly clock: Clock
  /** from 0 up to 1, for the jitter of waits */
  readonly random: () => number
  /** what is known of a registry beforehand; the table of registries.ts where it is not given */
  readonly known?: (registry: string, name: Capability) => Known
  /** the retry budget of a registry, which `http/` draws on too */
  readonly takeRetry?: (registry: string) => boolean
  /** runs work that no other run on this machine is to do at the same time under the same name; by itself where it is not given */
  readonly exclusively?: Exclusively
  /** what was sent in this run, to be cut out of what registries say */
  readonly secrets?: Secrets
  readonly transfers?: Partial<TransferLimits>
  readonly uploads?: Partial<UploadLimits>
}

export type Exclusively = <T>(name: string, call: Call, work: () => Promise<T>) => Promise<T>

/**
 * A chunk is what a break costs at most, where a registry keeps what it had before; and a round trip at the source and one at the destination. More
 * than 100 MB in one request are turned down by Cloudflare, which stands before many registries.
 */
const defaultUploads: UploadLimits = { wholeUpTo: 90 * 1024 ** 2, chunk: 90 * 1024 ** 2 }
const maxCachedBytes = 64 * 1024 ** 2

/** What all stores of a run have in common. */
export class Run {
  readonly fetch: Fetch
  readonly origin: (registry: string) => URL
  readonly clock: Clock
  readonly clocks: RegistryClocks
  readonly capabilities: Capabilities
  readonly retry: TransferRetry
  readonly uploads: UploadLimits
  readonly manifests: ManifestCache = new ManifestCache(maxCachedBytes)
  /** which right a registry wants for a delete, once that is known */
  readonly deleteRights: Map<string, 'delete' | 'write'> = new Map()
  readonly secrets: Secrets
  readonly #exclusively: Exclusively
  readonly #queue = new KeyedQueue()
  readonly #warned = new Set<string>()

  constructor(options: RegistryOptions) {
    this.fetch = options.fetch
    this.origin = options.origin
    this.clock = options.clock
    this.clocks = new RegistryClocks(options.clock)
    this.capabilities = new Capabilities(options.known ?? knownCapability)
    this.retry = new TransferRetry({
      clock: options.clock,
      random: options.random,
      ...(options.takeRetry !== undefined && { takeRetry: options.takeRetry }),
      ...(options.transfers !== undefined && { limits: options.transfers }),
    })
    this.#exclusively = options.exclusively ?? ((_name, _call, work) => work())
    this.secrets = options.secrets ?? new Secrets()
    this.uploads = { ...defaultUploads, ...options.uploads }
  }

  /**
   * Runs work on a list that is read, changed and written as a whole, one after another under the same name: in this run, and where it can be with
   * the other runs on this machine.
   */
  oneByOne<T>(name: string, call: Call, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(name, () => this.#exclusively(name, call, work))
  }

  /** A registry's words as they may be told: without addresses' secrets, what looks like a token, and what was sent to it. To be cut afterwards, not before. */
  redact(text: string): string {
    return redactText(this.secrets.redact(text))
  }

  /** What was thrown, as it may be told: without what was sent. */
  readonly told = (thrown: unknown): unknown => this.secrets.redactError(thrown)

  /** Tells of `Warning: 299` (distribution-spec, Warnings): each text once, never acted on. */
  warn(registry: string, header: string | undefined, call: Call): void {
    for (const words of warningTexts(header ?? '')) {
      const text = this.redact(words).slice(0, 1000)
      if (this.#warned.has(`${registry} ${text}`) || this.#warned.size >= maxWarnings) continue
      this.#warned.add(`${registry} ${text}`)
      call.notify({ kind: 'warning', text, from: registry })
    }
  }
}

const maxWarnings = 100

/** One exchange with a registry: which answers are expected, and what to say of any other. */
export interface Exchange {
  readonly method: RegistryRequest['method']
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RegistryRequest['body']
  /** what else must be allowed than the attempt's access to its repository */
  readonly alsoScopes?: readonly Scope[]
  /** nothing needs to be allowed: it is asked who is there */
  readonly withoutScopes?: boolean
  readonly replay?: RegistryRequest['replay']
  readonly settles?: boolean
  readonly lane?: RegistryRequest['lane']
  readonly expect: readonly number[] | ((status: number) => boolean)
  readonly attempt: Attempt
}

const actionsOf: Readonly<Record<Attempt['access'], readonly Action[]>> = {
  read: ['pull'],
  write: ['pull', 'push'],
  delete: ['pull', 'delete'],
}

/** One registry, as the rest of this room talks to it. */
export class RegistryClient {
  readonly run: Run
  readonly registry: string

  constructor(run: Run, registry: string) {
    this.run = run
    this.registry = registry
  }

  /** `/v2/<rest>` on the registry's origin. Pieces of `rest` must have been parsed. */
  url(rest: string, query = ''): URL {
    const base = this.run.origin(this.registry)
    const url = new URL(base)
    url.pathname = `${base.pathname.replace(/\/$/, '')}/v2/${rest}`
    url.search = query
    return url
  }

  /** @throws what `errors.ts` makes of an answer that is not expected, and what `Fetch` throws. */
  async send(exchange: Exchange, call: Call): Promise<RegistryResponse> {
    const { attempt, expect } = exchange
    let response: RegistryResponse
    try {
      response = await this.run.fetch(this.#request(exchange), call)
    } catch (error) {
      throw aboutSubject(error, attempt, call)
    }
    const home = this.run.origin(this.registry)
    // the storage that a registry sends on to has a clock of its own
    if (response.url.origin === home.origin) this.run.clocks.note(this.registry, response.headers)
    this.run.warn(this.registry, response.headers.get('warning'), call)
    const expected = typeof expect === 'function' ? expect(response.status) : expect.includes(response.status)
    if (!expected) throw await responseError(response, attempt, home, this.run)
    if (exchange.method === 'GET' && exchange.lane !== 'download' && isWebPage(response))
      throw await webPageError(response, attempt)
    return response
  }

  /** Like `send` where only the status and the headers matter. */
  async sendAndDiscard(exchange: Exchange, call: Call): Promise<RegistryResponse> {
    const response = await this.send(exchange, call)
    await response.discard()
    return response
  }

  /**
   * Resolves a URL that the registry gave (`Location`, `Link`): opaque, relative or absolute, on the
   * registry's own origin. A registry behind a proxy that ends TLS names itself by http; then its own scheme
   * is kept.
   * @throws `protocol` for another origin: credentials would go there.
   */
  follow(given: string, from: URL, attempt: Attempt): URL {
    const origin = this.run.origin(this.registry)
    let url: URL
    try {
      url = new URL(given, from)
    } catch (cause) {
      throw new DrayError('protocol', `cannot ${attempt.doing}: the registry names a URL that is none`, {
        subject: attempt.subject,
        why: this.run.redact(given).slice(0, 200),
        cause,
      })
    }
    if (url.protocol === 'http:' && origin.protocol === 'https:' && url.hostname === origin.hostname) {
      if (url.port === '' || url.port === origin.port) {
        url.protocol = origin.protocol
        url.port = origin.port
      }
    }
    if (url.origin === origin.origin && url.username === '' && url.password === '') return url
    throw new DrayError('protocol', `cannot ${attempt.doing}: the registry sends on to another host`, {
      subject: attempt.subject,
      why: this.run.redact(`${origin.origin} named ${url.origin}`).slice(0, 500),
      hint: 'Credentials are not sent to another host. If a proxy stands before the registry, let it pass the Host header on, or set relativeurls.',
    })
  }

  #request(exchange: Exchange): RegistryRequest {
    const { registry } = this
    const { attempt, alsoScopes = [], body } = exchange
    const { path, access } = attempt
    const scope: Scope =
      path === undefined ? { catalog: '*' } : { repository: { registry, path }, actions: actionsOf[access] }
    return {
      registry,
      method: exchange.method,
      url: exchange.url,
      headers: { 'accept-encoding': 'identity', ...exchange.headers },
      ...(body !== undefined && { body }),
      scopes: exchange.withoutScopes === true ? [] : [scope, ...alsoScopes],
      replay: exchange.replay ?? 'always',
      lane: exchange.lane ?? 'small',
      ...(exchange.settles === true && { settles: true }),
    }
  }
}

/** One repository of a registry. */
export class RepositoryClient extends RegistryClient {
  readonly repository: RepositoryName

  constructor(run: Run, repository: RepositoryName) {
    super(run, repository.registry)
    this.repository = repository
  }

  /** `/v2/<name>/<rest>`: pieces of `rest` are tags and digests. */
  override url(rest: string, query = ''): URL {
    return super.url(`${this.repository.path}/${rest}`, query)
  }

  /** What an error says it was about, where the subject is in this repository. */
  attempt(
    doing: string,
    at: string,
    access: Attempt['access'],
    more: { readonly tag?: string } = {},
  ): Attempt {
    const { repository } = this
    return { ...repository, doing, subject: `${formatRepository(repository)}${at}`, access, ...more }
  }
}
