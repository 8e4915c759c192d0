import { type ExitCode, exitCodes } from './exit-codes.ts'

/** The findings of a view over several repositories. */
export interface ViewFindings {
  readonly total: number
  readonly unreachable: number
  /** whether anything is behind or drifted */
  readonly differs: boolean
}

/** The exit code of a view. An unreachable repository takes precedence over differences. */
export function exitOfView({ total, unreachable, differs }: ViewFindings, detailed: boolean): ExitCode {
  if (unreachable > 0) return unreachable === total ? exitCodes.failed : exitCodes.partly
  return detailed && differs ? exitCodes.changes : exitCodes.done
}
