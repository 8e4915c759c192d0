import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Call } from '../call.ts'
import { type Clock, withTimeLimit } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { checkNotEmpty, ImageCollection, type NamedImages } from './gather-images.ts'
import { maxObjectBytes, objectName, ObjectReader } from './kubernetes-json.ts'

/** All kinds that run pods; ReplicaSets of earlier revisions too, so that a rollback finds its image. */
const kinds = [
  'pods',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'replicationcontrollers',
]
const limitMs = 60_000
/** Of what it says on its standard error, the end. */
const maxSaidBytes = 4096
const maxSaidLines = 5

export interface KubectlOptions {
  /** `PATH` is where kubectl is found, `KUBECONFIG` what it reads */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

/**
 * Asks a cluster for everything that runs, by kubectl and with its credentials, in all namespaces.
 * @param context of the kubeconfig
 * @throws `config` where kubectl or a proper name of a context is missing; `unavailable` where it fails; `timeout` after 60 s; `malformed` for an answer that is not
 * its JSON; `refused` for an answer without an object, without an image, or larger than 256 MiB. The reason of the signal.
 */
export async function askKubectl(context: string, options: KubectlOptions, call: Call): Promise<NamedImages> {
  const name = `kubectl ${context}`
  checkContext(context)
  const collection = new ImageCollection()
  const reader = new ObjectReader(collection, `the answer of ${name}`, (value) =>
    [name, objectName(value) ?? 'an object'].join(': '),
  )
  await run(context, reader, options, call)
  const { objects } = reader.end()
  if (objects === 0) throw noObjects(context)
  const named = { name, images: collection.images() }
  checkNotEmpty(named)
  return named
}

async function run(
  context: string,
  reader: ObjectReader,
  options: KubectlOptions,
  call: Call,
): Promise<void> {
  const { spawn } = await import('node:child_process')
  call.signal.throwIfAborted()
  const args = ['--context', context, 'get', kinds.join(','), '--all-namespaces', '-o', 'json']
  // no shell: the context is nobody's syntax. A group of its own: what it starts to log in ends with it
  const child = spawn('kubectl', args, {
    env: { ...options.env },
    shell: false,
    windowsHide: true,
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const limit = { ms: limitMs, clock: options.clock, reason: () => tooLate(context) }
  try {
    await withTimeLimit(limit, call.signal, (signal) => finished(child, context, reader, signal))
  } finally {
    child.stdout.destroy()
    child.stderr.destroy()
    killGroup(child)
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Resolves when it has ended well and all that it printed was read. */
function finished(child: Child, context: string, reader: ObjectReader, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let length = 0
    let said = Buffer.alloc(0)
    // an answer that cannot be read is told of at the end only: if kubectl failed, its own words say more
    let unread: { readonly reason: unknown } | undefined
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's, passed on as it is
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.byteLength
      if (length > maxObjectBytes) reject(tooLarge(context))
      else if (unread === undefined) unread = attempt(() => reader.push(chunk))
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said = Buffer.concat([said, chunk]).subarray(-maxSaidBytes)
    })
    child.on('error', (cause: NodeJS.ErrnoException) => reject(notStarted(context, cause)))
    child.on('close', (status, endedBy) => {
      signal.removeEventListener('abort', abort)
      if (status !== 0) reject(failed(context, said.toString('utf8'), status ?? endedBy))
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an error that was caught
      else if (unread !== undefined) reject(unread.reason)
      else resolve()
    })
    if (signal.aborted) abort()
  })
}

function attempt(work: () => void): { readonly reason: unknown } | undefined {
  try {
    work()
    return undefined
  } catch (reason) {
    return { reason }
  }
}

/** Once it has ended there is no group, and nothing to do. */
function killGroup(child: Child): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && (cause.code === 'ESRCH' || cause.code === 'EPERM')))
      throw cause
  }
}

/** A name that begins with "-" would be an option to kubectl. @throws `config`. */
function checkContext(context: string): void {
  // oxlint-disable-next-line eslint/no-control-regex -- that is what is looked for
  if (context !== '' && !context.startsWith('-') && !/[\0-\u{1f}\u{7f}]/u.test(context)) return
  throw new DrayError('config', `${JSON.stringify(context.slice(0, 100))} is not the name of a context`, {
    hint: 'See them with: kubectl config get-contexts -o name',
  })
}

function notStarted(context: string, cause: NodeJS.ErrnoException): DrayError {
  const isMissing = cause.code === 'ENOENT'
  return new DrayError('config', isMissing ? 'kubectl was not found' : 'kubectl cannot be started', {
    subject: 'kubectl',
    why: isMissing
      ? `the policy asks the context ${context} what runs, and no folder of PATH has kubectl`
      : (cause.code ?? cause.message),
    hint: 'Install it, or give what runs as a list: `dray prune --in-use FILE`.',
    cause,
  })
}

function failed(context: string, said: string, how: number | string | null): DrayError {
  const lines = said.split(/\r?\n/).filter((line) => line.trim() !== '')
  return new DrayError('unavailable', `kubectl failed for the context ${context}`, {
    subject: context,
    why: lines.length === 0 ? `it ended with ${how ?? 'no status'}` : lines.slice(-maxSaidLines).join('\n'),
    hint: tryItHint(context),
  })
}

function tooLate(context: string): DrayError {
  return new DrayError('timeout', `kubectl did not answer for the context ${context}`, {
    subject: context,
    why: `it was stopped after ${limitMs / 1000} s`,
    hint: tryItHint(context),
  })
}

function tooLarge(context: string): DrayError {
  return new DrayError(
    'refused',
    `kubectl printed more than ${maxObjectBytes} bytes for the context ${context}`,
    {
      subject: context,
      hint: 'Give what runs as a list: `dray prune --in-use FILE`.',
    },
  )
}

function noObjects(context: string): DrayError {
  return new DrayError('refused', `nothing runs in the context ${context}`, {
    subject: context,
    why: 'kubectl answered no object of any kind, which is more likely a wrong context than an empty cluster',
    hint: tryItHint(context),
  })
}

function tryItHint(context: string): string {
  return `See what it says with: kubectl --context '${context.replaceAll("'", String.raw`'\''`)}' get pods --all-namespaces`
}
