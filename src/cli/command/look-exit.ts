import { type ExitCode, exitCodes } from './exit-codes.ts'

/** What a view over several places has found. */
export interface Looked {
  readonly places: number
  readonly unreachable: number
  /** whether anything is not level */
  readonly differs: boolean
}

/** How a view ends: that something could not be read matters more than what the rest says. */
export function exitOfLook({ places, unreachable, differs }: Looked, detailed: boolean): ExitCode {
  if (unreachable > 0) return unreachable === places ? exitCodes.failed : exitCodes.partly
  return detailed && differs ? exitCodes.changes : exitCodes.done
}
