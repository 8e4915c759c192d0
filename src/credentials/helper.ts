import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Call } from '../call.ts'
import { type Clock, systemClock } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { type Credential, credentialOf } from './credential.ts'

const maxOutputBytes = 64 * 1024
const defaultHelperLimitMs = 30_000
/** How the protocol says that there is nothing for this server (docker-credential-helpers, credentials/error.go). */
const notFoundMessage = 'credentials not found in native keychain'

export interface HelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
  /** milliseconds */
  readonly limitMs?: number
}

/**
 * Asks `docker-credential-NAME get` for the credentials of a server; undefined where it says that it has none. Whatever else goes wrong is an error: going
 * on without credentials could succeed in a way that nobody meant. What the helper printed is in no error, for it may hold the secret.
 * @throws `config`, `timeout`, the reason of the signal.
 */
export async function askHelper(
  name: string,
  server: string,
  options: HelperOptions,
  call: Call,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`
  const { status, output } = await run(program, server, options, call)
  const text = output.toString('utf8')
  if (status === 0) return parseAnswer(text, program, server)
  if (text.trim() === notFoundMessage) return undefined
  throw failed(program, server, `it ended with status ${status ?? 'unknown'}`)
}

interface Ran {
  /** null where a signal ended it */
  readonly status: number | null
  readonly output: Buffer
}

async function run(program: string, server: string, options: HelperOptions, call: Call): Promise<Ran> {
  const { spawn } = await import('node:child_process')
  call.signal.throwIfAborted()
  // no shell: neither the name nor the server is anybody's syntax
  const child = spawn(program, ['get'], { env: { ...options.env }, shell: false, windowsHide: true })
  const over = new AbortController()
  const limitMs = options.limitMs ?? defaultHelperLimitMs
  try {
    return await Promise.race([
      finished(child, program, server),
      tooLate(
        program,
        server,
        limitMs,
        options.clock ?? systemClock,
        AbortSignal.any([over.signal, call.signal]),
      ),
    ])
  } finally {
    over.abort()
    // a helper that left children behind may keep its pipes open
    child.stdout.destroy()
    child.stdin.destroy()
    child.stderr.destroy()
    child.kill('SIGKILL')
  }
}

/** @throws the signal's reason where that comes first: an abort of the call, or the end of the race. */
async function tooLate(
  program: string,
  server: string,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<never> {
  await clock.sleep(limitMs, signal)
  throw new DrayError('timeout', `the credential helper ${program} did not answer for ${server}`, {
    subject: program,
    why: `it was stopped after ${limitMs / 1000} s`,
    hint: tryItHint(program, server),
  })
}

function finished(child: ChildProcessWithoutNullStreams, program: string, server: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.byteLength
      if (length > maxOutputBytes)
        reject(failed(program, server, `it printed more than ${maxOutputBytes} bytes`))
      else chunks.push(chunk)
    })
    // drained, and not looked at: people print what they like there
    child.stderr.resume()
    // it may end without reading the server's name
    child.stdin.on('error', () => undefined)
    child.on('error', (cause: NodeJS.ErrnoException) => reject(notStarted(program, server, cause)))
    child.on('close', (status) => resolve({ status, output: Buffer.concat(chunks, length) }))
    child.stdin.end(`${server}\n`)
  })
}

function parseAnswer(text: string, program: string, server: string): Credential {
  const { Username: username, Secret: secret } = parseObject(text)
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '')
    throw failed(
      program,
      server,
      'its answer is not the JSON object with Username and Secret of the protocol',
    )
  return credentialOf(username, secret)
}

/** An empty object for anything else: the parser's words would quote the text. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function notStarted(program: string, server: string, cause: NodeJS.ErrnoException): DrayError {
  if (cause.code !== 'ENOENT')
    return failed(program, server, `it cannot be started (${cause.code ?? 'unknown'})`)
  return new DrayError('config', `the credential helper ${program} was not found`, {
    subject: program,
    why: `docker's configuration names it for ${server}, and no folder of PATH has it`,
    hint: 'Install it, or take it out of the configuration.',
  })
}

function failed(program: string, server: string, why: string): DrayError {
  return new DrayError('config', `the credential helper ${program} failed for ${server}`, {
    subject: program,
    why,
    hint: tryItHint(program, server),
  })
}

function tryItHint(program: string, server: string): string {
  return `See what it says with: echo ${server} | ${program} get`
}
