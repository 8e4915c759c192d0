import { isatty, type WriteStream } from 'node:tty'
import { type Page, plainStyle, type Style } from '../../render/text/style.ts'

/** The properties of an output stream that affect text. */
export type Output = Pick<WriteStream, 'write'> & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

/**
 * Whether text on a stream has colours: by `--color` and `--no-color`, then `NO_COLOR`
 * (no-color.org: set and not empty), then `FORCE_COLOR`, then whether it is a terminal with
 * colours.
 */
export function hasColour(output: Output, choice: boolean | undefined, env: NodeJS.ProcessEnv): boolean {
  if (choice !== undefined) return choice
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  if (env['FORCE_COLOR'] !== undefined) return !['0', 'false'].includes(env['FORCE_COLOR'])
  return output.isTTY === true && env['TERM'] !== 'dumb'
}

/** The page for a stream. Loads chalk only for colours. */
export async function createPage(
  output: Output,
  choice: boolean | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Page> {
  return {
    style: hasColour(output, choice, env) ? await colours() : plainStyle,
    width: output.isTTY === true ? (knownWidth(output) ?? 80) : undefined,
  }
}

/** Whether a line on this stream can be redrawn: a terminal with a known width. */
export function canRedraw(output: Output): boolean {
  return output.isTTY === true && knownWidth(output) !== undefined
}

/** A terminal without a size (`script`, some CI services) reports 0. */
function knownWidth({ columns }: Output): number | undefined {
  return columns === undefined || columns === 0 ? undefined : columns
}

/**
 * Whether a person can answer: terminals at both ends, and not in CI.
 * @param isInputTerminal whether stdin is a terminal; by default without `process.stdin`, which
 * takes two milliseconds to open
 */
export function isInteractive(
  output: Output,
  env: NodeJS.ProcessEnv,
  isInputTerminal = (): boolean => isatty(0),
): boolean {
  const ci = env['CI']
  return output.isTTY === true && (ci === undefined || ci === '' || ci === 'false') && isInputTerminal()
}

async function colours(): Promise<Style> {
  const { Chalk } = await import('chalk')
  // The sixteen colours, which follow the user's palette.
  const chalk = new Chalk({ level: 1 })
  return {
    bold: (text) => chalk.bold(text),
    dim: (text) => chalk.dim(text),
    red: (text) => chalk.red(text),
    green: (text) => chalk.green(text),
    yellow: (text) => chalk.yellow(text),
    cyan: (text) => chalk.cyan(text),
  }
}
