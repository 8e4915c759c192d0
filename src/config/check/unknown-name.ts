import { nearest } from '../../lib/nearest.ts'

/** The message about a name that the file does not define, with the nearest one or all. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const others = known.length === 0 ? 'the file defines none' : `known: ${known.join(', ')}`
  const hint = near === undefined ? others : `did you mean ${JSON.stringify(near)}?`
  return `there is no ${what} ${JSON.stringify(name)}; ${hint}`
}

export function noEnvironment(name: string, known: readonly string[]): string {
  return unknownName('environment', name, known)
}
