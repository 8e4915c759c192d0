import { exitCodes } from '../../../src/cli/command/exit-codes.ts'
import { variables } from '../../../src/cli/command/variables.ts'
import type { CommandHelp, FlagGroup, Term } from '../../../src/cli/help/command-help.ts'
import type { project } from '../../../src/cli/project.ts'
import { exitMeanings, files, variablesIn } from './facts.ts'
import { bold, code, filled, literal, paragraphs, prose, quoted, section, subsection, terms } from './roff.ts'

/** The facts that all pages of a release share. */
export interface Manual {
  readonly version: string
  /** `2026-11-28` */
  readonly day: string
  readonly project: Pick<typeof project, 'docs' | 'bugs'>
  readonly description: string
  /** the text of docs/environment-variables.md */
  readonly variablesPage: string
}

export interface CommandSection {
  readonly title: string
  readonly commands: readonly CommandHelp[]
}

/** `dray-plan-show` */
export function pageName(command: string): string {
  return `dray-${command.replaceAll(' ', '-')}`
}

/** The page of a command, in section 1. */
export function commandManual(command: CommandHelp, manual: Manual): string {
  return page(pageName(command.name), command.summary, manual, [
    ...section('SYNOPSIS', synopsis(command.usage)),
    ...section('DESCRIPTION', describe(command)),
    ...section('ARGUMENTS', terms(command.args.map(({ label, text }) => ({ label: argument(label), text })))),
    ...section('OPTIONS', command.flagGroups.flatMap(options)),
    ...section('EXIT STATUS', exitStatus()),
    ...section('ENVIRONMENT', [
      ...terms(variablesOf(command)),
      ...(variablesOf(command).length === 0 ? [] : ['.PP']),
      ...filled(`${reference('dray')} lists the variables that apply to every command.`),
    ]),
    ...section(
      'EXAMPLES',
      command.examples.flatMap((one, i) => [...(i === 0 ? [] : ['.PP']), ...example(one)]),
    ),
    ...section('SEE ALSO', [
      `.BR dray (1)`,
      '.PP',
      ...filled(literal(`${manual.project.docs}/${command.page}`)),
    ]),
  ])
}

/** The page `dray(1)`: all commands, and the facts that apply to each of them. */
export function programManual(groups: readonly CommandSection[], manual: Manual): string {
  const { variablesPage, project: places } = manual
  const commands = groups.flatMap((group) => group.commands)
  const global = (commands[0]?.flagGroups ?? []).flatMap(({ flags }) =>
    flags.filter(({ isGlobal }) => isGlobal),
  )
  return page('dray', manual.description, manual, [
    ...section('SYNOPSIS', synopsis(['dray COMMAND [flags]', 'dray --version', 'dray --help'])),
    ...section('DESCRIPTION', [
      ...filled(prose(manual.description)),
      '.PP',
      ...filled(`Each command has a page of its own, such as ${reference('dray-promote')}.`),
    ]),
    ...section(
      'COMMANDS',
      groups.flatMap(({ title, commands: rows }) =>
        subsection(
          title,
          terms(rows.map(({ name, summary }) => ({ label: reference(pageName(name)), text: summary }))),
        ),
      ),
    ),
    ...section('OPTIONS', [
      ...terms([
        { label: `${bold('-h')}, ${bold('--help')}`, text: 'Show help for a command.' },
        { label: `${bold('-V')}, ${bold('--version')}`, text: 'Show the version.' },
      ]),
      '.PP',
      ...filled('Every command has these options:'),
      ...terms(global.map(styled)),
    ]),
    ...section('EXIT STATUS', exitStatus()),
    ...section('ENVIRONMENT', [
      ...filled('An option takes precedence over its variable.'),
      ...terms(
        Object.entries(variables).flatMap(([name, { isWritten, ...one }]) =>
          isWritten === true ? [] : [variable(name, one)],
        ),
      ),
      ...['Credentials', 'Terminal', 'Files and folders', 'Proxies'].flatMap((heading) =>
        subsection(heading, terms(variablesIn(variablesPage, heading))),
      ),
    ]),
    ...section('FILES', terms(files)),
    ...section('REPORTING BUGS', filled(literal(places.bugs))),
    ...section('SEE ALSO', [...filled(literal(`${places.docs}/README.md`))]),
  ])
}

