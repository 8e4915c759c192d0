import { isInPath } from '../../scripts/release/find-program.ts'

/** Whether programs of other projects are installed. */
export interface Tool {
  readonly available: boolean
  /** a suffix for names of tests: empty, or why they are skipped */
  readonly note: string
}

/** Searches for programs in `PATH`: `describe.skipIf(!t.available)(`promotes${t.note}`, …)`. */
export function tools(...names: readonly string[]): Tool {
  const missing = names.filter((name) => !isInPath(name))
  const note = missing.length === 0 ? '' : ` (skipped: ${missing.join(' and ')} not installed)`
  return { available: missing.length === 0, note }
}
