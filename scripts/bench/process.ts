import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** A program with its arguments. */
export interface Invocation {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

interface Usage {
  /** user and system, in seconds, to a hundredth */
  readonly cpuSeconds: number
  /** peak memory in bytes */
  readonly maxRss: number
}

export interface Ended {
  /** from its start to the end of its output */
  readonly ms: number
  readonly code: number | null
  /** the end of its output */
  readonly output: string
  /** if it was requested and the system provides it (Linux) */
  readonly usage?: Usage
}

/** Far longer than the slowest run. A program that takes this long is stuck. */
const longestMs = 180_000
const watchEveryMs = 10
const mostOutput = 2000
/** `getconf CLK_TCK` of every Linux that Node supports */
const ticksPerSecond = 100

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process that ends with this one at the latest. */
export function start(invocation: Invocation, stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  const { command, args, env, cwd } = invocation
  const child = spawn(command, args, {
    stdio: [stdin, 'pipe', 'pipe'],
    ...(env !== undefined && { env }),
    ...(cwd !== undefined && { cwd }),
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Runs a program to its end. */
export async function run(invocation: Invocation, watch = false): Promise<Ended> {
  const began = performance.now()
  const child = start(invocation)
  const usage = watch ? watchUsage(child) : undefined
  const tooLong = setTimeout(() => child.kill('SIGKILL'), longestMs)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = `${output}${text}`.slice(-mostOutput)))
  }
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    const ms = performance.now() - began
    const used = usage?.()
    return { ms, code, output: output.trim(), ...(used !== undefined && { usage: used }) }
  } finally {
    clearTimeout(tooLong)
    usage?.()
  }
}

/** Polls, because the usage of a process disappears with it. Returns the last values. */
function watchUsage(child: ChildProcess): () => Usage | undefined {
  let latest: Usage | undefined
  const update = (): void => {
    latest = child.pid === undefined ? latest : (usageOf(child.pid) ?? latest)
  }
  const timer = setInterval(update, watchEveryMs)
  return () => {
    clearInterval(timer)
    return latest
  }
}

/** From /proc (proc_pid_stat(5), proc_pid_status(5)). */
function usageOf(pid: number): Usage | undefined {
  try {
    // The name in parentheses may contain spaces. The fields that are needed follow it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    const [utime, stime] = [Number(fields[11]), Number(fields[12])]
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    if (peak === undefined || Number.isNaN(utime + stime)) return undefined
    return { cpuSeconds: (utime + stime) / ticksPerSecond, maxRss: Number(peak) * 1024 }
  } catch {
    return undefined
  }
}
