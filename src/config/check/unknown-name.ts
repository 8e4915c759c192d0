import { joinFirst } from '../../lib/join-first.ts'
import { nearest } from '../../lib/nearest.ts'

/** The known names that are compared with an unknown one: the work grows with both numbers. */
export const maxCompared = 200
/** The known names that a message lists. */
export const maxListed = 20

/** The message about a name that the file does not define, with the nearest one or the others. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known.slice(0, maxCompared))
  const others = known.length === 0 ? 'the file defines none' : `known: ${joinFirst(known, maxListed)}`
  const hint = near === undefined ? others : `did you mean ${JSON.stringify(near)}?`
  return `there is no ${what} ${JSON.stringify(name)}; ${hint}`
}

export function noEnvironment(name: string, known: readonly string[]): string {
  return unknownName('environment', name, known)
}
