import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { exitCodes } from '../command/exit-codes.ts'

type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGBREAK' | 'SIGHUP'

/** The source of signals: the process, or a test. */
interface SignalSource {
  on(name: SignalName, listener: () => void): unknown
  off(name: SignalName, listener: () => void): unknown
}

/**
 * The signals that end a run. Windows has no SIGTERM. It sends SIGBREAK for Ctrl-Break, and SIGHUP
 * when the console closes, 10 s before it ends the process.
 */
function signalsOf(platform: NodeJS.Platform): readonly SignalName[] {
  return platform === 'win32' ? ['SIGINT', 'SIGBREAK', 'SIGHUP'] : ['SIGINT', 'SIGTERM']
}

export interface InterruptOptions {
  readonly source: SignalSource
  readonly clock: Clock
  /**
   * whether the command can finish the current step; otherwise the first signal ends it like the
   * second
   */
  readonly graceful: boolean
  /** milliseconds until the run ends with `timeout` */
  readonly timeoutMs?: number
  readonly platform?: NodeJS.Platform
  readonly say: (text: string) => void
  /** ends the process at once */
  readonly leave: () => void
}

/** The two ways to end a run. */
export interface Interrupt {
  /** start no further step: the first signal */
  readonly stop: AbortSignal
  /** stop at once: the second signal, `--timeout`, or the first if the command is not graceful */
  readonly signal: AbortSignal
  /** Stops listening. */
  dispose(): void
}

/** Listens for the signals that end a run, by a `DrayError`, `interrupted` or `timeout`. */
export function watchInterrupts(options: InterruptOptions): Interrupt {
  const { source, clock, graceful, timeoutMs, say, leave, platform = process.platform } = options
  const names = signalsOf(platform)
  const stop = new AbortController()
  const hard = new AbortController()
  const timer = new AbortController()
  let signals = 0

  const onSignal = (): void => {
    signals += 1
    if (signals > 1) {
      hard.abort(interrupted())
      leave()
      return
    }
    stop.abort(interrupted())
    if (graceful) say('Stopping after the current step. Press Ctrl-C again to exit at once.')
    else hard.abort(stop.signal.reason)
  }
  const onTimeout = (ms: number): void => {
    const reason = new DrayError('timeout', `the time limit of ${ms / 1000} s was reached`, {
      hint: 'Run the command again to continue; dray skips completed steps. To allow more time, pass a longer --timeout.',
    })
    stop.abort(reason)
    hard.abort(reason)
  }

  for (const name of names) source.on(name, onSignal)
  if (timeoutMs !== undefined) {
    clock.sleep(timeoutMs, timer.signal).then(
      () => onTimeout(timeoutMs),
      () => undefined, // the run ended before
    )
  }
  return {
    stop: stop.signal,
    signal: hard.signal,
    dispose: () => {
      for (const name of names) source.off(name, onSignal)
      timer.abort()
    },
  }
}

/**
 * Ends this process at once. `process.exit` alone waits for the system calls of Node's thread pool,
 * and one of them may never return, such as a read from a file system that hangs. So the process
 * ends by SIGINT, for which a shell reports the same code (128 + 2).
 */
export function endProcess(): never {
  for (const name of signalsOf(process.platform)) process.removeAllListeners(name)
  // Windows has no signals, and Linux protects the first process of a container from its own.
  if (process.platform !== 'win32') process.kill(process.pid, 'SIGINT')
  process.exit(exitCodes.interrupted)
}

function interrupted(): DrayError {
  return new DrayError('interrupted', 'interrupted', {
    hint: 'Run the command again to continue; dray skips completed steps.',
  })
}
