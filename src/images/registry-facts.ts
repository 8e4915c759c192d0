import type { Call } from '../lib/call.ts'
import { type ErrorInfo, isDrayError, toErrorInfo } from '../lib/errors.ts'
import type { Known } from './ports.ts'

/** What a check found, or why it failed. */
export type CheckResult<T> = { readonly value: T } | { readonly error: ErrorInfo }

/**
 * Runs a check. A failure is a result. `redact` removes secrets from it.
 * @throws the signal's reason, and what is no `DrayError`.
 */
export async function runCheck<T>(
  call: Call,
  check: () => Promise<T>,
  redact: (failure: unknown) => unknown = (failure) => failure,
): Promise<CheckResult<T>> {
  try {
    return { value: await check() }
  } catch (error) {
    if (call.signal.aborted || !isDrayError(error)) throw error
    return { error: toErrorInfo(redact(error)) }
  }
}

/** What a registry can do, as far as that can differ: what is asked of stores, and two things of its reading. */
export const abilities = [
  'referrers',
  'deleteTag',
  'deleteManifest',
  'mount',
  'chunks',
  'uploadRange',
  'manyTags',
  'range',
  'catalog',
] as const

export type Ability = (typeof abilities)[number]

export interface AbilityFact {
  readonly known: Known
  /** by asking now, by writing now, or from the table of registries, with its source */
  readonly by: 'asking' | 'writing' | 'table' | 'nothing'
  readonly source?: string
  /** what was answered, where that says more */
  readonly detail?: string
}

/** How much a registry lets be asked for (Docker Hub: `ratelimit-limit`, `ratelimit-remaining`). */
export interface RateLimit {
  readonly limit: number
  readonly remaining: number
  /** seconds that the limit is for */
  readonly windowS: number
}

/** What a registry says of itself when it is asked. */
export interface RegistryFacts {
  /** `GET /v2/`, with the credentials that there are */
  readonly api: CheckResult<ApiFacts>
  /** milliseconds that its clock is ahead of this machine's */
  readonly clockDifferenceMs?: number
  readonly abilities: Readonly<Partial<Record<Ability, AbilityFact>>>
  readonly repository?: RepositoryFacts
}

export interface ApiFacts {
  /** milliseconds from the request to the headers of the answer, over a connection that was open */
  readonly roundTripMs: number
  /** `Docker-Distribution-API-Version` */
  readonly version?: string
}

/** What a repository shows to who may read it. */
export interface RepositoryFacts {
  readonly path: string
  /** its tags, on the first page of the list; `absent` where there is no such repository */
  readonly tags: CheckResult<number | 'absent'>
  readonly rateLimit?: RateLimit
}

/** What a probe with writes found. */
export interface WritingFacts {
  readonly abilities: Readonly<Partial<Record<Ability, AbilityFact>>>
  /** what it could not do at all */
  readonly failure?: ErrorInfo
  /** what it made and could not take away: tags, digests */
  readonly left: readonly string[]
}
