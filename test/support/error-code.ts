import { isDrayError } from '../../src/lib/errors.ts'

/** How a function ended: `fine`, the code of our error, or the words of an error that is not ours. */
export function outcomeOf(run: () => unknown): string {
  try {
    run()
    return 'fine'
  } catch (error) {
    return isDrayError(error) ? error.code : `not our error: ${String(error)}`
  }
}
