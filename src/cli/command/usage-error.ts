import { stripVTControlCharacters } from 'node:util'
import type { Config } from '@oclif/core/config'
import { DrayError } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'
import { findNearest } from '../../lib/nearest.ts'

/** The parts of a command that errors of usage name. */
export interface CommandUsage {
  /** with spaces, such as `plan show` */
  readonly name: string
  /** names of the flags that are not hidden, without dashes */
  readonly flags: readonly string[]
}

/**
 * Converts the errors of oclif (an unknown flag, a missing argument …) and adds the nearest valid
 * name; other values stay as they are. It recognises an error by the fields that its class sets,
 * because several copies of oclif can be loaded and their messages can change.
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

/** The error for a command line that names no command. */
export function unknownCommand(args: readonly string[], config: Config): DrayError {
  const commands = config.commands
    .filter((command) => !command.hidden)
    .map((command) => command.id.replaceAll(':', ' '))
  const topic = config.findTopic(args[0] ?? '') === undefined ? [] : args.slice(0, 2)
  const given = topic.length > 0 ? topic.join(' ') : (args[0] ?? '')
  const near = findNearest(given, commands, 3).map((name) => `dray ${name}`)
  return new DrayError('usage', `${JSON.stringify(given)} is not a command of dray`, {
    hint: `${didYouMean(near)}"dray --help" lists the commands.`,
  })
}

function nearestFlags(given: string, flags: readonly string[]): readonly string[] {
  const flag = given.replace(/^-+/, '').replace(/=.*$/s, '')
  return flag.length < 2 ? [] : findNearest(flag, flags, 2).map((name) => `--${name}`)
}

function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? '' : `Did you mean ${names.map((name) => `"${name}"`).join(' or ')}? `
}

/** Messages of oclif have line breaks, colours and their own line about help. */
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
