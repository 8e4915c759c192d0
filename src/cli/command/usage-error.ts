import { stripVTControlCharacters } from 'node:util'
import type { Config } from '@oclif/core/config'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'
import { nearestFew } from '../../lib/nearest.ts'

/** What of a command is needed to say how it is used. */
export interface CommandUsage {
  /** with spaces, such as `plan show` */
  readonly name: string
  /** names of the flags that are not hidden, without dashes */
  readonly flags: readonly string[]
}

/**
 * oclif's own errors (an unknown flag, a missing argument …) as ours, with the nearest right word; anything else as it is.
 * They are told apart by the fields that their classes set: more than one copy of oclif may be loaded, and their texts may change.
 */
export function fromOclif(thrown: unknown, usage?: CommandUsage): unknown {
  if (!(thrown instanceof Error) || !('oclif' in thrown) || !isRecord(thrown.oclif)) return thrown
  const help = usage === undefined ? 'dray --help' : `dray ${usage.name} --help`
  const see = `See "${help}".`
  const fail = (message: string, hint: string): DrayError =>
    new DrayError('usage', message, { hint, cause: thrown })
  const flags = 'flags' in thrown ? thrown.flags : undefined
  const args = 'args' in thrown ? thrown.args : undefined
  if (isStrings(flags) && usage !== undefined) {
    const [first = ''] = flags
    return fail(
      `${usage.name} has no flag ${flags.join(', ')}`,
      `${didYouMean(nearestFlags(first, usage.flags))}${see}`,
    )
  }
  if (isStrings(args)) return fail(`unexpected ${many(args.length, 'argument')}: ${args.join(' ')}`, see)
  if (Array.isArray(args) && args.every(isRecord)) {
    const names = args.map((arg) => String(arg['name']).toUpperCase())
    return fail(`missing ${many(names.length, 'argument')}: ${names.join(' ')}`, see)
  }
  return fail(oneLine(thrown.message), see)
}

/** Parses words of the command line: what is malformed there is wrong usage. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!isDrayError(cause) || cause.code !== 'malformed') throw cause
    throw new DrayError('usage', cause.message, { ...toErrorInfo(cause), cause })
  }
}

/** What to say where an environment is named and an image is meant. */
export function notAnImage(environment: string): DrayError {
  return new DrayError('usage', `@${environment} is an environment, not an image`, {
    hint: `Name an image in it: @${environment}/NAME.`,
  })
}

/** What to say where the first words name no command. */
export function unknownCommand(words: readonly string[], config: Config): DrayError {
  const commands = config.commands
    .filter((command) => !command.hidden)
    .map((command) => command.id.replaceAll(':', ' '))
  const topic = config.findTopic(words[0] ?? '') === undefined ? [] : words.slice(0, 2)
  const said = topic.length > 0 ? topic.join(' ') : (words[0] ?? '')
  const near = nearestFew(said, commands, 3).map((name) => `dray ${name}`)
  return new DrayError('usage', `${JSON.stringify(said)} is not a command of dray`, {
    hint: `${didYouMean(near)}"dray --help" lists the commands.`,
  })
}

function nearestFlags(said: string, flags: readonly string[]): readonly string[] {
  const word = said.replace(/^-+/, '').replace(/=.*$/s, '')
  return word.length < 2 ? [] : nearestFew(word, flags, 2).map((name) => `--${name}`)
}

function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? '' : `Did you mean ${names.map((name) => `"${name}"`).join(' or ')}? `
}

/** oclif's texts come with line breaks, colours and a line on help of their own. */
function oneLine(message: string): string {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trim().replace(/:$/, ''))
    .filter((line) => line !== '' && !line.startsWith('See more help'))
  return lines.join(': ')
}

function many(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
