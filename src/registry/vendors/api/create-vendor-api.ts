import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError, isDrayError, toDrayError } from '../../../lib/errors.ts'
import { parseJson } from '../../../oci/json.ts'
import { isWebPage, webPageError, withSubject } from '../../client/errors.ts'
import { TransferRetry } from '../../client/transfer.ts'
import type { Fetch, RegistryRequest, RegistryResponse } from '../../http/fetch.ts'
import { redactText } from '../../http/redact.ts'
import type { FetchStack } from '../../http/stack.ts'
import { keepHttps } from '../../http/transport/origins.ts'
import type { KnownVendor } from '../../known-vendors.ts'
import type { VendorApi, VendorRequest, VendorResponse } from '../vendor-api.ts'
import { type ApiSettings, baseOfApi, secretSource } from './api-access.ts'
import {
  apiError,
  type ApiOfErrors,
  foreignPage,
  howToCreate,
  missingToken,
  otherOrigin,
  purposeOf,
  reportedError,
  shortText,
} from './api-errors.ts'
import { VendorSecrets } from './vendor-secrets.ts'

/** The largest answer that is read, in bytes. A page of 1,000 images of Google has about 1 MB. */
const maxBody = 32 * 1024 ** 2
/** Deeper than the manifests that vendors quote in their answers. */
const maxDepth = 100

export interface VendorApiOptions {
  /** in its normal form */
  readonly registry: string
  readonly vendor: KnownVendor
  readonly settings: ApiSettings
  readonly stack: FetchStack
  /** whether dray.yaml allows plain http to a host */
  readonly isInsecure: (host: string) => boolean
  readonly resolveTag: VendorApi['resolveTag']
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** uniform in [0, 1) */
  readonly random: () => number
}

/** Creates the API of a vendor for one registry. Sends no request. @throws `config`. */
export function createVendorApi(options: VendorApiOptions): VendorApi {
  const { registry, vendor, settings, stack, isInsecure, env, clock, random } = options
  const origin = stack.origin(registry)
  const of = { registry, origin, vendor }
  const base = baseOfApi(of, settings, isInsecure)
  const from = secretSource(of, base, settings)
  const { tokenEnv } = settings
  const api: ApiOfErrors = { ...of, base, from, tokenEnv }
  const keepSecret = (text: string): void => stack.secrets.add(text)
  const hint = howToCreate(api)
  const found = {
    registry,
    from,
    tokenEnv,
    env,
    credentials: stack.credentials,
    keepSecret,
    howToCreate: hint,
  }
  const secrets = new VendorSecrets(found)
  const retry = new TransferRetry({ clock, random, takeRetry: (host) => stack.takeRetry(host) })
  const sender = new ApiSender(api, stack, secrets, retry)
  return {
    registry,
    base,
    clock,
    secret: (path, call) => secrets.find(path, call),
    keepSecret,
    send: (request, call) => sender.send(request, call),
    resolveTag: options.resolveTag,
    fetch: stack.anonymous,
  }
}

/** Sends the requests to one API. */
class ApiSender {
  readonly #api: ApiOfErrors
  readonly #stack: FetchStack
  readonly #secrets: VendorSecrets
  readonly #retry: TransferRetry
  /** one error for the whole run, so that it is reported once */
  #missing: DrayError | undefined

  constructor(api: ApiOfErrors, stack: FetchStack, secrets: VendorSecrets, retry: TransferRetry) {
    this.#api = api
    this.#stack = stack
    this.#secrets = secrets
    this.#retry = retry
  }

  async send(request: VendorRequest, call: Call): Promise<VendorResponse> {
    const sent = this.#requestOf(request)
    try {
      const response = await this.#receive(sent, this.#fetchFor(request), call)
      return await this.#checked(request, response)
    } catch (error) {
      const purpose = purposeOf(this.#api, request)
      const named = isDrayError(error) && error.subject === purpose.subject
      const isMissing = error === this.#missing
      throw this.#stack.secrets.redactError(named || isMissing ? error : withSubject(error, purpose, call))
    }
  }

  /** Only the registry's own challenge decides about its own tokens. */
  #fetchFor({ authorization }: VendorRequest): Fetch {
    if (typeof authorization !== 'object') return this.#stack.anonymous
    if (this.#isOwnOrigin) return this.#stack.fetch
    throw new DrayError('internal', `${this.#api.base.origin} is not the origin of ${this.#api.registry}`)
  }

  get #isOwnOrigin(): boolean {
    return this.#api.base.origin === this.#api.origin.origin
  }

