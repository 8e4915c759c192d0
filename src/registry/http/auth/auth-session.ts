import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { abortable } from '../transport/abortable.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credential } from '../../credential.ts'
import type { Fetch, RegistryRequest, Scope } from '../fetch.ts'
import type { RegistrySettings } from '../transport/origins.ts'
import type { Secrets } from '../secrets.ts'
import { covers, isPullOnly, otherRepository, pathOf, type ScopeSet, scopeSet, union } from './scopes.ts'
import { onlyRefreshToken, otherRepositoryNeeded } from './auth-errors.ts'
import { basicHeader, requestToken, type Token } from './token.ts'
import { checkService } from './token-service.ts'
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

/**
 * What a token is requested for: what the request needs and the rest of the run is expected to need, what the request
 * needs alone, or the one other repository that a challenge names.
 */
type Purpose = 'expected' | 'alone' | 'other'

interface Wanted {
  readonly purpose: Purpose
  /** what the token is used for */
  readonly need: ScopeSet
  /** what it is requested for */
  readonly scopes: ScopeSet
}

interface TokenEntry {
  readonly wanted: Wanted
  readonly token: Promise<Token>
  readonly signal: AbortSignal
  /** undefined while it is asked for */
  settled?: Token
  /** whether the registry took it at least once */
  accepted: boolean
}

/** The `Authorization` of a request, and the token behind it. */
export interface Pass {
  readonly header: string | undefined
  readonly entry?: TokenEntry
  /** what follows if the registry refuses it; absent: a token for the request alone */
  readonly next?: 'other' | 'nothing'
}

/** Which credentials were in a request: `none` are known, or they were `sent`, or they are of no use there (`unused`). */
export type Shown = 'none' | 'sent' | 'unused'

/** What was learned in this run about the way into one registry: its challenge, the credentials, the tokens. */
export class AuthSession {
  readonly #options: SessionOptions
  #scheme: Scheme | undefined
  #scout: Promise<void> | undefined
  #tokens: TokenEntry[] = []
  /** some registries give no token at all, or none that they take, where it is asked to serve for several repositories */
  #wideRefused = false
  /** the other name of a repository, by its path; the first one that a challenge names counts for the whole run */
  readonly #otherNames = new Map<string, string>()

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

