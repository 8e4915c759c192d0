import { type Challenge, parseChallenges } from './challenge.ts'

/** Characters of a header that an error shows. */
const maxShown = 200

/** The known authentication scheme of a registry. */
export type Scheme =
  | { readonly kind: 'open' }
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly challenge: Challenge }

/**
 * Returns the scheme that a `WWW-Authenticate` value offers. Prefers Bearer to Basic, because a
 * stolen token is worth less. Undefined if dray supports none of the challenges.
 */
export function offeredScheme(value: string): Scheme | undefined {
  const challenges = parseChallenges(value)
  const challenge = challenges.find((one) => one.scheme === 'bearer' && one.parameters.has('realm'))
  if (challenge !== undefined) return { kind: 'bearer', challenge }
  return challenges.some((one) => one.scheme === 'basic') ? { kind: 'basic' } : undefined
}

/** Returns the scheme without the scopes of the challenge, which are those of another request. */
export function withoutScope(scheme: Scheme): Scheme {
  if (scheme.kind !== 'bearer') return scheme
  const parameters = new Map(scheme.challenge.parameters)
  parameters.delete('scope')
  return { kind: 'bearer', challenge: { ...scheme.challenge, parameters } }
}

/**
 * Whether values name schemes that dray does not support. Such a registry says how it
 * authenticates.
 */
export function namesOtherSchemes(...values: readonly string[]): boolean {
  return values.flatMap(otherSchemes).length > 0
}

/** Why dray could not follow a challenge. */
export interface UnclearChallenge {
  /** a clause about the registry */
  readonly why: string
  /** whether the registry names other schemes only, so that a login does not help */
  readonly isOtherScheme: boolean
}

/** Describes a value without a challenge that dray supports. */
export function describeChallenge(value: string): UnclearChallenge {
  const shown = JSON.stringify(value.slice(0, maxShown))
  if (namesOtherSchemes(value)) {
    const why = `it requires an authentication other than Basic and Bearer: its WWW-Authenticate is ${shown}`
    return { why, isOtherScheme: true }
  }
  const isBearer = parseChallenges(value).some(({ scheme }) => scheme === 'bearer')
  const what =
    value.trim() === ''
      ? 'its 401 has no WWW-Authenticate header'
      : isBearer
        ? `its Bearer challenge has no realm: ${shown}`
        : `dray cannot parse its WWW-Authenticate: ${shown}`
  return { why: `it requires credentials without a usable challenge: ${what}`, isOtherScheme: false }
}

/** Adds that dray does not send a password over plain http unless it is asked for Basic. */
export function withoutTls({ why, isOtherScheme }: UnclearChallenge): UnclearChallenge {
  return {
    why: `${why}, and dray sends a password over plain HTTP only if the registry asks for Basic`,
    isOtherScheme,
  }
}

function otherSchemes(value: string): readonly string[] {
  return parseChallenges(value).flatMap(({ scheme }) =>
    scheme === 'bearer' || scheme === 'basic' ? [] : [scheme],
  )
}
