/** There were no images before: an earlier time is what a reproducible build writes in place of one. */
const firstImage = Date.UTC(2013, 0, 1)

/**
 * The time at which an image can have been made, in milliseconds since 1970; undefined for what is no time (RFC 3339), and for what
 * reproducible builds write instead of one: 1970, year 1, or a time to come.
 */
export function plausibleTime(created: string | undefined, now: number): number | undefined {
  const time = created === undefined ? undefined : parseCreated(created)
  return time === undefined || time < firstImage || time > now ? undefined : time
}

/** Milliseconds since 1970. Also with a space or a small `t`, which RFC 3339, section 5.6, allows. */
export function parseCreated(text: string): number | undefined {
  const [, day, time] =
    /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))$/.exec(text) ?? []
  const at = day === undefined || time === undefined ? Number.NaN : Date.parse(`${day}T${time.toUpperCase()}`)
  return Number.isNaN(at) ? undefined : at
}
