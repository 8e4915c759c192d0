import { isDrayError } from '../../src/lib/errors.ts'

/**
 * The code of the `DrayError` that a function throws, `fine` for none, or the text of another
 * error.
 */
export function outcomeOf(run: () => unknown): string {
  try {
    run()
    return 'fine'
  } catch (error) {
    return isDrayError(error) ? error.code : `not our error: ${String(error)}`
  }
}
