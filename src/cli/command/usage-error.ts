import { stripVTControlCharacters } from 'node:util'
import type { FlagInput } from '@oclif/core/parser'
import { DrayError } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'
import { findNearest } from '../../lib/nearest.ts'
import { commonFormats, type OutputFormat } from '../output/formats.ts'

/** The parts of a command that errors of usage name. */
export interface CommandUsage {
  /** with spaces, such as `plan show` */
  readonly name: string
  /** names of the flags that are not hidden, without dashes */
  readonly flags: readonly string[]
  /** the values of `--output` */
  readonly formats: readonly OutputFormat[]
}

/** The parts of a command that errors of usage name. @param flags with the global ones */
export function usageOf(id: string, flags: FlagInput): CommandUsage {
  const names = Object.entries(flags).flatMap(([name, flag]) => {
    if (flag.hidden === true) return []
    return flag.type === 'boolean' && flag.allowNo ? [name, `no-${name}`] : [name]
  })
  const { options = commonFormats } = (flags['output'] ?? {}) as { options?: readonly OutputFormat[] }
  return { name: id.replaceAll(':', ' '), flags: names, formats: options }
}

/**
 * Converts the errors of oclif (an unknown flag, a missing argument …) and adds the nearest valid
 * name; other values do not change. It recognises an error by the fields that its class sets,
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
  return wrongValue(oneLine(thrown.message), fail, see)
}

/**
 * Rewrites oclif's message about a value that is not in a fixed list. That error has no fields with
 * the value and the list.
 */
function wrongValue(
  message: string,
  fail: (message: string, hint: string) => DrayError,
  see: string,
): DrayError {
  const [, flag, value, values] =
    /^Expected (?:(--[a-z-]+)=)?(.*) to be one of: ([a-z0-9., -]+)$/s.exec(message) ?? []
  if (value === undefined || values === undefined) return fail(message, see)
  const nearest = didYouMean(findNearest(value, values.split(', '), 1))
  const what =
    flag === undefined
      ? `unknown argument ${JSON.stringify(value)}`
      : `${flag} has no value ${JSON.stringify(value)}`
  return fail(what, `${nearest}The values are ${values}. ${see}`)
}

/** Flags of other tools, with the flag that does the same. */
const otherFlags: Readonly<Record<string, string>> = {
  format: 'output',
  template: 'output',
  'auto-approve': 'yes',
  force: 'yes',
  source: 'from',
  src: 'from',
  dest: 'to',
  destination: 'to',
  environment: 'env',
  user: 'username',
  password: 'password-stdin',
  p: 'password-stdin',
  noop: 'dry-run',
}

function nearestFlags(given: string, flags: readonly string[]): readonly string[] {
  const flag = given.replace(/^-+/, '').replace(/=.*$/s, '')
  const other = otherFlags[flag]
  if (other !== undefined && flags.includes(other)) return [`--${other}`]
  return flag.length < 2 ? [] : findNearest(flag, flags, 2).map((name) => `--${name}`)
}

function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? '' : `Did you mean ${names.map((name) => `"${name}"`).join(' or ')}? `
}

/** Messages of oclif, and the same fact in the style of dray. */
const otherMessages: readonly (readonly [RegExp, string])[] = [
  [/^Missing required flag (\S+)$/, '--$1 is missing'],
  [/^Flag (--\S+) expects a value$/, '$1 needs a value'],
  [/^Flag (--\S+) expects one of these values: /, '$1 needs one of these values: '],
  [/^Flag (--\S+) can only be specified once$/, '$1 can be given only once'],
  [/^Parsing (--\S+): Expected (.*) but received: /s, '$1 needs $2, not '],
  [/^All of the following must be provided when using (--[^=\s]+): /, '$1 can be given only with '],
  [/^(--[^=\s]+)=.* cannot also be provided when using (--\S+)$/s, '$1 and $2 exclude each other'],
]

/** Messages of oclif have line breaks, colours, a heading and their own line about help. */
function oneLine(message: string): string {
  const lines = stripVTControlCharacters(message)
    .replaceAll(/(Parsing --\S+)\s*\n\s*/g, '$1: ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:See more help|The following errors? occurred)/.test(line))
  return [...new Set(lines.map(inStyleOfDray))].map((line) => line.replace(/:$/, '')).join('; ')
}

function inStyleOfDray(line: string): string {
  const [pattern, text] = otherMessages.find(([known]) => known.test(line)) ?? []
  return pattern === undefined || text === undefined ? line : line.replace(pattern, text)
}

function many(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
