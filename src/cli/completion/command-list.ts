import { isRecord } from '../../oci/json.ts'
import { aliases } from '../dispatch/find-command.ts'

/** A flag as `oclif.manifest.json` describes it. */
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

/** A command as `oclif.manifest.json` describes it. */
export interface KnownCommand {
  /** `plan show` */
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  readonly isHidden: boolean
  readonly flags: readonly KnownFlag[]
  /** the allowed values of each argument; empty if any value is */
  readonly argumentValues: readonly (readonly string[])[]
}

/** oclif handles this flag for each command. */
const helpFlag = flagNamed('help', { char: 'h', summary: 'Show help.' })

/** Reads the commands from the parsed `oclif.manifest.json`. Omits entries of another shape. */
export function readCommandList(manifest: unknown): readonly KnownCommand[] {
  const { commands } = isRecord(manifest) ? manifest : {}
  return listRecords(commands).map((command) => ({
    name: textOf(command['id']).replaceAll(':', ' '),
    aliases: aliasesOf(command),
    summary: textOf(command['summary']),
    isHidden: command['hidden'] === true,
    flags: [...listRecords(command['flags']).map(readFlag), helpFlag],
    argumentValues: listRecords(command['args']).map((argument) => listTexts(argument['options'])),
  }))
}

function aliasesOf(command: Readonly<Record<string, unknown>>): readonly string[] {
  const id = textOf(command['id'])
  const others = Object.entries(aliases).flatMap(([alias, of]) => (of === id ? [alias] : []))
  const names = [...listTexts(command['aliases']), ...others]
  return [...new Set(names)].map((name) => name.replaceAll(':', ' '))
}

function readFlag(flag: Readonly<Record<string, unknown>>): KnownFlag {
  const { char } = flag
  return flagNamed(textOf(flag['name']), {
    ...(typeof char === 'string' && { char }),
    summary: textOf(flag['summary']),
    takesValue: flag['type'] === 'option',
    isRepeatable: flag['multiple'] === true,
    allowsNo: flag['allowNo'] === true,
    isHidden: flag['hidden'] === true,
    values: listTexts(flag['options']),
    excludes: listTexts(flag['exclusive']),
  })
}

function flagNamed(name: string, settings: Partial<KnownFlag>): KnownFlag {
  return {
    name,
    summary: '',
    takesValue: false,
    isRepeatable: false,
    allowsNo: false,
    isHidden: false,
    values: [],
    excludes: [],
    ...settings,
  }
}

function listRecords(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return isRecord(value) ? Object.values(value).filter(isRecord) : []
}

function listTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
