import { wrap } from '../../render/text/width.ts'
import type { CommandHelp, Example } from './command-help.ts'
import { type HelpPage, joinBlocks, labelWidth, section, termLines, textLines, usageLines } from './layout.ts'

/** The help of a command. `docs` is the address of the folder with its page. */
export function renderCommand(command: CommandHelp, docs: string, page: HelpPage): string {
  const width = labelWidth([...command.args, ...command.flagGroups.flatMap(({ flags }) => flags)])
  return joinBlocks([
    wrap(command.summary, page.width).join('\n'),
    section('Usage', usageLines(command.usage, page), page),
    section('Aliases', command.aliases, page),
    section('Examples', command.examples.flatMap(exampleLines), page),
    section('Arguments', termLines(command.args, width, page), page),
    ...command.flagGroups.map(({ title, flags }) =>
      section(`${title} flags`, termLines(flags, width, page), page),
    ),
    section('Details', textLines(command.details, page), page),
    section('Learn more', [docs + command.page], page),
  ])
}

/** The usage of a command with its first example, for a command line that lacks arguments. */
export function renderUsage({ usage, examples }: CommandHelp, page: HelpPage): string {
  return joinBlocks([
    section('Usage', usageLines(usage, page), page),
    section('Example', examples.slice(0, 1).flatMap(exampleLines), page),
  ])
}

/** The lines of an example are not wrapped, so that a shell accepts them. */
function exampleLines({ description, command }: Example, index: number): readonly string[] {
  return [...(index === 0 ? [] : ['']), `# ${description}`, ...command.split('\n')]
}
