import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Action, Fetch, RegistryRequest, RegistryResponse, Scope } from '../http/fetch.ts'
import { warningTexts } from '../http/headers.ts'
import { redactText } from '../http/redact.ts'
import { Secrets } from '../http/secrets.ts'
import { keepHttps } from '../http/transport/origins.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Capability, Known } from '../../images/ports.ts'
import { KeyedQueue } from '../../images/parallel.ts'
import { LearnedCapabilities } from './capabilities.ts'
import { PushTimes } from './lists/push-times.ts'
import { RunTagLists } from './lists/run-tag-lists.ts'
import { RegistryClocks } from './registry-clocks.ts'
import { isWebPage, type Purpose, responseError, webPageError, withSubject } from './errors.ts'
import { HeadSupport } from './manifests/head-support.ts'
import { PullReserves, type ReservedPulls } from './manifests/pull-reserve.ts'
import { ManifestCache } from './manifests/manifest-cache.ts'
import { knownCapability, registryProgram } from './registries.ts'
import { TransferRetry, type TransferRetryOptions } from './transfer.ts'

/** Sizes in bytes that decide how a blob is uploaded. */
export interface UploadLimits {
  /** a blob up to this size goes up in one PUT */
  readonly wholeUpTo: number
  readonly chunk: number
}

export interface RegistryClientOptions extends TransferRetryOptions {
  readonly fetch: Fetch
  /** scheme, host, port and base path of the API of a registry */
  readonly origin: (registry: string) => URL
  /** the documented capabilities of a registry; by default the table of registries.ts */
  readonly known?: (registry: string, name: Capability) => Known
  /** Runs work while no other run on this machine does work under the same name. */
  readonly exclusively?: Exclusively
  /** the secrets that this run sent, which are removed from texts of registries */
  readonly secrets?: Secrets
  readonly uploads?: UploadLimits
  /** the pulls of a registry's quota that the run leaves for others; by default none */
  readonly reservedPulls?: ReservedPulls
  /** whether a registry that is reached over plain http answers TLS; by default it does not */
  readonly speaksTls?: (registry: string, call: Call) => Promise<boolean>
}

type Exclusively = <T>(name: string, call: Call, work: () => Promise<T>) => Promise<T>

/**
 * A break costs at most one chunk, if the registry keeps what it had before. A chunk costs a round
 * trip at the source and one at the destination. Cloudflare, which many registries use, refuses
 * more than 100 MB in one request.
 */
const defaultUploads: UploadLimits = { wholeUpTo: 90 * 1024 ** 2, chunk: 90 * 1024 ** 2 }
const maxCachedBytes = 64 * 1024 ** 2
const maxWarnings = 100

/** The state that all clients of one run share. */
export class SharedState {
  readonly fetch: Fetch
  readonly origin: (registry: string) => URL
  readonly clock: Clock
  readonly clocks: RegistryClocks
  readonly capabilities: LearnedCapabilities
  readonly retry: TransferRetry
  readonly uploads: UploadLimits
  readonly manifests: ManifestCache = new ManifestCache(maxCachedBytes)
  /** which registries answer HEAD of a manifest */
  readonly heads: HeadSupport = new HeadSupport()
  /** the access that a registry requires for a delete, once it is known */
  readonly deleteAccess: Map<string, 'delete' | 'write'> = new Map()
  /** references of fallback tags that a read of this run did not find */
  readonly absentTags: Set<string> = new Set()
  /** lists whose invalid entries this run has reported */
  readonly reportedLists: Set<string> = new Set()
  readonly tagLists: RunTagLists
  /** push times in the tag lists of this run */
  readonly pushTimes: PushTimes = new PushTimes()
  /** repositories whose referrers API listed at least one referrer in this run */
  readonly listingRepositories: Set<string> = new Set()
  /** by repository: whether the API lists what the answer to a PUT says that it lists */
  readonly subjectHeaders: Map<string, Promise<boolean>> = new Map()
  readonly secrets: Secrets
  readonly reserves: PullReserves
  readonly speaksTls: (registry: string, call: Call) => Promise<boolean>
  /** uniform in [0, 1) */
  readonly random: () => number
  readonly #exclusively: Exclusively
  readonly #queue = new KeyedQueue()
  readonly #warned = new Set<string>()

