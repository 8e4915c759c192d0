import { flagGroups } from './flag-groups.ts'
import { aliasesOf } from '../dispatch/find-command.ts'
import { globalFlags } from '../command/global-flags.ts'
import { pageOf } from './command-table.ts'

/** The static text of a command, of which the help is made. */
export interface CommandSource {
  readonly id: string
  readonly summary?: string | undefined
  readonly description?: string | undefined
  readonly usage?: string | readonly string[] | undefined
  readonly examples?: readonly (string | Example)[] | undefined
  readonly args: Readonly<Record<string, ArgumentSource>>
  readonly flags: Readonly<Record<string, FlagSource>>
}

export interface Example {
  readonly description: string
  /** of one or more lines, for a shell */
  readonly command: string
}

export interface ArgumentSource {
  readonly description?: string | undefined
  readonly required?: boolean | undefined
  readonly hidden?: boolean | undefined
  readonly options?: readonly string[] | undefined
}

export interface FlagSource {
  readonly type: 'boolean' | 'option'
  readonly char?: string | undefined
  readonly summary?: string | undefined
  readonly helpGroup?: string | undefined
  readonly helpValue?: string | readonly string[] | undefined
  readonly allowNo?: boolean | undefined
  readonly multiple?: boolean | undefined
  readonly options?: readonly string[] | undefined
  readonly default?: unknown
  /** names of flags that cannot be given together with this one */
  readonly exclusive?: readonly string[] | undefined
  readonly env?: string | undefined
  readonly required?: boolean | undefined
  readonly hidden?: boolean | undefined
}

/** A name with its explanation. */
export interface Term {
  readonly label: string
  readonly text: string
}

interface FlagHelp extends Term {
  /** whether every command has the flag */
  readonly isGlobal: boolean
}

export interface FlagGroup {
  readonly title: string
  readonly flags: readonly FlagHelp[]
}

/** The help of a command, without a layout. */
export interface CommandHelp {
  /** with spaces: `plan show` */
  readonly name: string
  readonly summary: string
  readonly usage: readonly string[]
  readonly aliases: readonly string[]
  readonly examples: readonly Example[]
  readonly args: readonly Term[]
  readonly flagGroups: readonly FlagGroup[]
  /** paragraphs, and list items that begin with "- " */
  readonly details: string
  /** a file in `docs/` */
  readonly page: string
}

export function describeCommand(source: CommandSource): CommandHelp {
  const name = spaced(source.id)
  return {
    name,
    summary: source.summary ?? '',
    usage: usageOf(source).map((line) => `dray ${line} [flags]`),
    aliases: aliasesOf(source.id).map((alias) => `dray ${spaced(alias)}`),
    examples: (source.examples ?? []).filter((example) => typeof example !== 'string'),
    args: Object.entries(source.args).flatMap(([key, { description, hidden }]) =>
      hidden === true ? [] : [{ label: key.toUpperCase(), text: description ?? '' }],
    ),
    flagGroups: groupFlags(source.flags),
    details: source.description ?? '',
    page: pageOf(source.id),
  }
}

/** The usage lines without `dray`: arguments and required flags. */
export function usageOf({ id, usage, args, flags }: CommandSource): readonly string[] {
  if (usage !== undefined) return [usage].flat()
  const words = Object.entries(args).flatMap(([key, { required, hidden }]) => {
    if (hidden === true) return []
    return required === true ? [key.toUpperCase()] : [`[${key.toUpperCase()}]`]
  })
  const required = Object.entries(flags).flatMap(([key, flag]) =>
    flag.required === true ? [longForm(key, flag)] : [],
  )
  return [[spaced(id), ...words, ...required].join(' ')]
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ')
}

/** The groups in their order, with the flags of the command before those of every command. */
function groupFlags(flags: CommandSource['flags']): readonly FlagGroup[] {
  const known: readonly string[] = Object.values(flagGroups)
  const visible = Object.entries(flags).filter(([, { hidden }]) => hidden !== true)
  const byTitle = Map.groupBy(visible, ([, { helpGroup }]) => helpGroup ?? flagGroups.output)
  return [...byTitle]
    .toSorted(([a], [b]) => known.indexOf(a) - known.indexOf(b))
    .map(([title, entries]) => ({
      title,
      flags: entries
        .map(([key, flag]) => describeFlag(key, flag))
        .toSorted((a, b) => Number(a.isGlobal) - Number(b.isGlobal)),
    }))
}

function describeFlag(name: string, flag: FlagSource): FlagHelp {
  const char = flag.char === undefined ? '    ' : `-${flag.char}, `
  const facts = [
    ...(flag.options === undefined ? [] : [flag.options.join('|')]),
    ...(flag.required === true ? ['required'] : []),
    ...(flag.multiple === true ? ['repeatable'] : []),
    ...(isShown(flag.default) ? [`default: ${String(flag.default)}`] : []),
    ...(flag.env === undefined ? [] : [`env: ${flag.env}`]),
  ]
  return {
    label: char + longForm(name, flag),
    text: [flag.summary ?? '', ...facts.map((fact) => `(${fact})`)].join(' '),
    isGlobal: Object.hasOwn(globalFlags, name),
  }
}

/** A default that is a list is empty, and the summary of a boolean flag names its default. */
function isShown(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number'
}

function longForm(name: string, { type, allowNo, helpValue }: FlagSource): string {
  if (type === 'boolean') return allowNo === true ? `--[no-]${name}` : `--${name}`
  const [value = 'VALUE'] = [helpValue ?? []].flat()
  return `--${name} ${value}`
}
