import { refusal } from './errors.ts'

export interface Page<T> {
  readonly entries: readonly T[]
  /** of the page behind this one: the parameters to ask for it with */
  readonly next?: URLSearchParams
}

/**
 * Cuts a sorted list by `n` and `last` (distribution-spec, Listing Tags).
 * @param limit the most entries in a page, whatever `n` says; 0 is no limit
 * @throws a refusal for an `n` that is no number
 */
export function pageOf<T>(
  sorted: readonly T[],
  keyOf: (entry: T) => string,
  query: URLSearchParams,
  limit: number,
): Page<T> {
  const wanted = query.get('n')
  if (wanted !== null && !/^[0-9]{1,9}$/.test(wanted))
    throw refusal('UNSUPPORTED', '"n" is not a number', 400)
  const last = query.get('last')
  const rest = last === null ? sorted : sorted.filter((entry) => keyOf(entry) > last)
  const asked = wanted === null ? rest.length : Number(wanted)
  const entries = rest.slice(0, limit > 0 ? Math.min(asked, limit) : asked)
  const end = entries.at(-1)
  if (end === undefined || entries.length === rest.length) return { entries }
  const next = new URLSearchParams(query)
  next.set('last', keyOf(end))
  return { entries, next }
}

/** `Link` to the next page (RFC 8288). */
export function linkHeader(target: string, next: URLSearchParams | undefined): Record<string, string> {
  return next === undefined ? {} : { Link: `<${target}?${next.toString()}>; rel="next"` }
}

/** The order of Go's `sort.Strings`: by code unit, so that capitals come first. */
export function byText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
