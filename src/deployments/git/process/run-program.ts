import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { type Clock, withTimeLimit } from '../../../lib/clock.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { systemCode, explainFailure } from '../../../lib/files/io-error.ts'
import { abortRejection } from '../../../lib/processes/abort-rejection.ts'
import { signalGroup } from '../../../lib/processes/signal-group.ts'
import { startProcess } from '../../../lib/processes/start-process.ts'
import { redactUrls } from './redact-urls.ts'

const defaultMaxBytes = 64 * 1024 * 1024
const maxErrorBytes = 16 * 1024
const maxErrorLines = 12
/** Milliseconds between SIGTERM, after which git removes its lock files, and SIGKILL. */
const graceMs = 2000
/** Milliseconds that a child of the program may hold its output after it has ended. */
const outputGraceMs = 1000

export interface ProgramCall {
  readonly program: string
  readonly args: readonly string[]
  /** absolute; it exists */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly input?: string | Uint8Array
  /** milliseconds */
  readonly limitMs: number
  /** of the output */
  readonly maxBytes?: number | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface ProgramResult {
  /** null if a signal ended it */
  readonly status: number | null
  readonly stdout: Buffer
  /** the last lines, without credentials in URLs; unescaped */
  readonly stderr: string
}

type GitChild = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Runs a program from PATH without a shell, in a process group of its own: Ctrl-C ends the step in
 * progress only if dray ends it.
 * @throws `not-found` if the program is not in PATH; `io` if it cannot be started; `malformed` for
 * too much output; `timeout`; the signal's reason.
 */
export async function runProgram(call: ProgramCall): Promise<ProgramResult> {
  const { program, limitMs, clock } = call
  const reason = (): DrayError =>
    new DrayError('timeout', `${program} did not end`, {
      subject: program,
      why: `it was stopped after ${limitMs / 1000} s`,
    })
  return await withTimeLimit({ ms: limitMs, clock, reason }, call.signal, (signal) => run(call, signal))
}

async function run(call: ProgramCall, signal: AbortSignal): Promise<ProgramResult> {
  const { spawn } = await import('node:child_process')
  signal.throwIfAborted()
  const { program, args, folder: cwd, env } = call
  const child = await startedProgram(call, () =>
    spawn(program, args, {
      cwd,
      env: { ...env },
      shell: false,
      windowsHide: true,
      detached: process.platform !== 'win32',
      stdio: ['pipe', 'pipe', 'pipe'],
    }),
  )
  const over = new AbortController()
  try {
    const ended = Promise.all([
      statusOf(child, call.clock),
      outputOf(child.stdout, program, call.maxBytes ?? defaultMaxBytes),
      tailOf(child.stderr),
    ])
    writeInput(child.stdin, call.input)
    const [status, stdout, stderr] = await Promise.race([ended, abortRejection(signal, over.signal)])
    return { status, stdout, stderr: lastLines(stderr) }
  } catch (error) {
    await endGroup(child, call.clock)
    throw error
  } finally {
    over.abort()
    child.stdin.destroy()
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

async function startedProgram({ program, folder }: ProgramCall, start: () => GitChild): Promise<GitChild> {
  try {
    return await startProcess(program, start)
  } catch (cause) {
    if (isDrayError(cause)) throw cause
    if (systemCode(cause) === 'ENOENT')
      throw new DrayError('not-found', `${program} is not installed`, {
        subject: program,
        why: 'it is not in PATH',
        cause,
      })
    const context = { subject: folder, why: explainFailure(cause), cause }
    throw new DrayError('io', `cannot start ${program} in ${folder}`, context)
  }
}

/** A child in the background, such as `git gc --auto`, may keep the output open. */
function statusOf(child: GitChild, clock: Clock): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const closed = new AbortController()
    child.on('error', reject)
    child.on('exit', () => {
      clock.sleep(outputGraceMs, closed.signal).then(
        () => {
          child.stdout.destroy()
          child.stderr.destroy()
        },
        () => undefined, // the output has ended
      )
    })
    child.on('close', (status) => {
      closed.abort('closed')
      resolve(status)
    })
  })
}

async function outputOf(stream: Readable, program: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  await readTo(stream, (chunk) => {
    length += chunk.byteLength
    if (length > maxBytes)
      throw new DrayError('malformed', `${program} printed more than ${maxBytes} bytes`, {
        subject: program,
      })
    chunks.push(chunk)
  })
  return Buffer.concat(chunks, length)
}

async function tailOf(stream: Readable): Promise<string> {
  let tail = Buffer.alloc(0)
  await readTo(stream, (chunk) => {
    tail = Buffer.concat([tail, chunk]).subarray(-maxErrorBytes)
  })
  return tail.toString('utf8')
}

/** Resolves when the stream ends or is destroyed. */
function readTo(stream: Readable, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      try {
        take(chunk)
      } catch (error) {
        reject(error)
      }
    })
    stream.on('error', reject)
    stream.on('close', resolve)
  })
}

/** The program may end without reading its input. */
function writeInput(stdin: Writable, input: ProgramCall['input']): void {
  stdin.on('error', () => undefined)
  stdin.end(input ?? '')
}

/** Ends the program and its children, and waits until it has ended. */
async function endGroup(child: GitChild, clock: Clock): Promise<void> {
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  if (!isOver()) {
    const ended = new AbortController()
    const exit = once(child, 'exit')
    signalGroup(child, 'SIGTERM')
    clock.sleep(graceMs, ended.signal).then(
      () => signalGroup(child, 'SIGKILL'),
      () => undefined, // it has ended
    )
    await exit
    ended.abort('ended')
  }
  signalGroup(child, 'SIGKILL')
}

function lastLines(text: string): string {
  const lines = redactUrls(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
  return lines.slice(-maxErrorLines).join('\n')
}
