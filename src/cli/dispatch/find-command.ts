import { splitArguments } from './split-arguments.ts'

/** Other names of commands. Without a prototype: a person may type `constructor`. */
export const aliases: Readonly<Record<string, string>> = Object.assign(
  Object.create(null) as Record<string, string>,
  { cp: 'copy', list: 'ls' },
)

/** Returns the other names of a command. */
export function aliasesOf(id: string): readonly string[] {
  return Object.keys(aliases).filter((alias) => aliases[alias] === id)
}

/** The most words that a command has. */
const maxWords = 3

export interface FoundCommand {
  readonly id: string
  /** the arguments without the name of the command, in their order */
  readonly rest: string[]
}

/**
 * Finds the command with the longest name that the arguments begin with.
 * @param isCommand whether a command has an id, such as `plan:show`
 */
export function findCommand(
  args: readonly string[],
  isCommand: (id: string) => boolean,
): FoundCommand | undefined {
  const { words } = splitArguments(args)
  for (let count = Math.min(words.length, maxWords); count > 0; count--) {
    const named = words.slice(0, count)
    const id = named.map(({ text }) => text).join(':')
    const target = aliases[id] ?? id
    if (!isCommand(target)) continue
    const indexes = new Set(named.map(({ index }) => index))
    return { id: target, rest: args.filter((_, i) => !indexes.has(i)) }
  }
  return undefined
}
