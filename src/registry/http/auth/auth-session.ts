import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { abortable } from '../transport/abortable.ts'
import { type Authorization, serves, type TokenEntry, type TokenScopes } from './authorization.ts'
import type { Challenge } from './challenge.ts'
import type { Credential } from '../../credential.ts'
import type { Fetch, RegistryRequest, Scope } from '../fetch.ts'
import type { RegistrySettings } from '../transport/origins.ts'
import type { Secrets } from '../secrets.ts'
import { covers, isPullOnly, otherRepository, pathOf, type ScopeSet, scopeSet, union } from './scopes.ts'
import { type CredentialUse, onlyRefreshToken, otherRepositoryNeeded } from './auth-errors.ts'
import {
  describeChallenge,
  namesOtherSchemes,
  offeredScheme,
  type Scheme,
  type UnclearChallenge,
  withoutScope,
  withoutTls,
} from './scheme.ts'
import { basicHeader, requestToken, type Token } from './token.ts'
import { checkService } from './token-service.ts'
import { insecureRealm, readRealm, untrustedRealm } from './token-realms.ts'

export interface AuthSessionOptions {
  readonly registry: string
  readonly origin: URL
  readonly settings: RegistrySettings | undefined
  readonly credential: Credential | undefined
  /** Returns the scopes that every token is requested for besides those of the request at hand. */
  readonly expected: (call: Call) => Promise<ScopeSet>
  /** as `readRootChallenge`, once for the registry */
  readonly rootChallenge: (call: Call) => Promise<string | undefined>
  /** sends token requests: with retries, without slots and without authentication */
  readonly tokenFetch: Fetch
  /** gets every token before it is used */
  readonly secrets: Secrets
  readonly clock: Clock
}

/** The state of the authentication at one registry in this run: its challenge and the tokens. */
export class AuthSession {
  /** whether the registry has accepted the credential in this run */
  isCredentialAccepted = false
  readonly #options: AuthSessionOptions
  #scheme: Scheme | undefined
  /** why no challenge of the registry could be followed */
  #unclear: UnclearChallenge | undefined
  #firstRequest: Promise<void> | undefined
  #tokens: TokenEntry[] = []
  /** Some registries give or accept no token for several repositories. */
  #isWideRefused = false
  /** The other name of a repository by its path. The first one counts for the whole run. */
  readonly #otherNames = new Map<string, string>()

  constructor(options: AuthSessionOptions) {
    this.#options = options
  }

  /** As `readRootChallenge`, once for the registry. */
  rootChallenge(call: Call): Promise<string | undefined> {
    return this.#options.rootChallenge(call)
  }

  get credential(): Credential | undefined {
    return this.#options.credential
  }

  get hasCredential(): boolean {
    return this.credential !== undefined
  }