  /** Which credentials were sent with a pass. A token server can give a token without them. */
  shown({ header, entry }: Pass): Shown {
    if (this.#options.credential === undefined) return 'none'
    return header === undefined || entry?.settled?.isAnonymous === true ? 'unused' : 'sent'
  }

  /** What to send with a request, by what is known so far. @throws as `requestToken`; `refused` for a realm or a service of somebody else. */
  async pass(scopes: readonly Scope[], call: Call): Promise<Pass> {
    if (this.#scheme?.kind === 'basic') return this.#basicPass()
    if (this.#scheme?.kind !== 'bearer') return { header: undefined }
    return await this.#ownToken(scopeSet(scopes), this.#scheme.challenge, call)
  }

  /** The registry let a request in. */
  admitted(pass: Pass): void {
    this.#scheme ??= { kind: 'open' }
    if (pass.entry !== undefined) pass.entry.accepted = true
  }

  /**
   * The registry answered 401 to `refused`. Returns what to send next, or undefined if there is nothing else. A token
   * that worked before has expired and is replaced by its like, once. Otherwise a token for the scopes of this request
   * alone follows, and then one for the repository that the challenge names instead. The challenge decides nothing
   * else about what a token is requested for.
   * @throws as `pass`; `unauthorized` if the registry asks for what dray does not send.
   */
  async renew(
    refused: Pass,
    wwwAuthenticate: string,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<Pass | undefined> {
    if (refused.next === 'nothing') return undefined
    const { registry, credential } = this.#options
    const scheme = this.#answered(chooseScheme(parseChallenges(wwwAuthenticate)), refused)
    if (scheme === undefined) return undefined
    this.#tokens = this.#tokens.filter((entry) => entry !== refused.entry)
    if (scheme.kind === 'basic' && credential?.kind === 'identity') {
      this.#scheme ??= scheme
      throw onlyRefreshToken(registry)
    }
    this.#scheme = scheme
    if (scheme.kind === 'bearer') return await this.#renewToken(refused, scheme.challenge, scopes, call)
    const pass = this.#basicPass()
    return pass.header === refused.header ? undefined : pass
  }

  /** Harbor answers Basic to every token that it refuses. A token that worked before has expired, and is renewed. */
  #answered(offered: Scheme | undefined, { entry }: Pass): Scheme | undefined {
    const isKnown = this.#scheme?.kind === 'bearer' && entry?.accepted === true
    return offered?.kind === 'basic' && isKnown ? this.#scheme : offered
  }

  /** A refresh token is for token servers: it is no password. */
  #basicPass(): Pass {
    const { credential } = this.#options
    return { header: credential?.kind === 'basic' ? basicHeader(credential) : undefined }
  }

  async #renewToken(
    { entry, next }: Pass,
    challenge: Challenge,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<Pass | undefined> {
    if (next === 'other') return await this.#otherToken(challenge, scopes, call)
    const hasExpired = entry?.accepted === true
    if (hasExpired && entry.wanted.purpose === 'other')
      return { ...(await this.#tokenFor(entry.wanted, challenge, call)), next: 'nothing' }
    if (entry?.wanted.purpose === 'expected' && !hasExpired) this.#wideRefused = true
    try {
      const pass = await this.#ownToken(scopeSet(scopes), challenge, call)
      return entry === undefined ? pass : { ...pass, next: hasExpired ? 'nothing' : 'other' }
    } catch (error) {
      if (!isRefusal(error)) throw error
      const other = await this.#otherToken(challenge, scopes, call)
      if (other === undefined) throw error
      return other
    }
  }

  /** A token for what a request needs: together with what the run expects, or alone if that was refused. */
  async #ownToken(need: ScopeSet, challenge: Challenge, call: Call): Promise<Pass> {
    const alone: Wanted = { purpose: 'alone', need, scopes: need }
    // a request without scopes gets a token without scopes
    if (need.size === 0 || this.#wideRefused) return await this.#tokenFor(alone, challenge, call)
    const scopes = union(await this.#options.expected(call), need)
    try {
      return await this.#tokenFor({ purpose: 'expected', need, scopes }, challenge, call)
    } catch (error) {
      if (!isRefusal(error) || covers(need, scopes)) throw error
      this.#wideRefused = true
      return await this.#tokenFor(alone, challenge, call)
    }
  }

  /** A token to pull from the one other repository that the challenge to this request names. */
  async #otherToken(challenge: Challenge, scopes: readonly Scope[], call: Call): Promise<Pass | undefined> {
    const name = otherRepository(challenge.parameters.get('scope') ?? '', scopes)
    const own = pathOf(scopes[0])
    if (name === undefined || own === undefined) return undefined
    if (!isPullOnly(scopes)) throw otherRepositoryNeeded(this.#options.registry, own, name)
    const known = this.#otherNames.get(own) ?? name
    if (known !== name) return undefined
    this.#otherNames.set(own, name)
    const wanted: Wanted = {
      purpose: 'other',
      need: scopeSet(scopes),
      scopes: new Map([[`repository:${name}`, new Set(['pull'])]]),
    }
    return { ...(await this.#tokenFor(wanted, challenge, call)), next: 'nothing' }
  }

  /** A token that serves what is wanted: one that is there, or a new one. */
  async #tokenFor(wanted: Wanted, challenge: Challenge, call: Call): Promise<Pass> {
    for (;;) {
      const entry = this.#usable(wanted.need) ?? this.#ask(wanted, challenge, call)
      try {
        const token = await abortable(entry.token, call.signal)
        return { header: `Bearer ${token.value}`, entry }
      } catch (error) {
        this.#tokens = this.#tokens.filter((one) => one !== entry)
        // it was asked for by a call that was given up meanwhile; this one was not
        if (!entry.signal.aborted || call.signal.aborted) throw error
      }
    }
  }

  #usable(need: ScopeSet): TokenEntry | undefined {
    const now = this.#options.clock.now()
    this.#tokens = this.#tokens.filter((entry) => entry.settled === undefined || entry.settled.renewAt > now)
    return this.#tokens.find((entry) => covers(serves(entry.wanted), need))
  }

  #ask(wanted: Wanted, challenge: Challenge, call: Call): TokenEntry {
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
    // a token without credentials opens nothing that is not open to all
    if (credential !== undefined) checkService({ registry, origin, realm: realm.url, service, settings })
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

function isRefusal(error: unknown): boolean {
  return isDrayError(error) && error.code === 'unauthorized'
}

/** A token for another repository serves the request that it was requested for. */
function serves({ purpose, need, scopes }: Wanted): ScopeSet {
  return purpose === 'other' ? need : scopes
}
