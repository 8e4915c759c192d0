import { aliasesOf } from '../dispatch/find-command.ts'
import type { CommandSource, FlagSource } from '../help/command-help.ts'

/** A flag that can be completed. */
export interface KnownFlag {
  /** without dashes */
  readonly name: string
  readonly char?: string
  readonly summary: string
  readonly takesValue: boolean
  /** the flag can be given several times */
  readonly isRepeatable: boolean
  /** there is a flag `--no-NAME` too */
  readonly allowsNo: boolean
  readonly isHidden: boolean
  /** the allowed values; empty if any value is */
  readonly values: readonly string[]
  /** names of flags that cannot be given together with this one */
  readonly excludes: readonly string[]
}

/** A command that can be completed. */
export interface KnownCommand {
  /** `plan show` */
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  readonly flags: readonly KnownFlag[]
  /** the allowed values of each argument; empty if any value is */
  readonly argumentValues: readonly (readonly string[])[]
}

/** The program handles this flag for each command. */
const helpFlag = readFlag('help', { type: 'boolean', char: 'h', summary: 'Show help.' })

/** Reads the commands from the descriptions of all commands. */
export function readCommandList(manifest: readonly CommandSource[]): readonly KnownCommand[] {
  return manifest.map(({ id, summary = '', flags, args }) => ({
    name: spaced(id),
    aliases: aliasesOf(id).map(spaced),
    summary,
    flags: [...Object.entries(flags).map(([name, flag]) => readFlag(name, flag)), helpFlag],
    argumentValues: Object.values(args).map(({ options = [] }) => options),
  }))
}

function readFlag(name: string, flag: FlagSource): KnownFlag {
  const { type, char, summary = '', multiple, allowNo, hidden, options = [], exclusive = [] } = flag
  return {
    name,
    ...(char !== undefined && { char }),
    summary,
    takesValue: type === 'option',
    isRepeatable: multiple === true,
    allowsNo: allowNo === true,
    isHidden: hidden === true,
    values: options,
    excludes: exclusive,
  }
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ')
}
