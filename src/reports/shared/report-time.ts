/** RFC 3339 with any offset. */
const grammar = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/

/**
 * Returns milliseconds since 1970; undefined for text that is no time of RFC 3339, and for the year
 * 1, which Go writes for a time that was not set.
 */
export function reportTime(text: string | undefined): number | undefined {
  if (text === undefined || !grammar.test(text)) return undefined
  const time = Date.parse(text.toUpperCase())
  return Number.isNaN(time) || time <= 0 ? undefined : time
}
