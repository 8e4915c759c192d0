import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { streamOutput } from '../command/stream-output.ts'

/** The stream that a pager replaces: stdout, or that of a test. */
export type PagedOutput = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface PagerOptions {
  readonly output: PagedOutput
  readonly env: NodeJS.ProcessEnv
  /** `--no-pager` */
  readonly isDisabled: boolean
  /** ends the reading of the text */
  readonly signal: AbortSignal
}

/** The exit code of a shell that does not find a command (POSIX, 2.8.2). */
const notFound = 127
/** A pager command without quotes, variables and other work for a shell. */
const plainCommand = /^[\w@%+:,./~-][\w@%+=:,./~ -]*$/

/**
 * Prints text, through a pager if the output is a terminal and the text is longer than its screen.
 * Resolves when the pager has ended. A pager that ends early is no error, and a missing one is
 * replaced by the output itself. @throws what `text` throws; `io`; the signal's reason.
 */
export async function printPaged(text: string | AsyncIterable<string>, options: PagerOptions): Promise<void> {
  const { output, signal } = options
  const command = findPager(options)
  const chunks = concat('', typeof text === 'string' ? [text] : text)
  if (command === undefined) return await streamOutput(chunks, output, signal)
  let head = ''
  let isLong = false
  while (!isLong) {
    const next = await chunks.next()
    if (next.done === true) break
    head += next.value
    isLong = isLongerThanScreen(head, output)
  }
  const whole = concat(head, chunks)
  if (!isLong || !(await runPager(command, whole, options)))
    await streamOutput(concat(head, chunks), output, signal)
}

/**
 * The command of the pager: the first of `DRAY_PAGER`, `PAGER` and `less`. Undefined if the output
 * is not a terminal with a known size, or a variable is empty or `cat`.
 */
export function findPager({ output, env, isDisabled }: Omit<PagerOptions, 'signal'>): string | undefined {
  if (isDisabled || output.isTTY !== true || !output.rows || !output.columns || env['TERM'] === 'dumb')
    return undefined
  const standard = process.platform === 'win32' ? '' : 'less'
  const command = (env['DRAY_PAGER'] ?? env['PAGER'] ?? standard).trim()
  return command === '' || command === 'cat' ? undefined : command
}

/** Whether text needs more lines than the screen has. Long lines wrap. */
export function isLongerThanScreen(
  text: string,
  { columns = 80, rows = 24 }: Pick<PagedOutput, 'columns' | 'rows'>,
): boolean {
  const lines = stripVTControlCharacters(text).replace(/\n$/, '').split('\n')
  // The prompt of the shell takes the last line.
  return lines.reduce((sum, { length }) => sum + Math.max(1, Math.ceil(length / columns)), 0) >= rows
}

/** Returns whether the pager was started. */
async function runPager(
  command: string,
  text: AsyncIterable<string>,
  { env, signal }: PagerOptions,
): Promise<boolean> {
  const [program = '', ...args] = command.split(/ +/)
  const isPlain = plainCommand.test(command) && !program.includes('=')
  const settings = {
    stdio: ['pipe', 'inherit', 'inherit'] as ['pipe', 'inherit', 'inherit'],
    // Those of git: leave if the text fits, show colours, and do not clear the screen.
    env: { ...env, LESS: env['LESS'] ?? 'FRX', LV: env['LV'] ?? '-c' },
  }
  const child = isPlain ? spawn(program, args, settings) : spawn(command, { ...settings, shell: true })
  // Ctrl-C in a pager is a key of the pager.
  const ignore = (): void => undefined
  process.on('SIGINT', ignore)
  try {
    const ended = once(child, 'close') as Promise<[number | null]>
    // `once` rejects with the event `error`: there is no such program.
    await Promise.race([once(child, 'spawn'), ended])
    child.stdin.on('error', ignore)
    await streamOutput(text, child.stdin, signal)
    child.stdin.end()
    const [code] = await ended
    return code !== notFound
  } catch (error) {
    signal.throwIfAborted()
    if (child.pid !== undefined) throw error
    return false
  } finally {
    process.off('SIGINT', ignore)
  }
}

async function* concat(
  head: string,
  rest: AsyncIterable<string> | readonly string[],
): AsyncGenerator<string, void, undefined> {
  if (head !== '') yield head
  yield* rest
}
