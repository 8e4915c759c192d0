import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { createAuth } from './auth/auth.ts'
import { secretsOf } from './auth/registry-auth.ts'
import { type CertificateFolders, type Certificates, combineCertificates } from './transport/certificates.ts'
import type { Bandwidth } from './bodies/bandwidth.ts'
import { paceRequests } from './bodies/pace-requests.ts'
import type { CredentialSource } from '../credential.ts'
import type { Timeouts } from './dispatch.ts'
import type { Fetch, Middleware, Scope } from './fetch.ts'
import { rateLimitOf } from './headers.ts'
import { HostGates } from './host-gate.ts'
import { lanesOf, limit } from './limit.ts'
import { registryOrigin, type RegistrySettingsMap } from './transport/origins.ts'
import { proxyUser } from './transport/proxy.ts'
import { redactUrl } from './redact.ts'
import { redirect } from './redirect.ts'
import { retry } from './retry.ts'
import { SharedWork } from './shared-work.ts'
import { Secrets } from './secrets.ts'
import { createTransport, type TransportOptions } from './transport/transport.ts'

const defaultMaxWaitMs = 5 * 60_000

export interface FetchOptions {
  readonly settings: RegistrySettingsMap
  readonly credentials: CredentialSource
  /** such as `dray/0.1.0` */
  readonly userAgent: string
  /** measures and waits for retries, `Retry-After` and tokens */
  readonly clock?: Clock
  /**
   * Measures stalled transfers. It is separate, because a clock that skips the waits of retries
   * would find every transfer stalled.
   */
  readonly transferClock?: Clock
  /** uniform in [0, 1) */
  readonly random?: () => number
  /** the longest wait that a registry may ask for, milliseconds */
  readonly maxWaitMs?: number
  /** the proxy for a URL */
  readonly proxy?: TransportOptions['proxy']
  /** the certificates that folders of this machine have for a registry */
  readonly certificates?: CertificateFolders
  /** how long a request may stall */
  readonly limits?: Timeouts
  /** the limit on the bytes of all bodies of the run; by default none */
  readonly bandwidth?: Bandwidth
  /** of one request; eight by default */
  readonly maxAttempts?: number
}

export interface FetchStack {
  readonly fetch: Fetch
  /** the same without authentication, for public content */
  readonly anonymous: Fetch
  /** the credentials of the run; each is added to `secrets` before it is returned */
  readonly credentials: CredentialSource
  /**
   * The secrets that were sent. `fetch` has removed them from its own errors and events; callers
   * remove them from the text of a registry.
   */
  readonly secrets: Secrets
  /** Returns the origin of a registry's API, which must not be changed. @throws `malformed`. */
  origin(registry: string): URL
  /** Returns the certificates for a registry. @throws `config` */
  certificates(registry: string): Promise<Certificates>
  /**
   * Adds scopes that the run will need, the destination's first, so that one token covers all of
   * them.
   */
  expectScopes(registry: string, scopes: readonly Scope[]): void
  /**
   * Says how many small requests the run will send at once, so that as many connections are opened
   * with the first one, up to the limit of the registry.
   */
  expectAtOnce(registry: string, requests: number): void
  /**
   * Takes one retry out of a registry's budget, for retries above this stack. False if the budget
   * is used up because nothing succeeds any more.
   */
  takeRetry(registry: string): boolean
  /**
   * Whether a registry answers a TLS handshake, with one attempt. False if it is reached through a
   * proxy.
   */
  speaksTls(registry: string, call: Call): Promise<boolean>
  close(): Promise<void>
}