  /**
   * If there are credentials, the first request learns the challenge and the others wait for it,
   * because each of them would be refused. Returns the function that ends the waiting. An upload is
   * never the first: the download that feeds it may be at this registry and would wait for it.
   */
  async waitForChallenge(request: RegistryRequest, call: Call): Promise<() => void> {
    if (!this.hasCredential) return () => undefined
    while (this.#scheme === undefined && this.#firstRequest !== undefined)
      await abortable(this.#firstRequest, call.signal)
    if (this.#scheme !== undefined || request.body?.kind === 'stream') return () => undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#firstRequest = promise
    return () => {
      if (this.#firstRequest === promise) this.#firstRequest = undefined
      resolve()
    }
  }

  get unclearChallenge(): UnclearChallenge | undefined {
    return this.#unclear
  }

  /** Whether credentials were sent. A token server can give a token without them. */
  credentialUse({ header, entry }: Authorization): CredentialUse {
    if (this.#options.credential === undefined) return 'none'
    return header === undefined || entry?.settled?.isAnonymous === true ? 'unused' : 'sent'
  }

  /**
   * Returns what to send with a request, by what is known so far.
   * @throws as `requestToken`; `refused` for a realm or a service of another host.
   */
  authorize(scopes: readonly Scope[], call: Call): Authorization | Promise<Authorization> {
    if (this.#scheme?.kind === 'basic') return this.#basicAuthorization()
    if (this.#scheme?.kind !== 'bearer') return { header: undefined }
    return this.#ownToken(scopeSet(scopes), this.#scheme.challenge, call)
  }

  /** The registry accepted a request. */
  noteAccepted(authorization: Authorization): void {
    const { entry } = authorization
    this.#scheme ??= { kind: 'open' }
    if (entry !== undefined) entry.accepted = true
    if (this.credentialUse(authorization) === 'sent') this.isCredentialAccepted = true
  }

  /**
   * The registry answered 401 to `refused`. Returns what to send next, or undefined if there is
   * nothing else. A token that worked before has expired and is replaced by its like, once.
   * Otherwise a token for the scopes of this request alone follows, and then one for the repository
   * that the challenge names instead. The challenge decides nothing else about what a token is
   * requested for.
   * @throws as `authorize`; `unauthorized` if the registry asks for what dray does not send.
   */
  async renew(
    refused: Authorization,
    wwwAuthenticate: string,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<Authorization | undefined> {
    if (refused.next === 'nothing') return undefined
    const { registry, credential } = this.#options
    const scheme = await this.#schemeAfter(wwwAuthenticate, refused, call)
    if (scheme === undefined) return undefined
    this.#tokens = this.#tokens.filter((entry) => entry !== refused.entry)
    if (scheme.kind === 'basic' && credential?.kind === 'identity') {
      this.#scheme ??= scheme
      throw onlyRefreshToken(registry)
    }
    this.#scheme = scheme
    if (scheme.kind === 'bearer') return await this.#renewToken(refused, scheme.challenge, scopes, call)
    const basic = this.#basicAuthorization()
    return basic.header === refused.header ? undefined : basic
  }

  /**
   * Without a challenge that dray supports, the scheme of earlier requests counts, then the
   * challenge of `GET /v2/`, then Basic over TLS: Harbor 2.7 answers 401 without a challenge. Over
   * plain http, anyone on the network path could read a password that the registry did not ask for.
   */
  async #schemeAfter(value: string, refused: Authorization, call: Call): Promise<Scheme | undefined> {
    const offered = this.#knownScheme(offeredScheme(value), refused)
    if (offered === undefined && this.#scheme !== undefined && this.#scheme.kind !== 'open')
      return withoutScope(this.#scheme)
    this.#unclear = undefined
    if (offered !== undefined) return offered
    const atRoot = (await this.#options.rootChallenge(call)) ?? ''
    const scheme = offeredScheme(atRoot)
    if (scheme !== undefined) return withoutScope(scheme)
    this.#unclear = describeChallenge(value || atRoot)
    const { credential, origin } = this.#options
    if (namesOtherSchemes(value, atRoot) || credential?.kind !== 'basic') return undefined
    if (origin.protocol === 'https:') return { kind: 'basic' }
    this.#unclear = withoutTls(this.#unclear)
    return undefined
  }

  /**
   * Harbor answers Basic to every token that it refuses. A token that worked before has expired.
   */
  #knownScheme(offered: Scheme | undefined, { entry }: Authorization): Scheme | undefined {
    const isKnown = this.#scheme?.kind === 'bearer' && entry?.accepted === true
    return offered?.kind === 'basic' && isKnown ? this.#scheme : offered
  }

  /** A refresh token is for token servers only. It is no password. */
  #basicAuthorization(): Authorization {
    const { credential } = this.#options
    return { header: credential?.kind === 'basic' ? basicHeader(credential) : undefined }
  }

  async #renewToken(
    { entry, next }: Authorization,
    challenge: Challenge,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<Authorization | undefined> {
    if (next === 'other') return await this.#otherToken(challenge, scopes, call)
    const hasExpired = entry?.accepted === true
    if (hasExpired && entry.wanted.kind === 'other')
      return { ...(await this.#tokenFor(entry.wanted, challenge, call)), next: 'nothing' }
    if (entry?.wanted.kind === 'expected' && !hasExpired) this.#isWideRefused = true
    try {
      const own = await this.#ownToken(scopeSet(scopes), challenge, call)
      return entry === undefined ? own : { ...own, next: hasExpired ? 'nothing' : 'other' }
    } catch (error) {
      if (!isRefusal(error)) throw error
      const other = await this.#otherToken(challenge, scopes, call)
      if (other === undefined) throw error
      return other
    }
  }

  /**
   * Returns a token for the request and what the run expects, or for the request alone if that was
   * refused.
   */
  async #ownToken(need: ScopeSet, challenge: Challenge, call: Call): Promise<Authorization> {
    const alone: TokenScopes = { kind: 'alone', need, scopes: need }
    // A request without scopes gets a token without scopes.
    if (need.size === 0 || this.#isWideRefused) return await this.#tokenFor(alone, challenge, call)
    const scopes = union(await this.#options.expected(call), need)
    try {
      return await this.#tokenFor({ kind: 'expected', need, scopes }, challenge, call)
    } catch (error) {
      if (!isRefusal(error) || covers(need, scopes)) throw error
      this.#isWideRefused = true
      return await this.#tokenFor(alone, challenge, call)
    }
  }

  /** Returns a token to pull from the one other repository that the challenge names. */
  async #otherToken(
    challenge: Challenge,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<Authorization | undefined> {
    const name = otherRepository(challenge.parameters.get('scope') ?? '', scopes)
    const own = pathOf(scopes[0])
    if (name === undefined || own === undefined) return undefined
    if (!isPullOnly(scopes)) throw otherRepositoryNeeded(this.#options.registry, own, name)
    const known = this.#otherNames.get(own) ?? name
    if (known !== name) return undefined
    this.#otherNames.set(own, name)
    const expected: TokenScopes = {
      kind: 'other',
      need: scopeSet(scopes),
      scopes: new Map([[`repository:${name}`, new Set(['pull'])]]),
    }
    return { ...(await this.#tokenFor(expected, challenge, call)), next: 'nothing' }
  }

  /** Returns a token that covers the request: one that was requested before, or a new one. */
  async #tokenFor(wanted: TokenScopes, challenge: Challenge, call: Call): Promise<Authorization> {
    for (;;) {
      const entry = this.#usable(wanted.need) ?? this.#startRequest(wanted, challenge, call)
      try {
        const token = await abortable(entry.token, call.signal)
        return { header: `Bearer ${token.value}`, entry }
      } catch (error) {
        this.#tokens = this.#tokens.filter((one) => one !== entry)
        // The call that requested it was aborted, and this call was not.
        if (!entry.signal.aborted || call.signal.aborted) throw error
      }
    }
  }

  #usable(need: ScopeSet): TokenEntry | undefined {
    const now = this.#options.clock.now()
    this.#tokens = this.#tokens.filter((entry) => entry.settled === undefined || entry.settled.renewAt > now)
    return this.#tokens.find((entry) => covers(serves(entry.wanted), need))
  }

  #startRequest(wanted: TokenScopes, challenge: Challenge, call: Call): TokenEntry {
    const token = this.#request(wanted.scopes, challenge, call)
    const entry: TokenEntry = { wanted, token, signal: call.signal, accepted: false }
    this.#tokens.push(entry)
    token.then(
      (settled) => {
        entry.settled = settled
      },
      () => undefined,
    )
    return entry
  }

  async #request(scopes: ScopeSet, challenge: Challenge, call: Call): Promise<Token> {
    const { registry, origin, settings, credential, tokenFetch, secrets, clock } = this.#options
    const realm = readRealm(registry, origin, challenge.parameters.get('realm') ?? '', settings)
    if (credential !== undefined && !realm.mayHaveCredentials) throw untrustedRealm(registry, realm.url)
    if (!realm.mayHaveCredentials && realm.url.protocol !== 'https:') throw insecureRealm(registry, realm.url)
    const service = challenge.parameters.get('service')
    // A token without credentials gives access only to what is public.
    if (credential !== undefined) checkService({ registry, origin, realm: realm.url, service, settings })
    const request = { registry, realm: realm.url, service, scopes, credential }
    const token = await requestToken(tokenFetch, request, clock, call)
    secrets.addToken(token.value)
    return token
  }
}

function isRefusal(error: unknown): boolean {
  return isDrayError(error) && error.code === 'unauthorized'
}
