import { type Challenge, parseChallenges } from './challenge.ts'

/** Characters of a header that an error shows. */
const maxShown = 200

/** The authentication scheme of a registry, as far as it is known. */
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

/** Describes a value without a usable challenge as a part of a sentence. */
export function describeChallenge(value: string): string {
  if (value.trim() === '') return 'its 401 has no WWW-Authenticate header'
  const shown = JSON.stringify(value.slice(0, maxShown))
  if (namesOtherSchemes(value)) return `dray supports Basic and Bearer, and its WWW-Authenticate is ${shown}`
  const isBearer = parseChallenges(value).some(({ scheme }) => scheme === 'bearer')
  return isBearer
    ? `its Bearer challenge has no realm: ${shown}`
    : `dray cannot parse its WWW-Authenticate: ${shown}`
}

function otherSchemes(value: string): readonly string[] {
  return parseChallenges(value).flatMap(({ scheme }) =>
    scheme === 'bearer' || scheme === 'basic' ? [] : [scheme],
  )
}
