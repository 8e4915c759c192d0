import type { ScopeSet } from './scopes.ts'
import type { Token } from './token.ts'

/**
 * The scopes of a token request. `expected`: the scopes of the request and those that the rest of
 * the run is expected to need. `alone`: the scopes of the request. `other`: the one other
 * repository that a challenge names.
 */
export interface TokenScopes {
  readonly kind: 'expected' | 'alone' | 'other'
  /** the scopes of the request */
  readonly need: ScopeSet
  /** the scopes that are requested */
  readonly scopes: ScopeSet
}

export interface TokenEntry {
  readonly wanted: TokenScopes
  readonly token: Promise<Token>
  readonly signal: AbortSignal
  /** undefined while the token server has not answered */
  settled?: Token
  /** whether the registry accepted it at least once */
  accepted: boolean
}

/** The `Authorization` header of a request, and the token in it. */
export interface Authorization {
  readonly header: string | undefined
  readonly entry?: TokenEntry
  /** what follows if the registry refuses it; absent: a token for the request alone */
  readonly next?: 'other' | 'nothing'
}

/** A token for another repository covers the request that it was requested for. */
export function serves({ kind, need, scopes }: TokenScopes): ScopeSet {
  return kind === 'other' ? need : scopes
}
