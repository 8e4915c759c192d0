import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Call } from '../../lib/call.ts'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { startProcess } from '../../lib/start-process.ts'
import { isRecord } from '../../oci/json.ts'
import { type FoundImages, type FoundImage, mergeImages, noImages } from '../references/found-images.ts'
import { JsonListReader } from '../inuse/json-list.ts'
import { findReferences } from '../references/references-in.ts'

const defaultLimitMs = 60_000
const defaultMaxBytes = 256 * 1024 * 1024
const maxStderrBytes = 16 * 1024
const maxStderrLines = 5

/**
 * Everything that runs containers or may run them again: a rollback uses ReplicaSets and
 * ControllerRevisions.
 */
const resources = [
  'pods',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'controllerrevisions.apps',
  'jobs.batch',
  'cronjobs.batch',
  'replicationcontrollers',
]

export interface KubectlPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** milliseconds for one cluster */
  readonly limitMs?: number
  /** of one answer */
  readonly maxBytes?: number
}

/**
 * Lists what a cluster runs, with the `kubectl` on the PATH and the permissions of its context. The
 * output is parsed while it arrives.
 * @throws `config` for an unknown context or without kubectl; `refused` if it fails or answers
 * without an object; `malformed` for output that is not a list of objects, or too large;
 * `timeout`; the signal's reason.
 */
export async function queryCluster(context: string, ports: KubectlPorts, call: Call): Promise<FoundImages> {
  checkContext(context)
  const limitMs = ports.limitMs ?? defaultLimitMs
  const limit = { ms: limitMs, clock: ports.clock, reason: () => tooLate(context, limitMs) }
  return await withTimeLimit(limit, call.signal, (signal) => run(context, ports, signal))
}

