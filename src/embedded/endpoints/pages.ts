import { refusal } from '../errors.ts'
import type { Abilities } from '../profiles.ts'

export interface PageOfList<T> {
  readonly entries: readonly T[]
  /** the query of the next page */
  readonly next?: URLSearchParams
}

/** The part of a sorted list that a request asks for. */
export interface WantedPage {
  readonly last: string | undefined
  /** the most entries; Infinity for all of them */
  readonly count: number
}

/** Parses `n` and `last` (distribution-spec, Listing Tags). @throws a refusal. */
export function wantedPage(
  query: URLSearchParams,
  { pageLimit: limit, nextLink }: Pick<Abilities, 'pageLimit' | 'nextLink'>,
): WantedPage {
  const given = query.get('n')
  if (given !== null && !/^[0-9]{1,9}$/.test(given)) throw refusal('UNSUPPORTED', '"n" is not a number', 400)
  const isAll = given === null || (nextLink === 'n=0' && given === '0')
  const count = isAll ? Infinity : Number(given)
  return { last: query.get('last') ?? undefined, count: limit > 0 ? Math.min(count, limit) : count }
}

/**
 * Returns a page, and the query of the next one if `found` has more entries. `found` begins after
 * `last`, and has one entry more than the page if there is one.
 */
export function pageOf<T>(
  found: readonly T[],
  keyOf: (entry: T) => string,
  query: URLSearchParams,
  { count }: WantedPage,
  { nextLink }: Pick<Abilities, 'nextLink'>,
): PageOfList<T> {
  const entries = found.slice(0, count)
  const end = entries.at(-1)
  if (end === undefined || entries.length === found.length) return { entries }
  const next = new URLSearchParams(query)
  next.set('last', keyOf(end))
  if (nextLink === 'n=0') next.set('n', '0')
  return { entries, next }
}

/** `Link` to the next page (RFC 8288). */
export function linkHeader(target: string, next: URLSearchParams | undefined): Record<string, string> {
  return next === undefined ? {} : { Link: `<${target}?${next.toString()}>; rel="next"` }
}
