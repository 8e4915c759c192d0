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
    const path = pathOf(scopes[0])
    const known = this.#sessionsByPath.get(path)
    if (known !== undefined) return known
    const session = this.#sessionOf(await this.#credential(path, call))
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

  async #lookUp(path: string | undefined, call: Call): Promise<Credential | undefined> {
    const { registry, credentials, secrets } = this.#options
    const credential = await credentials(registry, path, call)
    for (const secret of secretsOf(credential)) secrets.add(secret)
    return credential
  }
}

/** Returns the secret of a credential, and the text that its header encodes. */
function secretsOf(credential: Credential | undefined): string[] {
  if (credential === undefined) return []
  if (credential.kind === 'identity') return [credential.token]
  return credential.password === '' ? [] : [credential.password, basicPair(credential)]
}