async function run(context: string, ports: KubectlPorts, signal: AbortSignal): Promise<FoundImages> {
  const { spawn } = await import('node:child_process')
  signal.throwIfAborted()
  // Without a shell, the context cannot inject commands. The process group includes plugins.
  const start = (): Child =>
    spawn('kubectl', argumentsFor(context), {
      env: { ...ports.env },
      shell: false,
      windowsHide: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const child = await startKubectl(context, start)
  let isOver = false
  child.on('close', () => {
    isOver = true
  })
  const abort = new AbortController()
  try {
    return await Promise.race([
      answerOf(child, context, ports.maxBytes ?? defaultMaxBytes),
      rejectionOf(signal, abort.signal),
    ])
  } finally {
    abort.abort()
    child.stdout.destroy()
    child.stderr.destroy()
    if (!isOver) killGroup(child)
  }
}

async function startKubectl(context: string, start: () => Child): Promise<Child> {
  try {
    return await startProcess('kubectl', start)
  } catch (cause) {
    throw isDrayError(cause) ? cause : notStarted(context, cause as NodeJS.ErrnoException)
  }
}

function argumentsFor(context: string): readonly string[] {
  return ['--context', context, 'get', resources.join(','), '--all-namespaces', '-o', 'json']
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** The output counts only if kubectl succeeds: if a part fails, it prints the rest. */
async function answerOf(child: Child, context: string, maxBytes: number): Promise<FoundImages> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const answer = new Answer(context)
  const [status, stderr] = await Promise.all([
    ended,
    tailOf(child.stderr),
    answer.read(child.stdout, maxBytes),
  ])
  if (status !== 0) throw failed(context, status, stderr)
  return answer.findings()
}

/**
 * The output of a cluster. A mistake in it is reported at the end, because a failure of kubectl
 * says more.
 */
class Answer {
  readonly #name: string
  readonly #reader: JsonListReader
  /** by text; many pods use the same image */
  readonly #found = new Map<string, FoundImage>()
  readonly #others: FoundImages[] = []
  #objects = 0
  #mistake: DrayError | undefined

  constructor(context: string) {
    this.#name = clusterName(context)
    this.#reader = new JsonListReader(this.#name)
  }

  async read(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      if (bytes > maxBytes)
        throw new DrayError('malformed', `the answer of ${this.#name} is larger than ${maxBytes} bytes`, {
          subject: this.#name,
          hint: 'Pass a list of the images in use instead: --in-use FILE',
        })
      if (this.#mistake !== undefined) continue
      try {
        for (const item of this.#reader.push(chunk)) this.#take(item)
      } catch (error) {
        if (!isDrayError(error)) throw error
        this.#mistake = error
      }
    }
  }

  /** @throws `malformed`; `refused` if there is no object. */
  findings(): FoundImages {
    if (this.#mistake !== undefined) throw this.#mistake
    const { metadata } = this.#reader.end()
    const next = isRecord(metadata) ? metadata['continue'] : undefined
    if (typeof next === 'string' && next !== '')
      throw new DrayError('malformed', `the answer of ${this.#name} is incomplete`, { subject: this.#name })
    if (this.#objects === 0) throw noObjects(this.#name)
    return mergeImages([{ ...noImages, found: [...this.#found.values()] }, ...this.#others])
  }

  #take(item: unknown): void {
    const kind = isRecord(item) ? item['kind'] : undefined
    if (!isRecord(item) || typeof kind !== 'string')
      throw new DrayError('malformed', `the answer of ${this.#name} is not a Kubernetes object`, {
        subject: this.#name,
      })
    this.#objects += 1
    const { found, ...others } = findReferences(item, `${this.#name}: ${kind} ${nameOf(item)}`)
    for (const one of found) if (!this.#found.has(one.text)) this.#found.set(one.text, one)
    if (others.unknown.length + others.renamings.length > 0) this.#others.push({ ...others, found: [] })
  }
}

/** `shop/api` */
function nameOf({ metadata }: Readonly<Record<string, unknown>>): string {
  const { namespace, name } = isRecord(metadata) ? metadata : {}
  return [namespace, name].filter((one) => typeof one === 'string').join('/')
}

/** The name of a cluster as a source. */
export function clusterName(context: string): string {
  return `cluster ${context}`
}

/** Rejects with the reason of `signal`, until `over`. */
function rejectionOf(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is the caller's reason
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over })
  })
}

/** Reads a stream and returns its last bytes. */
async function tailOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let tail = Buffer.alloc(0)
  for await (const chunk of stream) tail = Buffer.concat([tail, chunk]).subarray(-maxStderrBytes)
  return tail.toString('utf8')
}

function killGroup(child: Child): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The process has ended, or the system has no groups.
    child.kill('SIGKILL')
  }
}

function checkContext(context: string): void {
  if (context !== '' && !context.startsWith('-') && !/\p{Cc}/u.test(context)) return
  throw new DrayError('config', `${JSON.stringify(context)} is not the name of a context of kubectl`, {
    hint: 'List the contexts: kubectl config get-contexts --output name',
  })
}

function notStarted(context: string, cause: NodeJS.ErrnoException): DrayError {
  const isMissing = cause.code === 'ENOENT'
  return new DrayError('config', isMissing ? 'kubectl is not installed' : 'cannot start kubectl', {
    subject: 'kubectl',
    why: isMissing
      ? `dray needs it to list the images in use in ${clusterName(context)}, and it is not in PATH`
      : cause.message,
    hint: 'Install kubectl, or pass a list of the images in use: --in-use FILE',
    cause,
  })
}

function failed(context: string, status: number | null, stderr: string): DrayError {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const message = lines.slice(-maxStderrLines).join('\n')
  return new DrayError('unavailable', `kubectl cannot list the workloads of ${clusterName(context)}`, {
    subject: clusterName(context),
    why: message === '' ? `it ended with ${status === null ? 'a signal' : `status ${status}`}` : message,
    hint: 'Give this user the permission to list all workloads in all namespaces. dray deletes nothing while the images in use are unknown.',
  })
}

function tooLate(context: string, limitMs: number): DrayError {
  return new DrayError('timeout', `kubectl did not list the workloads of ${clusterName(context)}`, {
    subject: clusterName(context),
    why: `it was stopped after ${limitMs / 1000} s`,
  })
}

function noObjects(name: string): DrayError {
  return new DrayError('refused', `${name} has no workloads`, {
    subject: name,
    why: 'its answer has no objects: it may be the wrong cluster, or the user has no permission to list them',
    hint: 'Check the context, or remove it. dray deletes nothing while the images in use are unknown.',
  })
}
