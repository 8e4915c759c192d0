import type { StepResult } from './steps.ts'

const labels = { ok: 'ok', failed: 'FAILED', skipped: 'skipped' } as const

/** The line of a step. The lines of an error follow with an indent. */
export function stepLine({ name, title, result, detail, seconds }: StepResult): string {
  const head = `${labels[result].padEnd(8)}${name.padEnd(12)}${seconds.toFixed(1).padStart(7)} s  ${title}`
  if (detail === '') return head
  return result === 'failed' ? `${head}\n${detail.replaceAll(/^/gm, '    ')}` : `${head} (${detail})`
}

/**
 * The last line, and the exit code: 1 if a step failed, or was skipped although all are required.
 */
export function summarize(
  results: readonly StepResult[],
  requiresAll: boolean,
): { readonly text: string; readonly exitCode: 0 | 1 } {
  const namesOf = (result: StepResult['result']): readonly string[] =>
    results.filter((one) => one.result === result).map(({ name }) => name)
  const [passed, failed, skipped] = [namesOf('ok'), namesOf('failed'), namesOf('skipped')]
  const parts = [
    `${passed.length} passed`,
    `${failed.length} failed${failed.length === 0 ? '' : ` (${failed.join(', ')})`}`,
    `${skipped.length} skipped${skipped.length === 0 ? '' : ` (${skipped.join(', ')})`}`,
  ]
  const isFailure = failed.length > 0 || results.length === 0 || (requiresAll && skipped.length > 0)
  return { text: `release:check: ${parts.join(', ')}`, exitCode: isFailure ? 1 : 0 }
}
