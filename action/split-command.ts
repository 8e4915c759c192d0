import { DrayError } from '../src/lib/errors.ts'

interface Argument {
  readonly text: string
  /** whether it has no quotes and is the first one of a line */
  readonly isPlainAtStart: boolean
}

/**
 * Splits the input `command` into arguments. Spaces, tabs and line breaks separate them. Text in
 * single quotes is literal; in double quotes, `\"` is a quote and `\\` a backslash. A backslash at
 * the end of a line joins lines. Every other character is literal, also those that a shell acts on.
 * Drops a `dray` at the beginning.
 * @throws `usage` for a quote without its end, for no arguments, and for a second `dray` line.
 */
export function splitCommand(command: string): readonly string[] {
  const [first, ...rest] = listArguments(command)
  const list = first === undefined || isProgram(first) ? rest : [first, ...rest]
  if (list.some(isProgram)) {
    throw new DrayError('usage', 'the input command has several commands', {
      why: 'a step runs one dray command',
      hint: 'Write a step for each command.',
    })
  }
  if (list.length > 0) return list.map(({ text }) => text)
  throw new DrayError('usage', 'the input command has no arguments', {
    hint: 'Write a command, such as command: promote api:1.4.2 --from staging --to prod',
  })
}

function isProgram({ text, isPlainAtStart }: Argument): boolean {
  return isPlainAtStart && text === 'dray'
}

function listArguments(command: string): readonly Argument[] {
  const list: Argument[] = []
  const separator = /(?:[ \t\r\n]|\\\r?\n)*/y
  for (let at = 0; ;) {
    separator.lastIndex = at
    const space = separator.exec(command)?.[0] ?? ''
    at += space.length
    if (at >= command.length) return list
    const { text, end } = readArgument(command, at)
    const isPlain = text === command.slice(at, end)
    list.push({ text, isPlainAtStart: isPlain && (list.length === 0 || space.includes('\n')) })
    at = end
  }
}

/** Text in quotes, and text without quotes and separators. */
const part = /'([^']*)'|"((?:\\["\\]|[^"])*)"|((?:(?!\\\r?\n)[^ \t\r\n'"])+)/y

/** Reads the argument that begins at an index. */
function readArgument(command: string, start: number): { readonly text: string; readonly end: number } {
  let text = ''
  let end = start
  while (end < command.length && !/^(?:[ \t\r\n]|\\\r?\n)/.test(command.slice(end, end + 3))) {
    part.lastIndex = end
    const [all, single, double, plain] = part.exec(command) ?? []
    if (all === undefined) throw withoutEnd(command, end)
    text += single ?? plain ?? double?.replaceAll(/\\(["\\])/g, '$1') ?? ''
    end += all.length
  }
  return { text, end }
}

function withoutEnd(command: string, at: number): DrayError {
  const quote = command.charAt(at)
  return new DrayError('usage', 'the input command cannot be split into arguments', {
    why: `a quote has no end: ${command.slice(at, at + 40)}`,
    hint:
      quote === "'"
        ? `Add the second quote, or write the argument in double quotes: "it's"`
        : `Add the second quote, or write the argument in single quotes: 'say "yes"'`,
  })
}
