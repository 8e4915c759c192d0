/**
 * Writes `docs/commands.md`, which has the help of every command, from the classes of the commands.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CommandHelp,
  type CommandSource,
  describeCommand,
  type FlagGroup,
} from '../src/cli/help/command-help.ts'
import { commandTable } from '../src/cli/help/command-table.ts'
import { readManifest } from '../src/cli/program/manifest.ts'
import { wrap } from '../src/render/text/width.ts'

const root = join(import.meta.dirname, '..')
export const commandsPageFile: string = join(root, 'docs', 'commands.md')

/** The text of the page. */
export function commandsPage(commands: readonly CommandSource[]): string {
  const groups = commandTable
    .map(({ title, commands: pages }) => ({
      title,
      commands: Object.keys(pages)
        .flatMap((id) => commands.find((command) => command.id === id) ?? [])
        .map((command) => describeCommand(command)),
    }))
    .filter((group) => group.commands.length > 0)
  const [first] = groups.flatMap((group) => group.commands)
  return `${[
    '# Commands',
    '`dray COMMAND --help` and `dray help COMMAND` print this text for one command.\n`npm run docs:commands` writes this page from `src/commands/`.',
    ...groups.map(({ title, commands: rows }) => overview(title, rows)),
    '## Flags of every command',
    'You can write these flags before or after the command.',
    ...(first?.flagGroups ?? []).flatMap((group) => flagTable(group, true)),
    ...groups.flatMap((group) => [`## ${group.title}`, ...group.commands.flatMap(commandBlocks)]),
  ].join('\n\n')}\n`
}

function overview(title: string, commands: readonly CommandHelp[]): string {
  const rows = commands.map(({ name, summary }): [string, string] => [
    `[\`dray ${name}\`](#dray-${name.replaceAll(' ', '-')})`,
    summary,
  ])
  return table([title, 'purpose'], rows)
}

function commandBlocks(command: CommandHelp): readonly string[] {
  const { name, summary, usage, aliases, examples, args, flagGroups, details, page } = command
  const argumentRows = args.map(({ label, text }): [string, string] => [`\`${label}\``, escapeCell(text)])
  return [
    `### dray ${name}`,
    summary,
    fence('text', usage.join('\n')),
    ...(aliases.length === 0 ? [] : [`Aliases: ${aliases.map((alias) => `\`${alias}\``).join(', ')}`]),
    fence('shell', examples.map((one) => `# ${one.description}\n${one.command}`).join('\n\n')),
    ...(args.length === 0 ? [] : [table(['argument', 'purpose'], argumentRows)]),
    ...flagGroups.flatMap((group) => flagTable(group, false)),
    ...(details === '' ? [] : [wrapProse(details)]),
    `Learn more: [${page}](${page})`,
  ]
}

/** The flags of a group that every command has, or the others. */
function flagTable({ title, flags }: FlagGroup, isGlobal: boolean): readonly string[] {
  const rows = flags
    .filter((flag) => flag.isGlobal === isGlobal)
    .map(({ label, text }): [string, string] => [`\`${label.trim()}\``, escapeCell(text)])
  return rows.length === 0 ? [] : [table([`${title} flags`, 'purpose'], rows)]
}

function table(titles: readonly [string, string], rows: readonly (readonly [string, string])[]): string {
  return [titles, ['---', '---'], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Paragraphs and list items, in lines of at most 100 columns. */
function wrapProse(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrap(line, line.startsWith('- ') ? 98 : 100).map((part, i) => hang(line, part, i)))
    .join('\n')
}

function hang(line: string, part: string, index: number): string {
  return line.startsWith('- ') && index > 0 ? `  ${part}` : part
}

function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

function escapeCell(text: string): string {
  return text.replaceAll(/[|*<]/g, String.raw`\$&`)
}

if (import.meta.main) writeFileSync(commandsPageFile, commandsPage(await readManifest()))
