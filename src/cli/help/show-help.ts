import { aliases } from '../dispatch/find-command.ts'
import { splitArguments } from '../dispatch/split-arguments.ts'
import { unknownCommand } from '../dispatch/unknown-command.ts'
import { description } from '../program/about.ts'
import type { ProgramInfo } from '../program/program-info.ts'
import { isTopic, topics } from '../program/topics.ts'
import { project } from '../project.ts'
import { printPaged } from '../terminal/pager.ts'
import { createPage } from '../terminal/terminal.ts'
import { type CommandSource, describeCommand } from './command-help.ts'
import { type HelpPage, helpPage } from './layout.ts'
import { renderCommand } from './render-command.ts'
import { type Program, renderProgram, renderTopic } from './render-overview.ts'

/**
 * Prints the help that a command line asks for.
 * @param args the arguments of dray; `help` may be their first word
 * @throws `usage` if they name neither a command nor a topic.
 */
export async function showHelp(args: readonly string[], program: ProgramInfo): Promise<void> {
  const { style, width } = await createPage(process.stdout, colourChoice(args), process.env)
  const text = renderHelp(args, await program.manifest(), helpPage(style, width))
  await printPaged(text, {
    output: process.stdout,
    env: process.env,
    isDisabled: args.includes('--no-pager'),
    signal: new AbortController().signal,
  })
}

function renderHelp(args: readonly string[], commands: readonly CommandSource[], page: HelpPage): string {
  const words = subjectOf(args)
  const program = describeProgram(commands)
  const [first] = words
  if (first === undefined) return renderProgram(program, page)
  const command = longestCommand(words, commands)
  if (command !== undefined) return renderCommand(describeCommand(command), program.docs, page)
  if (words.length === 1 && isTopic(first)) return renderTopic(first, program, page)
  throw unknownCommand(
    words,
    commands.map(({ id }) => id),
  )
}

function longestCommand(
  words: readonly string[],
  commands: readonly CommandSource[],
): CommandSource | undefined {
  const ids = words.map((_, i) => words.slice(0, words.length - i).join(':'))
  return ids.flatMap((id) => commands.find((one) => one.id === id) ?? [])[0]
}

/** The words that name the subject: `dray help promote` and `dray promote --help` have the same. */
function subjectOf(args: readonly string[]): readonly string[] {
  const words = splitArguments(args).words.map(({ text }) => text)
  const [first = '', ...more] = words[0] === 'help' && words.length > 1 ? words.slice(1) : words
  return first === '' ? [] : [aliases[first] ?? first, ...more]
}

function colourChoice(args: readonly string[]): boolean | undefined {
  if (args.includes('--no-color')) return false
  return args.includes('--color') ? true : undefined
}

function describeProgram(commands: readonly CommandSource[]): Program {
  const { homepage, docs, bugs } = project
  return { description, commands, topics: new Map(Object.entries(topics)), homepage, docs: `${docs}/`, bugs }
}
