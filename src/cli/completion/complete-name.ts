import type { KnownCommand } from './command-list.ts'
import type { Candidate } from './completion.ts'

/** Words that do the same as a flag. */
const otherNames: readonly Candidate[] = [{ value: 'version', description: 'Show the version.' }]

/**
 * The next word of the name of a command, after the words `path`. Other names of a command, such as
 * `cp`, are offered if they begin with `current`.
 */
export function completeName(
  path: readonly string[],
  current: string,
  commands: readonly KnownCommand[],
): readonly Candidate[] {
  const nextOf = (name: string): string | undefined => {
    const words = name.split(' ')
    return path.every((word, i) => words[i] === word) ? words[path.length] : undefined
  }
  const next = new Set(commands.flatMap(({ name }) => nextOf(name) ?? []))
  const candidates = [...next].map((value) => ({ value, description: describe([...path, value], commands) }))
  if (current === '') return candidates
  const aliases = commands.flatMap(({ aliases: names, summary: description }) =>
    names.flatMap((name) => {
      const value = nextOf(name)
      return value === undefined ? [] : [{ value, description }]
    }),
  )
  const others = [...aliases, ...(path.length === 0 ? otherNames : [])].filter(
    ({ value }) => !next.has(value),
  )
  return [...candidates, ...others]
}

/** The summary of a command, or the names of the commands below a topic. */
function describe(path: readonly string[], commands: readonly KnownCommand[]): string {
  const name = path.join(' ')
  const command = commands.find((one) => one.name === name)
  if (command !== undefined) return command.summary
  const below = commands.filter((one) => one.name.startsWith(`${name} `))
  return below.map((one) => one.name.slice(name.length + 1)).join(', ')
}
