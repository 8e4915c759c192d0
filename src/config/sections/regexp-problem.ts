import { LinearRegExp } from '../../lib/linear-regexp.ts'
import { findProblem } from '../check/find-problem.ts'

/**
 * Returns the problem of a regular expression of RE2, or undefined. Import this file lazily: it
 * loads the engine.
 */
export function regExpProblem(source: string): string | undefined {
  return findProblem(() => LinearRegExp.parse(source))
}
