export interface CredentialFacts {
  /** the source of the credentials */
  readonly where: string
  /** undefined for a refresh token */
  readonly username?: string
  readonly helper?: string
  /** when the token expires, milliseconds since 1970; absent if that is unknown */
  readonly expiresAt?: number
}

interface CredentialFinding {
  readonly check: 'credentials'
  readonly state: 'ok' | 'note' | 'problem'
  readonly saw: string
  readonly hint?: string
}

const minuteMs = 60_000
/** A promotion or clean-up takes at most about this long. */
const longRunMs = 60 * minuteMs

/**
 * Describes credentials, and reports a token of a file or variable that expires within a long run.
 * dray asks a helper again, but cannot renew other tokens.
 */
export function describeCredentials(found: CredentialFacts | undefined, now: number): CredentialFinding {
  const check = 'credentials'
  if (found === undefined)
    return { check, state: 'note', saw: 'none: dray sends requests without credentials' }
  const { username, where, helper, expiresAt } = found
  const who = username === undefined ? 'a refresh token' : `user ${username}`
  if (helper !== undefined)
    return { check, state: 'ok', saw: `${who}, from ${where}, through docker-credential-${helper}` }
  const saw = `${who}, from ${where}`
  if (expiresAt === undefined) return { check, state: 'ok', saw }
  const leftMs = expiresAt - now
  if (leftMs <= 0) {
    const hint = 'Log in again.'
    return { check, state: 'problem', saw: `${saw}; its token expired at ${timeOf(expiresAt)}`, hint }
  }
  const left = leftMs < longRunMs ? `in ${Math.ceil(leftMs / minuteMs)} min` : `at ${timeOf(expiresAt)}`
  const expiring = `${saw}; its token expires ${left}`
  if (leftMs >= longRunMs) return { check, state: 'ok', saw: expiring }
  const hint = 'Log in again before a long run, or use a credential helper: dray asks it for a new token.'
  return { check, state: 'note', saw: expiring, hint }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}
