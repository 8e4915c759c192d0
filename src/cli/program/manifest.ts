import type { ArgInput, FlagInput } from '@oclif/core/parser'
import type { ArgumentSource, CommandSource, FlagSource } from '../help/command-help.ts'
import type { CommandClass } from './command-class.ts'
import { commands } from './commands.ts'

/**
 * Describes all commands, in the order of their ids. The build replaces this module by its result,
 * so that help and completion load no command.
 */
export async function readManifest(): Promise<readonly CommandSource[]> {
  return await Promise.all(
    Object.entries(commands).map(async ([id, load]) => describeClass(id, (await load()).default)),
  )
}

function describeClass(id: string, command: CommandClass): CommandSource {
  const { summary, description, usage, examples, args, flags, baseFlags } = command
  return {
    id,
    summary,
    description,
    ...(usage !== undefined && { usage }),
    examples,
    args: mapValues(args, describeArgument),
    flags: mapValues({ ...baseFlags, ...flags }, describeFlag),
  }
}

function describeArgument({ description, required, hidden, options }: ArgInput[string]): ArgumentSource {
  return { description, required, hidden, options }
}

function describeFlag(flag: FlagInput[string]): FlagSource {
  const { type, char, summary, helpGroup, env, required, hidden, exclusive } = flag
  return {
    type,
    char,
    summary,
    helpGroup,
    env,
    required,
    hidden,
    exclusive: exclusive?.filter((name) => typeof name === 'string'),
    default: flag.default,
    ...(flag.type === 'boolean'
      ? { allowNo: flag.allowNo }
      : { helpValue: flag.helpValue, multiple: flag.multiple, options: flag.options }),
  }
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In) => Out) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}
