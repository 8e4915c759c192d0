import type { Command } from '@oclif/core/command'
import type { Config } from '@oclif/core/config'
import { aliases } from '../dispatch/find-command.ts'
import { splitArguments } from '../dispatch/split-arguments.ts'
import { unknownCommand } from '../dispatch/unknown-command.ts'
import { printPaged } from '../terminal/pager.ts'
import { createPage } from '../terminal/terminal.ts'
import { describeCommand } from './command-help.ts'
import { type HelpPage, helpPage } from './layout.ts'
import { renderCommand } from './render-command.ts'
import { type Program, renderProgram, renderTopic } from './render-overview.ts'

/**
 * Prints the help that a command line asks for.
 * @param args the arguments of dray; `help` may be their first word
 * @throws `usage` if they name neither a command nor a topic.
 */
export async function showHelp(args: readonly string[], config: Config): Promise<void> {
  const { style, width } = await createPage(process.stdout, colourChoice(args), process.env)
  const text = renderHelp(args, config, helpPage(style, width))
  await printPaged(text, {
    output: process.stdout,
    env: process.env,
    isDisabled: args.includes('--no-pager'),
    signal: new AbortController().signal,
  })
}

function renderHelp(args: readonly string[], config: Config, page: HelpPage): string {
  const words = subjectOf(args)
  const program = describeProgram(config)
  const [first] = words
  if (first === undefined) return renderProgram(program, page)
  const command = longestCommand(words, config)
  if (command !== undefined) return renderCommand(describeCommand(command), program.docs, page)
  if (words.length === 1 && config.findTopic(first) !== undefined) return renderTopic(first, program, page)
  throw unknownCommand(words, config)
}

function longestCommand(words: readonly string[], config: Config): Command.Loadable | undefined {
  const ids = words.map((_, i) => words.slice(0, words.length - i).join(':'))
  return ids.flatMap((id) => config.findCommand(id) ?? [])[0]
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

function describeProgram(config: Config): Program {
  const { description = '', homepage, bugs } = config.pjson
  const bugsUrl = typeof bugs === 'string' ? bugs : bugs?.url
  return {
    description,
    commands: config.commands.filter(({ hidden }) => !hidden),
    topics: new Map(config.topics.map(({ name, description: summary = '' }) => [name, summary])),
    docs: homepage === undefined ? 'docs/' : `${homepage.replace(/#.*$|\/$/g, '')}/docs/`,
    bugs: bugsUrl ?? 'the issue tracker of the repository',
  }
}
