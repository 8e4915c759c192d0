const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/** Formats a span in its largest unit up to days: `41d`, `36h`, `15m`. */
export function formatSpan(ms: number): string {
  if (ms < unitMs.m) return `${Math.max(0, Math.floor(ms / unitMs.s))}s`
  if (ms < unitMs.h) return `${Math.floor(ms / unitMs.m)}m`
  if (ms < 2 * unitMs.d) return `${Math.floor(ms / unitMs.h)}h`
  return `${Math.floor(ms / unitMs.d)}d`
}
