import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'

/** A program with its arguments. */
export interface Invocation {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** without it, the program has no input */
  readonly stdin?: string
}

export interface Ended {
  /** wall time */
  readonly ms: number
  /** user and system, of the program and the processes that it waited for */
  readonly cpuMs: number
  readonly code: number | null
  /** the end of its output */
  readonly output: string
  /** peak memory in bytes, if it was requested and the system provides it (Linux) */
  readonly maxRss?: number
}

/** Far longer than the slowest run. A program that takes this long is stuck. */
const longestMs = 180_000
const readMemoryEveryMs = 10
const mostOutput = 2000

/**
 * Node does not show the CPU time of its children, and /proc counts in hundredths of a second. The
 * keyword `time` of bash asks the system (getrusage(2)), to a millisecond, and adds none of bash.
 */
const timed = 'TIMEFORMAT="%3R %3U %3S"; exec 4>&2 2>&3 3>&-; time "$@" 2>&4 4>&-'

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) kill(child)
})

/** Starts a process that ends with this one at the latest, also its children. */
export function start(
  { command, args, env, cwd }: Invocation,
  stdio: readonly ('ignore' | 'pipe')[],
): ChildProcess {
  const child = spawn(command, args, {
    stdio: [...stdio],
    // A process group of its own, which `kill` ends.
    detached: true,
    ...(env !== undefined && { env }),
    ...(cwd !== undefined && { cwd }),
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** Runs a program to its end. */
export async function run(invocation: Invocation, measuresMemory = false): Promise<Ended> {
  const { command, args, stdin } = invocation
  const wrapped = { ...invocation, command: 'bash', args: ['-c', timed, 'bash', command, ...args] }
  const child = start(wrapped, [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'])
  const memory = measuresMemory ? watchMemory(child) : undefined
  const tooLong = setTimeout(() => kill(child), longestMs)
  const [, stdout, stderr, times] = child.stdio
  let [output, measured] = ['', '']
  const read = (stream: unknown, add: (text: string) => void): void =>
    void (stream as Readable).setEncoding('utf8').on('data', add)
  for (const stream of [stdout, stderr])
    read(stream, (text) => (output = `${output}${text}`.slice(-mostOutput)))
  read(times, (text) => (measured += text))
  // A program may end without reading its input.
  child.stdin?.on('error', () => undefined).end(stdin)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    const [ms = 0, user = 0, system = 0] = measured.split(' ').map((seconds) => Number(seconds) * 1000)
    const maxRss = memory?.()
    return {
      ms,
      cpuMs: user + system,
      code,
      output: output.trim(),
      ...(maxRss !== undefined && { maxRss }),
    }
  } finally {
    clearTimeout(tooLong)
    memory?.()
  }
}

/** Polls, because the memory of a process disappears with it. Returns the last value. */
function watchMemory({ pid = 0 }: ChildProcess): () => number | undefined {
  let latest: number | undefined
  const timer = setInterval(() => (latest = peakMemoryOfChild(pid) ?? latest), readMemoryEveryMs)
  return () => {
    clearInterval(timer)
    return latest
  }
}

/** From /proc (proc_pid_task(5), proc_pid_status(5)). */
function peakMemoryOfChild(pid: number): number | undefined {
  try {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child}/status`, 'latin1'))?.[1]
    return peak === undefined ? undefined : Number(peak) * 1024
  } catch {
    return undefined
  }
}
