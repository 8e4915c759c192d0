import { type ErrorInfo, toDrayError } from '../../lib/errors.ts'
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts'

const problems = ['refused', 'conflict', 'failed', 'notAttempted'] as const

/** One part of a run: an image at one target, or a repository. */
export interface RunPart {
  /** undefined: the part is as it should be */
  readonly problem: (typeof problems)[number] | undefined
  /** the part makes a run with problems elsewhere a run that is partly done */
  readonly countsAsDone: boolean
}

export interface RunResult {
  readonly parts: readonly RunPart[]
  readonly refusals: readonly { readonly error: ErrorInfo }[]
}

/** The problem that a status names; undefined for any other status. */
export function problemOf(status: string): RunPart['problem'] {
  return problems.find((problem) => problem === status)
}

/** Whether every part is as it should be. */
export function isSuccess({ parts, refusals }: RunResult): boolean {
  return refusals.length === 0 && parts.every(({ problem }) => problem === undefined)
}

/**
 * The exit code of an executed plan.
 * @param isIncomplete something was not done that is no problem otherwise (`--strict`)
 */
export function exitOfRun(result: RunResult, stop: AbortSignal, isIncomplete = false): ExitCode {
  if (isSuccess(result)) return isIncomplete ? exitCodes.partly : exitCodes.done
  return stop.aborted ? exitCodeOf(toDrayError(stop.reason).code) : exitOfProblems(result)
}

/**
 * The exit code of a plan that was only shown or saved: the one that its execution has if all steps
 * succeed.
 * @param result of the plan without an execution
 * @param detailed `--detailed-exitcode`
 * @param hasDifferences what that reports, if it is more than steps
 */
export function exitOfPlan(
  result: RunResult,
  hasSteps: boolean,
  detailed: boolean,
  hasDifferences = hasSteps,
): ExitCode {
  if (result.refusals.length === 0) return detailed && hasDifferences ? exitCodes.changes : exitCodes.done
  return hasSteps ? exitCodes.partly : exitOfProblems(result)
}

/** A part that was not attempted waited for another one, which decides the code. */
function exitOfProblems({ parts, refusals }: RunResult): ExitCode {
  if (parts.some(({ countsAsDone }) => countsAsDone)) return exitCodes.partly
  const found = new Set(parts.map(({ problem }) => problem))
  const codes = new Set(refusals.map(({ error }) => exitCodeOf(error.code)))
  if (found.has('failed') || codes.has(exitCodes.failed)) return exitCodes.failed
  const isRefused = codes.has(exitCodes.refused) || found.has('refused') || found.has('conflict')
  return isRefused ? exitCodes.refused : exitCodes.failed
}
