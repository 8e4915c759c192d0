import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { WarmRequest } from './warm/warm-dray.ts'
import type { ScriptResult } from './warm/warm-protocol.ts'
import { executable, program } from './program-command.ts'
import { runExecutable } from './warm/executable.ts'
import { WarmProcess } from './warm/warm-process.ts'

const root = join(import.meta.dirname, '..', '..')

/** All runs share one compile cache, because their home folders are empty. */
export const compileCache: string = join(root, 'node_modules', '.cache', 'dray-compile')

export interface RunOptions {
  /** added to an environment of `PATH`, an empty `HOME` and the compile cache */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** a command that runs dray: `['bash', '-c', 'ulimit -f 0; exec "$@"', 'bash']` */
  readonly under?: readonly string[]
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `dray` with these arguments, without a terminal, and waits for its end. */
export async function dray(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options)
  const stdout = collect(child, 'stdout')
  const stderr = collect(child, 'stderr')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout(), stderr: stderr() }
}

export interface WarmOptions extends Pick<RunOptions, 'env' | 'cwd'> {
  /** what stdin contains */
  readonly input?: string
  /** stdout is a terminal */
  readonly onTerminal?: boolean
}

/** Processes that wait for a run. */
const idle: WarmProcess[] = []

/**
 * Runs `dray` with these arguments, without a terminal, in a process that may have run it before.
 * This saves the start, so it suits tests of arguments, requests, output and exit codes. Tests of
 * the process itself (its start, end, signals, memory, files of the system) use `dray`. Runs at the
 * same time are in processes of their own.
 */
export async function warmDray(args: readonly string[], options: WarmOptions = {}): Promise<Ended> {
  const { env = {}, cwd = process.cwd(), input = '', onTerminal = false } = options
  const early = Object.keys(env).find((name) => name.startsWith('NODE_'))
  if (early !== undefined) throw new Error(`Node reads ${early} when it starts: use dray()`)
  const { code, written } = await runWarm({
    args,
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    input,
    isTerminal: onTerminal,
  })
  const text = (wanted: 1 | 2): string =>
    written.flatMap(([descriptor, one]) => (descriptor === wanted ? [one] : [])).join('')
  return { code, stdout: text(1), stderr: text(2) }
}

async function runWarm(request: WarmRequest): Promise<ScriptResult> {
  if (executable !== undefined) return await runExecutable(executable, request)
  const warm = idle.pop() ?? (await WarmProcess.start({ NODE_COMPILE_CACHE: compileCache }))
  const result = await warm.run(request)
  idle.push(warm)
  return result
}

/** Runs `dray` like `warmDray`, with `--json`, and parses its document. */
export async function warmDrayJson(
  args: readonly string[],
  options: WarmOptions = {},
): Promise<Ended & { readonly document: Record<string, unknown> }> {
  const ended = await warmDray([...args, '--json'], options)
  return { ...ended, document: JSON.parse(ended.stdout) as Record<string, unknown> }
}

export interface Running {
  readonly child: ChildProcess
  /** resolves with stdout, or stderr, when it matches */
  seen(pattern: RegExp, stream?: 'stdout' | 'stderr'): Promise<string>
  /** the exit code */
  readonly ended: Promise<number | null>
}

/** Starts `dray`. It is killed after the test. */
export function startDray(args: readonly string[], options: RunOptions = {}): Running {
  const child = start(args, options)
  const texts = { stdout: collect(child, 'stdout'), stderr: collect(child, 'stderr') }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    child,
    ended,
    seen: async (pattern, stream = 'stdout') => {
      while (!pattern.test(texts[stream]())) await once(child[stream], 'data')
      return texts[stream]()
    },
  }
}

function start(args: readonly string[], { env = {}, cwd, under = [] }: RunOptions) {
  const [command = '', ...rest] = [...under, ...program, ...args]
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
