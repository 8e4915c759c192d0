import { spawn } from 'node:child_process'
import { version } from '../program/about.ts'
import { ownCommand } from '../program/host.ts'
import { readManifest } from '../program/manifest.ts'
import { Context } from '../wiring/context.ts'
import { completeWords } from './complete-words.ts'
import type { WordsBeforeCursor } from './command-line-state.ts'
import { readCommandList } from './command-list.ts'
import { printCompletion } from './completion.ts'
import { RealSources } from './sources.ts'

/** How long a keypress waits for registries, milliseconds. */
const keypressMs = 300
/** How long a process in the background reads tags for the next keypress, milliseconds. */
const backgroundMs = 10_000
const inBackground = '--background'

/**
 * The hidden command that the scripts of shells call: `dray __complete --word=CURRENT -- WORD...`,
 * with the words after `dray` and before the cursor. It prints candidates (`printCompletion`). A
 * person is typing: it never asks, never reports an error and always exits with 0. It loads no
 * command and not the library of commands.
 * @param args the arguments after `__complete`
 */
export async function complete(args: readonly string[]): Promise<void> {
  const isBackground = args[0] === inBackground
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => process.exit(0))
  process.removeAllListeners('warning')
  const words = parseWords(isBackground ? args.slice(1) : args)
  if (words === undefined) return
  const limit = (): AbortSignal => AbortSignal.timeout(isBackground ? backgroundMs : keypressMs)
  const sources = new RealSources(createContext(words), { limit, isBackground })
  const commands = readCommandList(await readManifest())
  const text = printCompletion(await completeWords(words, commands, sources))
  if (isBackground) process.exit(0)
  if (sources.isLate) readInBackground(args)
  // Open connections would keep the process alive.
  process.stdout.write(text, () => process.exit(0))
}

function parseWords(args: readonly string[]): WordsBeforeCursor | undefined {
  const [word, end, ...before] = args
  if (word?.startsWith('--word=') !== true || end !== '--') return undefined
  return { current: word.slice('--word='.length), before }
}

function createContext({ before }: WordsBeforeCursor): Context {
  // A credential helper must not ask for a passphrase on the terminal (gpg-agent(1)).
  const { GPG_TTY: _, ...env } = process.env
  return new Context({
    configFile: configFileIn(before),
    env,
    cwd: process.cwd(),
    version,
  })
}

/** The value of `--config`, which decides the names. */
function configFileIn(words: readonly string[]): string | undefined {
  const [joined] = words.flatMap((word) => /^--config=(.+)$/s.exec(word)?.[1] ?? [])
  const at = words.indexOf('--config')
  return joined ?? (at < 0 ? undefined : words[at + 1])
}

/** Fills the cache for the next keypress, if the registry takes longer than a person waits. */
function readInBackground(args: readonly string[]): void {
  const [program, ...before] = ownCommand()
  const child = spawn(program, [...before, '__complete', inBackground, ...args], {
    detached: true,
    stdio: 'ignore',
  })
  child.on('error', () => undefined)
  child.unref()
}
