import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
/** What `npm install` puts in place of a person's shell command. */
export const program: string = join(root, 'bin', 'dray.js')

/** All runs of tests share one: in the homes that they are given, each would start without. */
const compileCache = join(root, 'node_modules', '.cache', 'dray-compile')

export interface RunOptions {
  /** in place of nearly nothing: `PATH` and `HOME` of an empty folder are always set */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** a command that runs the one behind it: `['bash', '-c', 'ulimit -f 0; exec "$@"', 'bash']` */
  readonly under?: readonly string[]
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `dray` with these words to its end, without a terminal. */
export async function dray(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(words, options)
  const stdout = collect(child, 'stdout')
  const stderr = collect(child, 'stderr')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout(), stderr: stderr() }
}

/** The one document that a run with `--json` printed. */
export async function drayJson(
  words: readonly string[],
  options: RunOptions = {},
): Promise<Ended & { readonly document: Record<string, unknown> }> {
  const ended = await dray([...words, '--json'], options)
  return { ...ended, document: JSON.parse(ended.stdout) as Record<string, unknown> }
}

export interface Running {
  readonly child: ChildProcess
  /** resolves with all of stdout when it matches */
  seen(pattern: RegExp): Promise<string>
  /** the exit code */
  readonly ended: Promise<number | null>
}

/** Starts `dray` and leaves it running; it is gone after the test. */
export function startDray(words: readonly string[], options: RunOptions = {}): Running {
  const child = start(words, options)
  const stdout = collect(child, 'stdout')
  collect(child, 'stderr')
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    child,
    ended,
    seen: async (pattern) => {
      while (!pattern.test(stdout())) await once(child.stdout, 'data')
      return stdout()
    },
  }
}

function start(words: readonly string[], { env = {}, cwd, under = [] }: RunOptions) {
  const [command = process.execPath, ...rest] = [...under, process.execPath, program, ...words]
  return spawn(command, rest, {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
}

function collect(child: ReturnType<typeof start>, stream: 'stdout' | 'stderr'): () => string {
  let text = ''
  child[stream].setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return () => text
}
