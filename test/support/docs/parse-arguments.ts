import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '@oclif/core/command'
import { parse } from '@oclif/core/parser'
import { refuseBooleanValues } from '../../../src/cli/dispatch/positionals.ts'
import type { DrayArguments } from './dray-commands.ts'

const commandsFolder = join(import.meta.dirname, '..', '..', '..', 'src', 'commands')
const commandFiles = new Map(
  globSync('**/*.ts', { cwd: commandsFolder }).map((file) => [
    file.replace(/\.ts$/, '').split(/[\\/]/).join(' '),
    file,
  ]),
)

/**
 * The problem that the option parser of the command finds in a command line, or undefined. It is
 * the parser that runs in the program, with the flags and arguments of the command.
 */
export async function complaintOfArguments(args: DrayArguments): Promise<string | undefined> {
  const [first = ''] = args
  if (['--help', '--version', 'help', 'COMMAND'].includes(first)) return undefined
  const count = [3, 2, 1].find((words) => commandFiles.has(args.slice(0, words).join(' ')))
  if (count === undefined) return `there is no command ${first}`
  const name = args.slice(0, count).join(' ')
  const rest = args.slice(count)
  if (rest.includes('--help')) return undefined
  const { default: command } = (await import(join(commandsFolder, commandFiles.get(name) ?? ''))) as {
    default: typeof Command
  }
  const flags = { ...command.baseFlags, ...command.flags }
  try {
    refuseBooleanValues(rest, flags)
    await parse([...rest], { args: command.args, flags, strict: command.strict })
    return undefined
  } catch (error) {
    return `${name}: ${error instanceof Error ? error.message : String(error)}`
  }
}
