import type { ProgramInfo } from '../program/program-info.ts'
import { createPage } from '../terminal/terminal.ts'
import { type CommandSource, describeCommand, type FlagSource, usageOf } from './command-help.ts'
import { type HelpPage, helpPage } from './layout.ts'
import { renderUsage } from './render-command.ts'

/** Prints the usage and one example on stderr, if a command line lacks required arguments. */
export async function showUsageIfIncomplete(
  id: string,
  argv: readonly string[],
  program: ProgramInfo,
): Promise<void> {
  const command = (await program.manifest()).find((one) => one.id === id)
  if (command === undefined) return
  const { style, width } = await createPage(process.stderr, undefined, process.env)
  const text = renderIncomplete(command, argv, helpPage(style, width))
  if (text !== undefined) process.stderr.write(`\n${text}`)
}

/**
 * The usage and one example of a command, if a command line lacks required arguments or flags in
 * each of its usage lines; otherwise undefined.
 * @param argv the arguments after the name of the command
 */
export function renderIncomplete(
  command: CommandSource,
  argv: readonly string[],
  page: HelpPage,
): string | undefined {
  const given = givenIn(argv, command.flags)
  const lacks = usageOf(command).every((line) => !isSatisfied(line, given, command))
  return lacks ? renderUsage(describeCommand(command), page) : undefined
}

interface Given {
  readonly positionals: number
  /** names of flags, without dashes */
  readonly flags: ReadonlySet<string>
}

function givenIn(argv: readonly string[], flags: CommandSource['flags']): Given {
  const names = new Set<string>()
  let positionals = 0
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? ''
    if (arg === '--') return { positionals: positionals + argv.length - i - 1, flags: names }
    if (!arg.startsWith('-') || arg === '-') positionals++
    else {
      const found = flagNamed(arg, flags)
      if (found === undefined) continue
      names.add(found.name)
      if (found.flag.type === 'option' && !arg.includes('=')) i++
    }
  }
  return { positionals, flags: names }
}

function flagNamed(
  arg: string,
  flags: CommandSource['flags'],
): { readonly name: string; readonly flag: FlagSource } | undefined {
  const name = arg.replace(/=.*$/s, '')
  const found = Object.entries(flags).find(([key, { char }]) => name === `--${key}` || name === `-${char}`)
  return found && { name: found[0], flag: found[1] }
}

/** Whether a line has what a usage line requires. `[…]` is optional; of `(a | b)` one is needed. */
function isSatisfied(line: string, { positionals, flags }: Given, command: CommandSource): boolean {
  const words = line.replaceAll(/\[[^\]]*\]/g, '').match(/\([^)]*\)|\S+/g) ?? []
  let required = 0
  for (const [i, word] of words.entries()) {
    if (word.startsWith('(')) {
      if (!namesIn(word).some((name) => flags.has(name))) return false
    } else if (word.startsWith('--')) {
      if (!flags.has(word.slice(2))) return false
    } else if (/^[A-Z]/.test(word) && !isValue(words[i - 1], command)) required++
  }
  return positionals >= required
}

function namesIn(alternatives: string): readonly string[] {
  return [...alternatives.matchAll(/--([\w-]+)/g)].map(([, name = '']) => name)
}

function isValue(before: string | undefined, { flags }: CommandSource): boolean {
  return before?.startsWith('--') === true && flags[before.slice(2)]?.type === 'option'
}
