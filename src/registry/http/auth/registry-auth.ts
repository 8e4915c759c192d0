import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { AuthSession } from './auth-session.ts'
import { abortable } from '../transport/abortable.ts'
import type { Credential, CredentialSource } from '../../credential.ts'
import type { Fetch, Scope } from '../fetch.ts'
import type { RegistrySettings } from '../transport/origins.ts'
import { pathOf, type ScopeSet, scopeSet } from './scopes.ts'
import type { Secrets } from '../secrets.ts'
import { basicPair } from './token.ts'

export interface RegistryAuthOptions {
  readonly registry: string
  readonly origin: URL
  readonly settings: RegistrySettings | undefined
  readonly credentials: CredentialSource
  /** sends token requests: with retries, without slots and without auth */
  readonly tokenFetch: Fetch
  /** told of every credential and token before it is used */
  readonly secrets: Secrets
  readonly clock: Clock
}

interface Lookup {
  readonly credential: Promise<Credential | undefined>
  readonly signal: AbortSignal
}

/** The sessions at one registry: one for each credential, since repositories of one registry may have credentials of their own. */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions
  readonly #lookups = new Map<string | undefined, Lookup>()
  readonly #sessions = new Map<string, AuthSession>()
  readonly #expected: Scope[] = []

  constructor(options: RegistryAuthOptions) {
    this.#options = options
  }

  get origin(): URL {
    return this.#options.origin
  }

  /** Every token that is asked for from now on is asked for those of these too that its credential is for. */
  expect(scopes: readonly Scope[]): void {
    this.#expected.push(...scopes)
  }

  /** The session for a request. The first scope decides: a mount names the destination before the source. */
  async session(scopes: readonly Scope[], call: Call): Promise<AuthSession> {
    return this.#sessionOf(await this.#credential(pathOf(scopes[0]), call))
  }

  #sessionOf(credential: Credential | undefined): AuthSession {
    const key = JSON.stringify(credential ?? null)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const expected = (call: Call): Promise<ScopeSet> => this.#expectedWith(key, call)
    const session = new AuthSession({ ...this.#options, credential, expected })
    this.#sessions.set(key, session)
    return session
  }

  async #expectedWith(key: string, call: Call): Promise<ScopeSet> {
    const theirs: Scope[] = []
    for (const scope of this.#expected) {
      const credential = await this.#credential(pathOf(scope), call)
      if (JSON.stringify(credential ?? null) === key) theirs.push(scope)
    }
    return scopeSet(theirs)
  }

  /** Looked up once; a lookup that failed is made again for the next request. */
  async #credential(path: string | undefined, call: Call): Promise<Credential | undefined> {
    for (;;) {
      const known = this.#lookups.get(path)
      const lookup = known ?? { credential: this.#lookUp(path, call), signal: call.signal }
      this.#lookups.set(path, lookup)
      try {
        return await abortable(lookup.credential, call.signal)
      } catch (error) {
        if (this.#lookups.get(path) === lookup) this.#lookups.delete(path)
        // the call that began it was given up; this one was not
        if (!lookup.signal.aborted || call.signal.aborted) throw error
      }
    }
  }

  async #lookUp(path: string | undefined, call: Call): Promise<Credential | undefined> {
    const { registry, credentials, secrets } = this.#options
    const credential = await credentials(registry, path, call)
    for (const secret of secretsOf(credential)) secrets.add(secret)
    return credential
  }
}

/** What of a credential is secret, and what headers are made of. */
function secretsOf(credential: Credential | undefined): string[] {
  if (credential === undefined) return []
  if (credential.kind === 'identity') return [credential.token]
  return credential.password === '' ? [] : [credential.password, basicPair(credential)]
}
