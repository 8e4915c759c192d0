import type { SectionContext } from '../sections/sections.ts'

/** The context of the readers of gates and signers. */
export interface GateContext extends SectionContext {
  /** milliseconds since 1970 */
  readonly now: number
  /** returns the problem of a regular expression; undefined if the file has none */
  readonly regExpProblem: ((source: string) => string | undefined) | undefined
}
