import type { Call } from '../../../lib/call.ts'
import { AuthSession, type AuthSessionOptions } from './auth-session.ts'
import type { Credential, CredentialSource } from '../../credential.ts'
import type { Scope } from '../fetch.ts'
import { redirect } from '../redirect.ts'
import { readRootChallenge } from './api-root.ts'
import { pathOf, type ScopeSet, scopeSet } from './scopes.ts'
import { SharedWork } from '../shared-work.ts'
import { basicPair } from './token.ts'

export interface RegistryAuthOptions extends Omit<
  AuthSessionOptions,
  'credential' | 'expected' | 'rootChallenge'
> {
  readonly credentials: CredentialSource
}

/**
 * The authentication sessions at one registry: one for each credential, since repositories of one
 * registry may have credentials of their own.
 */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions
  readonly #lookups = new Map<string | undefined, SharedWork<Credential | undefined>>()
  readonly #rootChallenge: SharedWork<string | undefined>
  readonly #sessions = new Map<string, AuthSession>()
  /** of paths whose credential is known */
  readonly #sessionsByPath = new Map<string | undefined, AuthSession>()
  readonly #renewals = new Map<AuthSession, SharedWork<AuthSession | undefined>>()
  readonly #expected: Scope[] = []

  constructor(options: RegistryAuthOptions) {
    this.#options = options
    const { registry, origin, tokenFetch } = options
    this.#rootChallenge = new SharedWork((call) =>
      readRootChallenge(redirect(tokenFetch), registry, origin, call),
    )
  }

  get origin(): URL {
    return this.#options.origin
  }

  /**
   * From now on, dray requests every token also for those of these scopes that its credential is
   * for.
   */
  expect(scopes: readonly Scope[]): void {
    this.#expected.push(...scopes)
  }

  /**
   * Returns the session of a request. The first scope decides: a mount names the destination first.
   */
  async session(scopes: readonly Scope[], call: Call): Promise<AuthSession> {
    const known = this.knownSession(scopes)
    if (known !== undefined) return known
    const path = pathOf(scopes[0])
    const session = this.#sessionOf(await this.#credential(path, call))
    this.#sessionsByPath.set(path, session)
    return session
  }

  /** Returns the session of a request if its credential is known. */
  knownSession(scopes: readonly Scope[]): AuthSession | undefined {
    return this.#sessionsByPath.get(pathOf(scopes[0]))
  }

  /**
   * The registry refused a credential that it accepted before: it has expired. Returns the session
   * of the credential of the same user that the sources have now, or undefined if it is the same
   * one. All requests that a credential failed share one search.
   * @throws as the sources.
   */
  async renewedSession(
    expired: AuthSession,
    scopes: readonly Scope[],
    call: Call,
  ): Promise<AuthSession | undefined> {
    const path = pathOf(scopes[0])
    const known = this.#renewals.get(expired)
    const renewal = known ?? new SharedWork((first) => this.#renew(expired, path, first))
    this.#renewals.set(expired, renewal)
    return await renewal.result(call)
  }

  async #renew(expired: AuthSession, path: string | undefined, call: Call): Promise<AuthSession | undefined> {
    const credential = await this.#lookUp(path, call, true)
    if (!isOfSameUser(expired.credential, credential)) return undefined
    const session = this.#sessionOf(credential)
    if (session === expired) return undefined
    // The sources have new credentials for other paths as well.
    this.#lookups.clear()
    for (const [known, one] of this.#sessionsByPath) if (one === expired) this.#sessionsByPath.delete(known)
    this.#sessionsByPath.set(path, session)
    return session
  }

  #sessionOf(credential: Credential | undefined): AuthSession {
    const key = JSON.stringify(credential ?? null)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const expected = (call: Call): Promise<ScopeSet> => this.#expectedWith(key, call)
    const rootChallenge = (call: Call): Promise<string | undefined> => this.#rootChallenge.result(call)
    const session = new AuthSession({ ...this.#options, credential, expected, rootChallenge })
    this.#sessions.set(key, session)
    return session
  }

  async #expectedWith(key: string, call: Call): Promise<ScopeSet> {
    const scopes: Scope[] = []
    for (const scope of this.#expected) {
      const credential = await this.#credential(pathOf(scope), call)
      if (JSON.stringify(credential ?? null) === key) scopes.push(scope)
    }
    return scopeSet(scopes)
  }

  /** Finds a credential once. The next request repeats a search that failed. */
  #credential(path: string | undefined, call: Call): Promise<Credential | undefined> {
    const known = this.#lookups.get(path)
    const lookup = known ?? new SharedWork((first) => this.#lookUp(path, first))
    this.#lookups.set(path, lookup)
    return lookup.result(call)
  }

  async #lookUp(path: string | undefined, call: Call, isAgain = false): Promise<Credential | undefined> {
    const { registry, credentials, secrets } = this.#options
    const credential = await credentials(registry, path, call, isAgain)
    for (const secret of secretsOf(credential)) secrets.add(secret)
    return credential
  }
}

/** Another user may have other permissions, and the audit log would not show the change. */
function isOfSameUser(one: Credential | undefined, other: Credential | undefined): boolean {
  if (one?.kind === 'basic' && other?.kind === 'basic') return one.username === other.username
  return one?.kind === 'identity' && other?.kind === 'identity'
}

/** Returns the secret of a credential, and the text that its header encodes. */
export function secretsOf(credential: Credential | undefined): string[] {
  if (credential === undefined) return []
  if (credential.kind === 'identity') return [credential.token]
  return credential.password === '' ? [] : [credential.password, basicPair(credential)]
}
