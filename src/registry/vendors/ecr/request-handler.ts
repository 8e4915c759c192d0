import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import { isLoopback } from '../../../oci/registry-host.ts'
import type { RegistryRequest } from '../../http/fetch.ts'
import { transportFailure } from '../../http/transport/transport-failure.ts'
import type { VendorApi } from '../vendor-api.ts'

/** The most bytes of an answer: 1000 images with 1000 tags of 20 characters each. */
const maxAnswer = 32 * 1024 * 1024

/** How often an answer is read whose body breaks off. */
const maxReads = 4

/** Headers that the transport sets itself. */
const ownHeaders: ReadonlySet<string> = new Set(['host', 'content-length', 'user-agent'])

/** Headers with a secret that authenticates without a signature, or together with one. */
const secretHeaders = ['x-amz-security-token', 'x-amz-sso_bearer_token']

/** A request as the AWS SDK builds it (@smithy/types, HttpRequest). */
interface SdkRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface SdkResponse {
  readonly response: {
    readonly statusCode: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: Uint8Array
  }
}

/** The options of `send`, which the SDK passes to the handler. */
interface SendOptions {
  readonly abortSignal?: unknown
  readonly of?: RequestContext
}

export interface RequestContext {
  readonly call: Call
  readonly beforeAttempt: BeforeAttempt | undefined
}

/**
 * Sends the requests of the AWS SDK through the HTTP stack of dray: its retries, limits, proxies
 * and certificates apply, and the SDK opens no connection itself.
 */
export class SdkRequestHandler {
  readonly metadata: { readonly handlerProtocol: string } = { handlerProtocol: 'http/1.1' }
  readonly #api: VendorApi
  #call: Call | undefined

  constructor(api: VendorApi) {
    this.#api = api
  }

  /** Uses the call for requests of the credential chain, which have no options. */
  use(call: Call): void {
    this.#call = call
  }

  async handle(request: SdkRequest, { of }: SendOptions = {}): Promise<SdkResponse> {
    const call = of?.call ?? this.#call
    if (call === undefined) throw new DrayError('internal', 'the AWS SDK sent a request before dray did')
    for (const name of secretHeaders) this.#api.keepSecret(request.headers[name] ?? '')
    const sent = toRequest(request, of?.beforeAttempt)
    for (let reads = 1; ; reads++) {
      const response = await this.#api.fetch(sent, call)
      try {
        const body = await response.bytes(maxAnswer)
        const headers = Object.fromEntries(response.headers)
        return { response: { statusCode: response.status, headers, body } }
      } catch (error) {
        if (reads === maxReads || transportFailure(error) === undefined) throw error
      }
    }
  }

  destroy(): void {
    // The stack closes its connections.
  }

  updateHttpClientConfig(): void {
    // The settings of the stack cannot change.
  }

  httpHandlerConfigs(): Readonly<Record<string, never>> {
    return {}
  }
}

function toRequest(request: SdkRequest, beforeAttempt: BeforeAttempt | undefined): RegistryRequest {
  const url = urlOf(request)
  const entries = Object.entries(request.headers)
  return {
    registry: url.host,
    method: methodOf(request),
    url,
    headers: Object.fromEntries(entries.filter(([name]) => !ownHeaders.has(name.toLowerCase()))),
    body: bodyOf(request),
    scopes: [],
    // A list, a delete by digest or of a tag, and a session twice have the effect of once.
    replay: 'always',
    lane: 'small',
    beforeAttempt,
  }
}

/** @throws `config` for plain http to another machine: the session token would be readable. */
function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): URL {
  const search = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value) => (value === null ? encode(name) : `${encode(name)}=${encode(value)}`)),
  )
  const host = port === undefined ? hostname : `${hostname}:${port}`
  const url = new URL(`${protocol}//${host}${path}${search.length === 0 ? '' : `?${search.join('&')}`}`)
  if (url.protocol === 'https:' || isLoopback(url.hostname)) return url
  throw new DrayError('config', `dray sends no AWS credentials to ${url.origin}, which is plain HTTP`, {
    subject: url.origin,
    hint: 'Use an https URL in AWS_ENDPOINT_URL_ECR, AWS_ENDPOINT_URL, the AWS profile or dray.yaml.',
  })
}

/** RFC 3986, section 2.3, as SigV4 demands. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function methodOf({ method }: SdkRequest): RegistryRequest['method'] {
  if (method === 'GET' || method === 'POST' || method === 'PUT' || method === 'DELETE') return method
  throw new DrayError('internal', `the AWS SDK sent ${method}`)
}

function bodyOf({ body }: SdkRequest): RegistryRequest['body'] {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return { kind: 'bytes', bytes: Buffer.from(body) }
  // The SDK adds methods of strings to its array, which warn.
  if (body instanceof Uint8Array) return { kind: 'bytes', bytes: new Uint8Array(body) }
  throw new DrayError('internal', 'the AWS SDK sent a stream')
}
