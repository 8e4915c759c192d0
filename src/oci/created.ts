/** There were no images before. Reproducible builds write earlier times. */
export const firstImage = Date.UTC(2013, 0, 1)

/**
 * Returns the time at which an image can have been built, in milliseconds since 1970. Undefined for
 * text that is no time (RFC 3339), and for what reproducible builds write: 1970, year 1, or a
 * future time.
 */
export function parsePlausibleTime(created: string | undefined, now: number): number | undefined {
  const time = created === undefined ? undefined : parseCreated(created)
  return time === undefined || time < firstImage || time > now ? undefined : time
}

/**
 * Returns milliseconds since 1970. Accepts a space or a small `t`, as RFC 3339, section 5.6,
 * allows.
 */
export function parseCreated(text: string): number | undefined {
  const [, day, time] =
    /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))$/.exec(text) ?? []
  const at = day === undefined || time === undefined ? Number.NaN : Date.parse(`${day}T${time.toUpperCase()}`)
  return Number.isNaN(at) ? undefined : at
}
