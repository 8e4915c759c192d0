const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** How long ago it was: `40 s`, `5 min`, `3 h`, `12 d`, `2 y`; days up to two years, since these are what images are compared by. */
export function formatAge(time: string, now: Date): string {
  const ms = Math.max(0, now.getTime() - Date.parse(time))
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`
  if (ms < hourMs) return `${Math.floor(ms / 60_000)} min`
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)} h`
  const days = Math.floor(ms / dayMs)
  return days < 730 ? `${days} d` : `${Math.floor(days / 365)} y`
}
