import { severities, type Severity } from '../vulnerability.ts'

const byName: ReadonlyMap<string, Severity> = new Map([
  ...severities.map((name) => [name, name] as const),
  ['info', 'negligible'],
  ['none', 'negligible'],
])

/** Returns a severity by its name in any case. Other names are `unknown`, never no finding. */
export function severityNamed(name: string | undefined): Severity | 'unknown' {
  return byName.get(name?.toLowerCase() ?? '') ?? 'unknown'
}

/**
 * Returns the severity of a CVSS base score (CVSS v3.1, section 5). Scanners also write 0 for a
 * severity that they do not know.
 */
export function severityOfScore(score: number): Severity | 'unknown' {
  if (!(score > 0 && score <= 10)) return 'unknown'
  if (score >= 9) return 'critical'
  if (score >= 7) return 'high'
  return score >= 4 ? 'medium' : 'low'
}

/** Returns the severity of a score as text: `9.8`. */
export function severityOfScoreText(text: string): Severity | 'unknown' {
  return /^\d{1,2}(?:\.\d+)?$/.test(text) ? severityOfScore(Number(text)) : 'unknown'
}

/** Returns the most severe of those that are known. */
export function highestSeverity(all: readonly (Severity | 'unknown')[]): Severity | 'unknown' {
  return severities.findLast((severity) => all.includes(severity)) ?? 'unknown'
}
