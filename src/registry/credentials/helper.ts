import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { startProcess } from '../../lib/processes/start-process.ts'
import { isRecord } from '../../oci/json.ts'
import { type Credential, credentialOf, helperPair } from '../credential.ts'
import { parseKey } from './registry-keys.ts'

const maxOutputBytes = 64 * 1024
const defaultHelperLimitMs = 30_000
/**
 * Milliseconds to wait for the rest of the output after the exit: a child of the helper may hold
 * the pipe.
 */
const graceMs = 500
/**
 * The message of a helper without credentials for a server (docker-credential-helpers,
 * credentials/error.go).
 */
const notFoundMessage = 'credentials not found in native keychain'

export interface HelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
  /** milliseconds */
  readonly limitMs?: number
}

/** `docker-credential-NAME`, for one server. */
export interface Helper {
  readonly name: string
  /** as docker names it: `index.docker.io/v1/` for Docker Hub */
  readonly server: string
}

/**
 * Asks `docker-credential-NAME get` for the credentials of a server; undefined if the helper says
 * that it has none. Any other failure is an error: to continue without credentials could succeed in
 * an unintended way. No error quotes the output, because it may contain the secret.
 * @throws `config`, `timeout`, the signal's reason.
 */
export async function askHelper(
  helper: Helper,
  options: HelperOptions,
  call: Call,
): Promise<Credential | undefined> {
  const { status, output } = await run(helper, 'get', helper.server, options, call)
  const text = output.toString('utf8')
  if (status === 0) return parseAnswer(text, helper)
  if (text.trim() === notFoundMessage) return undefined
  throw failed(helper, endedWith(status))
}

/** Stores credentials with a helper. @throws as `askHelper`. */
export async function storeWithHelper(
  helper: Helper,
  credential: Credential,
  options: HelperOptions,
  call: Call,
): Promise<void> {
  const { username, secret } = helperPair(credential)
  const input = JSON.stringify({ ServerURL: helper.server, Username: username, Secret: secret })
  const { status } = await run(helper, 'store', input, options, call)
  if (status !== 0) throw failed(helper, endedWith(status))
}

/**
 * Erases credentials from a helper. False if the helper says that it has none. @throws as
 * `askHelper`.
 */
export async function eraseWithHelper(helper: Helper, options: HelperOptions, call: Call): Promise<boolean> {
  // Most helpers print nothing if they have nothing to erase.
  if ((await askHelper(helper, options, call)) === undefined) return false
  const { status, output } = await run(helper, 'erase', helper.server, options, call)
  if (status === 0) return true
  if (output.toString('utf8').trim() === notFoundMessage) return false
  throw failed(helper, endedWith(status))
}

interface HelperResult {
  /** null if a signal ended it */
  readonly status: number | null
  readonly output: Buffer
}

async function run(
  helper: Helper,
  action: 'get' | 'store' | 'erase',
  input: string,
  options: HelperOptions,
  call: Call,
): Promise<HelperResult> {
  const { spawn } = await import('node:child_process')
  call.signal.throwIfAborted()
  // Without a shell, neither the name nor the server is syntax.
  const start = (): ChildProcessWithoutNullStreams =>
    spawn(programOf(helper), [action], { env: { ...options.env }, shell: false, windowsHide: true })
  const child = await startHelper(helper, start)
  const over = new AbortController()
  const limitMs = options.limitMs ?? defaultHelperLimitMs
  const signal = AbortSignal.any([over.signal, call.signal])
  const clock = options.clock ?? systemClock
  try {
    return await Promise.race([
      waitForExit(child, helper, input, () => clock.sleep(graceMs, signal)),
      failAfterLimit(helper, limitMs, clock, signal),
    ])
  } finally {
    over.abort('over')
    // Children of the helper may keep its pipes open.
    child.stdout.destroy()
    child.stdin.destroy()
    child.stderr.destroy()
    child.kill('SIGKILL')
  }
}

async function startHelper(
  helper: Helper,
  start: () => ChildProcessWithoutNullStreams,
): Promise<ChildProcessWithoutNullStreams> {
  try {
    return await startProcess(programOf(helper), start)
  } catch (cause) {
    throw isDrayError(cause) ? cause : notStarted(helper, cause as NodeJS.ErrnoException)
  }
}

/** @throws the signal's reason if the call is aborted or the helper has ended. */
async function failAfterLimit(
  helper: Helper,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<never> {
  await clock.sleep(limitMs, signal)
  const program = programOf(helper)
  throw new DrayError('timeout', `the credential helper ${program} did not answer for ${helper.server}`, {
    subject: program,
    why: `it was stopped after ${limitMs / 1000} s`,
    hint: tryItHint(helper),
  })
}

function waitForExit(
  child: ChildProcessWithoutNullStreams,
  helper: Helper,
  input: string,
  grace: () => Promise<void>,
): Promise<HelperResult> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.byteLength
      if (length > maxOutputBytes) reject(failed(helper, `it printed more than ${maxOutputBytes} bytes`))
      else chunks.push(chunk)
    })
    // Drained and ignored.
    child.stderr.resume()
    // The helper may exit without reading its input.
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    const end = (status: number | null): void => resolve({ status, output: Buffer.concat(chunks, length) })
    child.on('close', end)
    child.on('exit', (status) => {
      grace().then(
        () => end(status),
        () => undefined, // it is over already
      )
    })
    child.stdin.end(`${input}\n`)
  })
}

/**
 * Undefined if the answer is `{}` or has an empty user and secret; or if it is for a URL that is
 * no registry: some helpers compare hosts only and find docker's tokens.
 */
function parseAnswer(text: string, helper: Helper): Credential | undefined {
  if (text.trim() === '{}') return undefined
  const { ServerURL: server, Username: username, Secret: secret } = parseObject(text)
  if (username === '' && secret === '') return undefined
  if (typeof server === 'string' && server.includes('://') && parseKey(server).key === undefined)
    return undefined
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '')
    throw failed(helper, 'its answer is not the JSON object with Username and Secret of the protocol')
  return credentialOf(username, secret)
}

/** Returns an empty object for anything else. The message of the parser would quote the text. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

function programOf({ name }: Helper): string {
  return `docker-credential-${name}`
}

function endedWith(status: number | null): string {
  return `it ended with status ${status ?? 'unknown'}`
}

function notStarted(helper: Helper, cause: NodeJS.ErrnoException): DrayError {
  if (cause.code !== 'ENOENT') return failed(helper, `it cannot be started (${cause.code ?? 'unknown'})`)
  const program = programOf(helper)
  return new DrayError('config', `the credential helper ${program} was not found`, {
    subject: program,
    why: `the configuration of docker or podman names it for ${helper.server}, and it is not in PATH`,
    hint: 'Install it, or remove it from the configuration.',
  })
}

function failed(helper: Helper, why: string): DrayError {
  const program = programOf(helper)
  return new DrayError('config', `the credential helper ${program} failed for ${helper.server}`, {
    subject: program,
    why,
    hint: tryItHint(helper),
  })
}

function tryItHint(helper: Helper): string {
  return `Run it to see its message: echo ${helper.server} | ${programOf(helper)} get`
}