  constructor(options: RegistryClientOptions) {
    this.fetch = options.fetch
    this.origin = options.origin
    this.clock = options.clock
    this.clocks = new RegistryClocks(options.clock)
    this.tagLists = new RunTagLists(options.clock)
    this.capabilities = new LearnedCapabilities(options.known ?? knownCapability)
    this.retry = new TransferRetry(options)
    this.uploads = options.uploads ?? defaultUploads
    this.secrets = options.secrets ?? new Secrets()
    this.reserves = new PullReserves(options.reservedPulls, options.clock)
    this.speaksTls = options.speaksTls ?? (async () => false)
    this.random = options.random
    this.#exclusively = options.exclusively ?? ((_name, _call, work) => work())
  }

  /**
   * Runs work that reads, changes and writes a list as a whole. One at a time for each name, in
   * this run and, if possible, in all runs on this machine.
   */
  runOneByOne<T>(name: string, call: Call, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(name, () => this.#exclusively(name, call, work))
  }

  /**
   * Returns text of a registry without what was sent to it, without secrets in URLs, and without
   * what looks like a token. Cut the text afterwards, not before.
   */
  redact(text: string): string {
    return redactText(this.secrets.redact(text))
  }

  readonly redactError = (thrown: unknown): unknown => this.secrets.redactError(thrown)

  /** Learns from the headers of an answer: the registry's clock, and which program it is. */
  learn(registry: string, headers: ReadonlyMap<string, string>): void {
    this.clocks.note(registry, headers)
    const program = registryProgram(headers)
    if (program === undefined) return
    for (const [name, known] of Object.entries(program.capabilities))
      this.capabilities.learn({ registry, path: '' }, name as Capability, known)
  }

  /** Reports each `Warning: 299` once (distribution-spec, Warnings). dray never acts on them. */
  warn(registry: string, header: string | undefined, call: Call): void {
    if (header === undefined) return
    for (const warning of warningTexts(header)) {
      const text = this.redact(warning).slice(0, 1000)
      if (this.#warned.has(`${registry} ${text}`) || this.#warned.size >= maxWarnings) continue
      this.#warned.add(`${registry} ${text}`)
      call.notify({ kind: 'warning', text, from: registry })
    }
  }
}

/** A request to the API of a registry, and the answers that are expected. */
export interface ApiRequest {
  readonly method: RegistryRequest['method']
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RegistryRequest['body']
  /** scopes that the request needs besides the access of its purpose */
  readonly alsoScopes?: readonly Scope[]
  /** Sends the request without a scope. */
  readonly withoutScopes?: boolean
  readonly replay?: RegistryRequest['replay']
  readonly settles?: boolean
  readonly finalStatuses?: RegistryRequest['finalStatuses']
  readonly lane?: RegistryRequest['lane']
  readonly returnsRedirect?: boolean
  /** Returns a web page like any other answer. */
  readonly acceptsWebPage?: boolean
  readonly beforeAttempt?: BeforeAttempt | undefined
  readonly expect: readonly number[] | ((status: number) => boolean)
  readonly purpose: Purpose
}

const actionsOf: Readonly<Record<Purpose['access'], readonly Action[]>> = {
  read: ['pull'],
  write: ['pull', 'push'],
  delete: ['pull', 'delete'],
}

/** Sends requests to one registry. */
export class RegistryClient {
  readonly shared: SharedState
  readonly registry: string
  #base: string | undefined

  constructor(shared: SharedState, registry: string) {
    this.shared = shared
    this.registry = registry
  }

  /**
   * Returns `/v2/<rest>` on the origin of the registry. The parts of `rest` must have been parsed.
   */
  url(rest: string, query = ''): URL {
    this.#base ??= this.shared.origin(this.registry).href.replace(/\/$/, '')
    return new URL(`${this.#base}/v2/${rest}${query === '' ? '' : `?${query}`}`)
  }

  /**
   * @throws the error of `errors.ts` for an answer that is not expected, and what `Fetch` throws.
   */
  async send(request: ApiRequest, call: Call): Promise<RegistryResponse> {
    const { purpose, expect } = request
    const reserve = this.shared.reserves.of(this.registry)
    const mark = reserve?.mark() ?? 0
    let response: RegistryResponse
    try {
      response = await this.shared.fetch(this.#withScopes(request), call)
    } catch (error) {
      throw withSubject(error, purpose, call)
    }
    const home = this.shared.origin(this.registry)
    // The storage that a registry redirects to has a clock of its own.
    if (response.url.origin === home.origin) {
      this.shared.learn(this.registry, response.headers)
      reserve?.learn(response.headers, mark)
    }
    this.shared.warn(this.registry, response.headers.get('warning'), call)
    const isExpected =
      typeof expect === 'function' ? expect(response.status) : expect.includes(response.status)
    if (!isExpected) throw await responseError(response, purpose, home, this.shared, call)
    const mayBeWebPage = request.lane === 'download' || request.acceptsWebPage === true
    if (request.method === 'GET' && !mayBeWebPage && isWebPage(response))
      throw await webPageError(response, purpose)
    return response
  }

  /** The same, if only the status and the headers are needed. */
  async sendAndDiscard(request: ApiRequest, call: Call): Promise<RegistryResponse> {
    const response = await this.send(request, call)
    await response.discard()
    return response
  }

  /**
   * Resolves a URL of a `Location` or `Link` header: opaque, relative or absolute, on the origin of
   * the registry.
   * @throws `protocol` for another origin, which would get the credentials.
   */
  follow(given: string, from: URL, purpose: Purpose): URL {
    const origin = this.shared.origin(this.registry)
    if (!URL.canParse(given, from.href)) {
      throw new DrayError('protocol', `cannot ${purpose.doing}: the registry sent an invalid URL`, {
        subject: purpose.subject,
        why: this.shared.redact(given).slice(0, 200),
      })
    }
    const url = new URL(given, from)
    keepHttps(url, origin)
    if (url.origin === origin.origin && url.username === '' && url.password === '') return url
    throw new DrayError('protocol', `cannot ${purpose.doing}: the registry sent a URL of another host`, {
      subject: purpose.subject,
      why: this.shared.redact(`${origin.origin} named ${url.origin}`).slice(0, 500),
      hint: 'If a proxy is in front of the registry, configure it to pass on the Host header, or set http.relativeurls in the registry. dray does not send credentials to another host.',
    })
  }

  #withScopes(request: ApiRequest): RegistryRequest {
    const { registry } = this
    const { expect: _, acceptsWebPage: __, purpose, alsoScopes = [], withoutScopes, ...rest } = request
    const { path, access } = purpose
    const scope: Scope =
      path === undefined ? { catalog: '*' } : { repository: { registry, path }, actions: actionsOf[access] }
    return {
      replay: 'always',
      lane: 'small',
      ...rest,
      registry,
      headers: { 'accept-encoding': 'identity', ...request.headers },
      scopes: withoutScopes === true ? [] : [scope, ...alsoScopes],
    }
  }
}

/** Sends requests to one repository. */
export class RepositoryClient extends RegistryClient {
  readonly repository: RepositoryName

  constructor(shared: SharedState, repository: RepositoryName) {
    super(shared, repository.registry)
    this.repository = repository
  }

  /** Returns `/v2/<name>/<rest>`. The parts of `rest` are tags and digests. */
  override url(rest: string, query = ''): URL {
    return super.url(`${this.repository.path}/${rest}`, query)
  }

  /**
   * Returns the purpose of a request: what it does, and the `:tag` or `@digest` that it is about.
   */
  describe(
    doing: string,
    at: string,
    access: Purpose['access'],
    more: { readonly tag?: string } = {},
  ): Purpose {
    const { repository } = this
    return { ...repository, doing, subject: `${formatRepository(repository)}${at}`, access, ...more }
  }
}
