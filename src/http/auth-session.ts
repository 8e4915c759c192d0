import type { Call } from '../call.ts'
import type { Clock } from '../clock.ts'
import { isDrayError } from '../errors.ts'
import { abortable } from './abortable.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credential } from './credential.ts'
import type { Fetch, RegistryRequest, Scope } from './fetch.ts'
import type { RegistrySettings } from './origins.ts'
import type { Secrets } from './secrets.ts'
import { challengeScopes, covers, type ScopeSet, scopeSet, union } from './scopes.ts'
import { basicHeader, requestToken, type Token } from './token.ts'
import { insecureRealm, readRealm, untrustedRealm } from './token-realms.ts'

export interface SessionOptions {
  readonly registry: string
  readonly origin: URL
  readonly settings: RegistrySettings | undefined
  readonly credential: Credential | undefined
  /** what every token is asked for besides what the request at hand needs */
  readonly expected: (call: Call) => Promise<ScopeSet>
  /** sends token requests: with retries, without slots and without auth */
  readonly tokenFetch: Fetch
  /** told of every token before it is used */
  readonly secrets: Secrets
  readonly clock: Clock
}

/** The way in that a registry asks for, as far as it is known. */
type Scheme =
  | { readonly kind: 'open' }
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly challenge: Challenge }

interface TokenEntry {
  readonly scopes: ScopeSet
  readonly token: Promise<Token>
  readonly signal: AbortSignal
  /** undefined while it is asked for */
  settled?: Token
  /** whether the registry took it at least once */
  accepted: boolean
}

/** How a request is to show itself, and the token that stands behind it. */
export interface Pass {
  readonly header: string | undefined
  readonly entry?: TokenEntry
}

/** What was learned in this run about the way into one registry: its challenge, the credentials, the tokens. */
export class AuthSession {
  readonly #options: SessionOptions
  #scheme: Scheme | undefined
  #scout: Promise<void> | undefined
  #tokens: TokenEntry[] = []
  /** some registries give no token at all, or none that they take, where it is asked to serve for several repositories */
  #wideRefused = false

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get hasCredential(): boolean {
    return this.#options.credential !== undefined
  }

  /**
   * Where credentials are known, one request goes ahead and learns the challenge for all; the others wait for it instead of being turned away one by
   * one. Gives the function with which the one that goes ahead ends the waiting. An upload never goes ahead: the download that feeds it may be at this
   * registry, and would wait for it.
   */
  async enter(request: RegistryRequest, call: Call): Promise<() => void> {
    if (!this.hasCredential) return () => undefined
    while (this.#scheme === undefined && this.#scout !== undefined) await abortable(this.#scout, call.signal)
    if (this.#scheme !== undefined || request.body?.kind === 'stream') return () => undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#scout = promise
    return () => {
      if (this.#scout === promise) this.#scout = undefined
      resolve()
    }
  }

  /** What to send with a request, by what is known so far. @throws as `requestToken`; `refused` for a realm of somebody else. */
  async pass(scopes: readonly Scope[], call: Call): Promise<Pass> {
    if (this.#scheme?.kind === 'basic') return { header: basicHeader(this.#options.credential) }
    if (this.#scheme?.kind !== 'bearer') return { header: undefined }
    const need = scopeSet(scopes)
    const wanted =
      need.size === 0 ? challengeScopes(this.#scheme.challenge.parameters.get('scope') ?? '') : need
    return this.#tokenFor(wanted, 'wide', this.#scheme.challenge, call)
  }

  /** The registry let a request in. */
  admitted(pass: Pass): void {
    this.#scheme ??= { kind: 'open' }
    if (pass.entry !== undefined) pass.entry.accepted = true
  }

  /**
   * The registry answered 401 to `refused`. Gives the pass for the one second try, or undefined where there is nothing else to show. A token that
   * worked before has run out and is replaced by its like; one that never did is replaced by one for this request alone, in case the registry
   * gives no token for more than that.
   */
  async renew(
    refused: Pass,
    wwwAuthenticate: string,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<Pass | undefined> {
    const scheme = chooseScheme(parseChallenges(wwwAuthenticate))
    if (scheme === undefined) return undefined
    this.#scheme = scheme
    this.#tokens = this.#tokens.filter((entry) => entry !== refused.entry)
    if (scheme.kind !== 'bearer') {
      const pass = await this.pass(scopes, call)
      return pass.header === refused.header ? undefined : pass
    }
    if (refused.entry === undefined || refused.entry.accepted) {
      const named = challengeScopes(scheme.challenge.parameters.get('scope') ?? '')
      const need = union(scopeSet(scopes), withoutUnasked(named, scopes))
      return this.#tokenFor(need, 'wide', scheme.challenge, call)
    }
    this.#wideRefused = true
    const alone = scopeSet(scopes)
    return this.#tokenFor(alone, 'alone', scheme.challenge, call)
  }

  /** A token that covers `need`: one that is there, or one asked for with all that the run expects (`wide`) or without. */
  async #tokenFor(need: ScopeSet, ask: 'wide' | 'alone', challenge: Challenge, call: Call): Promise<Pass> {
    const expected = ask === 'wide' && !this.#wideRefused ? await this.#options.expected(call) : new Map()
    const scopes = union(expected, need)
    for (;;) {
      const entry = this.#usable(need) ?? this.#ask(scopes, challenge, call)
      try {
        const token = await abortable(entry.token, call.signal)
        return { header: `Bearer ${token.value}`, entry }
      } catch (error) {
        this.#tokens = this.#tokens.filter((one) => one !== entry)
        // it was asked for by a call that was given up meanwhile; this one was not
        if (entry.signal.aborted && !call.signal.aborted) continue
        const refused = isDrayError(error) && error.code === 'unauthorized'
        if (!refused || covers(need, scopes)) throw error
        this.#wideRefused = true
        return this.#tokenFor(need, 'alone', challenge, call)
      }
    }
  }

  #usable(need: ScopeSet): TokenEntry | undefined {
    const now = this.#options.clock.now()
    this.#tokens = this.#tokens.filter((entry) => entry.settled === undefined || entry.settled.renewAt > now)
    return this.#tokens.find((entry) => covers(entry.scopes, need))
  }

  #ask(scopes: ScopeSet, challenge: Challenge, call: Call): TokenEntry {
    const token = this.#request(scopes, challenge, call)
    const entry: TokenEntry = { scopes, token, signal: call.signal, accepted: false }
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
    const request = { registry, realm: realm.url, service, scopes, credential }
    const token = await requestToken(tokenFetch, request, clock, call)
    secrets.addToken(token.value)
    return token
  }
}

/** Bearer before Basic: a token is worth less to a thief. Schemes that we do not speak are passed over. */
function chooseScheme(challenges: readonly Challenge[]): Scheme | undefined {
  const challenge = challenges.find((one) => one.scheme === 'bearer' && one.parameters.has('realm'))
  if (challenge !== undefined) return { kind: 'bearer', challenge }
  return challenges.some((one) => one.scheme === 'basic') ? { kind: 'basic' } : undefined
}

/** A registry may know a repository under another name than we do (behind a proxy), but gets no right that this request does not use. */
function withoutUnasked(named: ScopeSet, scopes: readonly Scope[]): ScopeSet {
  const asked = new Set<string>(scopes.flatMap((scope) => ('catalog' in scope ? [] : scope.actions)))
  return new Map(
    [...named].filter(
      ([, actions]) => scopes.length === 0 || [...actions].every((action) => asked.has(action)),
    ),
  )
}