/** Composes the middleware once for a run: retry, auth, redirect, pace, limit, transport. */
export function createFetch(options: FetchOptions): FetchStack {
  const { settings, credentials, userAgent, clock = systemClock, random = Math.random } = options
  const gates = new HostGates(clock, options.maxWaitMs ?? defaultMaxWaitMs)
  const secrets = new Secrets()
  const transport = createTransport({
    settings,
    userAgent,
    clock: options.transferClock ?? systemClock,
    proxy: options.proxy && rememberPasswords(options.proxy, secrets),
    certificates: options.certificates,
    limits: options.limits,
    bandwidth: options.bandwidth,
  })
  const wire = reportRequests(clock)(transport.fetch)
  const origin = originsOf(settings)
  const { maxAttempts, bandwidth } = options
  const paced = paceRequests(bandwidth)
  const limited = (): Fetch => redirect(paced(limit(settings, gates)(wire)))
  const retried = retry({ clock, random, gates, ...(maxAttempts !== undefined && { maxAttempts }) })
  const auth = createAuth({ settings, credentials, secrets, clock, tokenFetch: retried(paced(wire)) })
  return {
    fetch: redactSecrets(secrets)(retried(auth.middleware(limited()))),
    anonymous: redactSecrets(secrets)(retried(limited())),
    credentials: rememberCredentials(credentials, secrets),
    secrets,
    origin,
    certificates: (registry) => combineCertificates(registry, settings.get(registry), options.certificates),
    expectScopes: (registry, scopes) => auth.expectScopes(registry, scopes),
    expectAtOnce: (registry, requests) => {
      const most = lanesOf(settings.get(registry)?.concurrency).small
      transport.expectConnections(registry, Math.min(requests, most))
    },
    takeRetry: (registry) => gates.of(registry).takeRetry(),
    speaksTls: tlsProbes(origin, options.proxy),
    close: () => transport.close(),
  }
}

/** Returns the origin of each registry, which is found out once. */
function originsOf(settings: RegistrySettingsMap): FetchStack['origin'] {
  const origins = new Map<string, URL>()
  return (registry) => {
    const known = origins.get(registry)
    if (known !== undefined) return known
    const origin = registryOrigin(registry, settings.get(registry))
    origins.set(registry, origin)
    return origin
  }
}

/** Asks each registry once. */
function tlsProbes(origin: FetchStack['origin'], proxy: FetchOptions['proxy']): FetchStack['speaksTls'] {
  const probes = new Map<string, SharedWork<boolean>>()
  const probe = async (registry: string, { signal }: Call): Promise<boolean> => {
    const address = origin(registry)
    if (proxy?.(address) !== undefined) return false
    const { speaksTls } = await import('./transport/probe-tls.ts')
    return await speaksTls(address, signal)
  }
  return (registry, call) => {
    const known = probes.get(registry) ?? new SharedWork((first) => probe(registry, first))
    probes.set(registry, known)
    return known.result(call)
  }
}

/** Reports each request when its headers have arrived. */
function reportRequests(clock: Clock): Middleware {
  return (next) => async (request, call) => {
    const begin = clock.now()
    const response = await next(request, call)
    const { method, url } = request
    const ms = clock.now() - begin
    const event = {
      kind: 'request',
      method,
      // Only `--verbose` shows it.
      get url() {
        return redactUrl(url)
      },
      status: response.status,
      ms,
    } as const
    call.notify(event)
    const quota = rateLimitOf(response.headers)
    if (quota !== undefined) call.notify({ kind: 'quota', registry: request.registry, ...quota })
    return response
  }
}

/** Removes sent secrets from errors and events. The URL of a registry's answer may contain them. */
function redactSecrets(secrets: Secrets): Middleware {
  return (next) => async (request, call) => {
    const notify: Call['notify'] = (event) => call.notify(secrets.redactEvent(event))
    try {
      return await next(request, { ...call, notify })
    } catch (thrown) {
      throw secrets.redactError(thrown)
    }
  }
}

/** Adds credentials to `secrets` before a caller gets them. */
function rememberCredentials(find: CredentialSource, secrets: Secrets): CredentialSource {
  return async (...of) => {
    const credential = await find(...of)
    for (const secret of secretsOf(credential)) secrets.add(secret)
    return credential
  }
}

/**
 * Adds the users and passwords of proxies to `secrets` before they are used, because a proxy may
 * repeat them as well.
 */
function rememberPasswords(
  proxyFor: NonNullable<FetchOptions['proxy']>,
  secrets: Secrets,
): NonNullable<FetchOptions['proxy']> {
  return (address) => {
    const proxy = proxyFor(address)
    const found = proxy === undefined ? undefined : proxyUser(proxy.url)
    if (found !== undefined) {
      secrets.add(found.password)
      secrets.add(`${found.user}:${found.password}`)
    }
    return proxy
  }
}