function page(name: string, summary: string, manual: Manual, body: readonly string[]): string {
  const heading = [name.toUpperCase(), '1', manual.day, `dray ${manual.version}`, 'Manual of dray']
  return `${[
    `.TH ${heading.map(quoted).join(' ')}`,
    ...section('NAME', filled(`${literal(name)} \\- ${prose(asName(summary))}`)),
    ...body,
  ].join('\n')}\n`
}

/** apropos(1) lists the text of NAME in lower case and without a full stop. */
function asName(summary: string): string {
  const text = summary.replace(/\.$/, '')
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

function reference(name: string): string {
  return `${bold(name)}(1)`
}

function synopsis(usage: readonly string[]): readonly string[] {
  return usage.flatMap((line, i) => [...(i === 0 ? [] : ['.br']), ...filled(styleUsage(line))])
}

/** Bold words as they are typed, italic words for values. */
function styleUsage(line: string): string {
  return line.replaceAll(/--[\w-]+|[A-Z][A-Z_]+|[^A-Z[\]-]+/g, (part) => {
    if (/^[A-Z]/.test(part)) return argument(part)
    return part.startsWith('--') || /^(?:dray|[a-z ]+)$/.test(part) ? boldWords(part) : literal(part)
  })
}

function boldWords(text: string): string {
  return text.replaceAll(/[^\s.|()]+/g, (word) => (word === 'flags' ? word : bold(word)))
}

function argument(label: string): string {
  return `\\fI${literal(label)}\\fR`
}

function describe({ summary, details, aliases }: CommandHelp): readonly string[] {
  const names = aliases.map((alias) => bold(alias)).join(', ')
  return [
    ...paragraphs(details === '' ? summary : details),
    ...(names === '' ? [] : ['.PP', ...filled(`Aliases: ${names}.`)]),
  ]
}

function options({ title, flags }: FlagGroup): readonly string[] {
  return subsection(title, terms(flags.map(styled)))
}

/** A label of the help: `-o, --output FORMAT`. */
function styled({ label, text }: Term): Term {
  const parts = label
    .trim()
    .replaceAll(/-{1,2}[\w[\]-]+|[A-Z][\w=|]*/g, (part) =>
      part.startsWith('-') ? bold(part) : argument(part),
    )
  return { label: parts, text }
}

function exitStatus(): readonly string[] {
  const codes = Object.keys(exitMeanings) as (keyof typeof exitMeanings)[]
  return terms(codes.map((name) => ({ label: bold(String(exitCodes[name])), text: exitMeanings[name] })))
}

function variable(
  name: string,
  { purpose, flag }: { readonly purpose: string; readonly flag?: string },
): Term {
  return { label: bold(name), text: flag === undefined ? purpose : `${purpose} Same as \`${flag}\`.` }
}

/** The variables of options that not every command has. */
function variablesOf(command: CommandHelp): readonly Term[] {
  const own = command.flagGroups.flatMap(({ flags }) => flags.filter(({ isGlobal }) => !isGlobal))
  return Object.entries(variables).flatMap(([name, one]) =>
    own.some(({ label }) =>
      label
        .trim()
        .split(/[ ,]+/)
        .includes(one.flag ?? ''),
    )
      ? [variable(name, one)]
      : [],
  )
}

function example({
  description,
  command,
}: {
  readonly description: string
  readonly command: string
}): readonly string[] {
  return [...filled(prose(`${description}:`)), ...code(command)]
}
