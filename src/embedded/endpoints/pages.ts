import { refusal } from '../errors.ts'
import type { Abilities } from '../profiles.ts'

export interface PageOfList<T> {
  readonly entries: readonly T[]
  /** the query of the next page */
  readonly next?: URLSearchParams
}

/** Cuts a sorted list by `n` and `last` (distribution-spec, Listing Tags). @throws a refusal. */
export function pageOf<T>(
  sorted: readonly T[],
  keyOf: (entry: T) => string,
  query: URLSearchParams,
  { pageLimit: limit, nextLink }: Pick<Abilities, 'pageLimit' | 'nextLink'>,
): PageOfList<T> {
  const given = query.get('n')
  if (given !== null && !/^[0-9]{1,9}$/.test(given)) throw refusal('UNSUPPORTED', '"n" is not a number', 400)
  const last = query.get('last')
  const rest = last === null ? sorted : sorted.filter((entry) => keyOf(entry) > last)
  const isAll = given === null || (nextLink === 'n=0' && given === '0')
  const count = isAll ? rest.length : Number(given)
  const entries = rest.slice(0, limit > 0 ? Math.min(count, limit) : count)
  const end = entries.at(-1)
  if (end === undefined || entries.length === rest.length) return { entries }
  const next = new URLSearchParams(query)
  next.set('last', keyOf(end))
  if (nextLink === 'n=0') next.set('n', '0')
  return { entries, next }
}

/** `Link` to the next page (RFC 8288). */
export function linkHeader(target: string, next: URLSearchParams | undefined): Record<string, string> {
  return next === undefined ? {} : { Link: `<${target}?${next.toString()}>; rel="next"` }
}

/** The order of Go's `sort.Strings`: by code unit, so capitals come first. */
export function byText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
