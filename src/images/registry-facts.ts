import type { Call } from '../lib/call.ts'
import { type ErrorInfo, isDrayError, toErrorInfo } from '../lib/errors.ts'
import type { InventoryKind } from './inventory/inventory.ts'
import type { Known } from './ports.ts'

/** The result of a check, or the reason of its failure. */
export type CheckResult<T> = { readonly value: T } | { readonly error: ErrorInfo }

/**
 * Runs a check. A failure is a result. `redact` removes secrets from it.
 * @throws the signal's reason, and errors that are not a `DrayError`.
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

/** Abilities that registries differ in: capabilities, range requests and the catalog. */
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
  /** `asking`: read now; `writing`: written now; `table`: known registries, with `source` */
  readonly by: 'asking' | 'writing' | 'table' | 'nothing'
  readonly source?: string
  /** a detail of the answer */
  readonly detail?: string
  /** the fix that the registry documents, if it lacks the ability */
  readonly hint?: string
}

/** How many requests a registry allows (Docker Hub: `ratelimit-limit`, `ratelimit-remaining`). */
export interface RateLimit {
  readonly limit: number
  readonly remaining: number
  /** period of the limit in seconds */
  readonly windowS: number
}

/** Answers that differ from the specification and that dray knows. */
export type OddityKind =
  /** 401 without a challenge that dray can read */
  | 'challenge'
  /** a request without credentials is answered as if there were no repository */
  | 'anonymous'
  /** entries of a tag list that are not tags */
  | 'tagList'
  /** HEAD of a manifest answers something else than GET */
  | 'head'
  /** a tag that does not exist is answered 401 or 403 */
  | 'missingTag'

export interface Oddity {
  readonly kind: OddityKind
  /** the answer, in a few words */
  readonly saw: string
}

/** The facts that reads of a registry show. */
export interface RegistryFacts {
  /** `GET /v2/` with the available credentials */
  readonly api: CheckResult<ApiFacts>
  /** milliseconds that its clock is ahead of this machine's clock */
  readonly clockDifferenceMs?: number
  readonly abilities: Readonly<Partial<Record<Ability, AbilityFact>>>
  readonly repository?: RepositoryFacts
  /** the vendor that the challenge shows */
  readonly vendor?: InventoryKind
  readonly oddities?: readonly Oddity[]
}

export interface ApiFacts {
  /** milliseconds from the request to the headers of the answer, over an open connection */
  readonly roundTripMs: number
  /** `Docker-Distribution-API-Version` */
  readonly version?: string
}

/** The facts that reads of a repository show. */
export interface RepositoryFacts {
  readonly path: string
  /** the number of tags on the first page; `absent` if there is no such repository */
  readonly tags: CheckResult<number | 'absent'>
  readonly rateLimit?: RateLimit
}

/** The facts that a probe with writes shows. */
export interface WritingFacts {
  readonly abilities: Readonly<Partial<Record<Ability, AbilityFact>>>
  /** the failure that ended the test */
  readonly failure?: ErrorInfo
  /** tags and digests that it created and could not delete */
  readonly left: readonly string[]
}