  #requestOf(request: VendorRequest): RegistryRequest {
    const { method, json, headers, authorization, expect, beforeAttempt } = request
    const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json))
    const isValue = typeof authorization === 'string'
    return {
      // Limits, retries and settings of another host are its own.
      registry: this.#isOwnOrigin ? this.#api.registry : this.#api.base.host,
      method,
      url: this.#urlOf(request),
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        ...(isValue && { authorization }),
      },
      ...(body !== undefined && { body: { kind: 'bytes', bytes: body } }),
      scopes: typeof authorization === 'object' ? authorization.scopes : [],
      replay: 'always',
      finalStatuses: expect,
      lane: 'small',
      beforeAttempt,
    }
  }

  /** @throws `protocol` for a URL of another origin. */
  #urlOf(request: VendorRequest): URL {
    const { base } = this.#api
    const { path, query } = request
    const url =
      path instanceof URL
        ? new URL(path)
        : new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}${path}`)
    keepHttps(url, base)
    if (url.origin !== base.origin || url.username !== '' || url.password !== '')
      throw foreignPage(this.#api, request, url)
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    return url
  }

  /**
   * Reads the whole answer. A read that breaks off is repeated; a change is not, since its answer
   * would be another one.
   */
  async #receive(sent: RegistryRequest, fetch: Fetch, call: Call): Promise<ReceivedAnswer> {
    const take = async (response: RegistryResponse): Promise<ReceivedAnswer> => ({
      response,
      body: await response.bytes(maxBody),
    })
    const begin = (): Promise<RegistryResponse> => fetch(sent, call)
    if (sent.method === 'GET') return await this.#retry.run(sent.registry, call, begin, take)
    const response = await begin()
    try {
      return await take(response)
    } catch (failure) {
      call.signal.throwIfAborted()
      return { response, body: new Uint8Array(), failure: toDrayError(failure) }
    }
  }

  async #checked(request: VendorRequest, answer: ReceivedAnswer): Promise<VendorResponse> {
    const { response } = answer
    const { status, url } = response
    const api = this.#api
    if (url.origin !== api.base.origin) throw otherOrigin(api, request, url)
    const { authorization, expect } = request
    if (status === 401) this.#secrets.noteRefused()
    if (expect.includes(status)) {
      // Harbor's empty answer to a delete may have any type.
      if (answer.body.byteLength > 0 && isWebPage(response))
        throw await webPageError(response, purposeOf(api, request))
      return this.#responseOf(request, answer)
    }
    if (authorization === undefined && (status === 401 || status === 403))
      throw (this.#missing ??= missingToken(api))
    throw apiError(api, request, response, this.#reported(answer))
  }

  #responseOf(request: VendorRequest, answer: ReceivedAnswer): VendorResponse {
    const { response, body, failure } = answer
    const { status, headers, url } = response
    return {
      status,
      headers,
      url,
      bytes: body.byteLength,
      json: async () => {
        if (failure !== undefined) throw failure
        return this.#parse(request, body)
      },
      text: async () => this.#reported(answer).text ?? '',
      discard: async () => undefined,
    }
  }

  #parse(request: VendorRequest, body: Uint8Array): unknown {
    const { host } = this.#api.base
    try {
      return parseJson(body, `the answer of ${host}`, maxDepth)
    } catch (cause) {
      const { subject } = purposeOf(this.#api, request)
      const why = isDrayError(cause) ? cause.message : undefined
      throw new DrayError('protocol', `cannot ${request.doing}: ${host} sent an invalid answer`, {
        subject,
        why,
      })
    }
  }

  #reported({ response, body }: ReceivedAnswer): ReturnType<typeof reportedError> {
    const redact = (text: string): string => redactText(this.#stack.secrets.redact(text))
    try {
      return reportedError(parseJson(body, 'the error'), { redact })
    } catch {
      const isText = response.headers.get('content-type')?.startsWith('text/plain') === true
      const text = isText ? shortText(Buffer.from(body).toString(), { redact }) : ''
      return text === '' ? {} : { text }
    }
  }
}

/** An answer whose body was read, or why it could not be. */
interface ReceivedAnswer {
  readonly response: RegistryResponse
  readonly body: Uint8Array
  readonly failure?: DrayError
}
