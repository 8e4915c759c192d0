import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Call } from '../../lib/call.ts'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { abortRejection } from '../../lib/processes/abort-rejection.ts'
import { signalGroup } from '../../lib/processes/signal-group.ts'
import { startProcess } from '../../lib/processes/start-process.ts'
import { isRecord } from '../../oci/json.ts'
import { JsonListReader } from '../inuse/json-list.ts'

const defaultLimitMs = 60_000
const defaultMaxBytes = 256 * 1024 * 1024
const maxStderrBytes = 16 * 1024
const maxStderrLines = 5

export interface KubectlPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** milliseconds for one cluster */
  readonly limitMs?: number
  /** of one answer */
  readonly maxBytes?: number
}

/** Objects of a cluster that are read one after another. */
export interface ClusterQuery {
  readonly context: string
  /** such as `pods` or `deployments.apps` */
  readonly resources: readonly string[]
  /** a field selector */
  readonly selector?: string
  /** the limit of the answer if the ports have none */
  readonly maxBytes?: number
  /** milliseconds, if the ports have no limit */
  readonly limitMs?: number
  readonly take: (object: Readonly<Record<string, unknown>>, kind: string) => void
  /** the hints of errors */
  readonly hints: {
    /** kubectl is not installed */
    readonly missing: string
    /** kubectl fails */
    readonly failed: string
    /** the cluster has no such object */
    readonly empty: string
    /** the answer is too large */
    readonly large: string
  }
}

/**
 * Reads the objects of all namespaces of a cluster, with the `kubectl` on the PATH and the
 * permissions of its context. Writes nothing. The output is parsed while it arrives: it needs the
 * memory of one object.
 * @throws `config` for an unknown context or without kubectl; `refused` if it answers without an
 * object; `unavailable` if it fails; `malformed` for output that is not a list of objects, or too
 * large; `timeout`; the signal's reason.
 */
export async function readObjects(query: ClusterQuery, ports: KubectlPorts, call: Call): Promise<void> {
  const { context } = query
  checkContext(context)
  const limitMs = ports.limitMs ?? query.limitMs ?? defaultLimitMs
  const limit = { ms: limitMs, clock: ports.clock, reason: () => tooLate(context, limitMs) }
  await withTimeLimit(limit, call.signal, (signal) => run(query, ports, signal))
}

async function run(query: ClusterQuery, ports: KubectlPorts, signal: AbortSignal): Promise<void> {
  const { spawn } = await import('node:child_process')
  signal.throwIfAborted()
  // Without a shell, the context cannot inject commands. The process group includes plugins.
  const start = (): Child =>
    spawn('kubectl', argumentsFor(query), {
      env: { ...ports.env },
      shell: false,
      windowsHide: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const child = await startKubectl(query, start)
  let isOver = false
  child.on('close', () => {
    isOver = true
  })
  const abort = new AbortController()
  try {
    await Promise.race([
      answerOf(child, query, ports.maxBytes ?? query.maxBytes ?? defaultMaxBytes),
      abortRejection(signal, abort.signal),
    ])
  } finally {
    abort.abort()
    child.stdout.destroy()
    child.stderr.destroy()
    if (!isOver) signalGroup(child, 'SIGKILL')
  }
}

async function startKubectl(query: ClusterQuery, start: () => Child): Promise<Child> {
  try {
    return await startProcess('kubectl', start)
  } catch (cause) {
    throw isDrayError(cause) ? cause : notStarted(query, cause as NodeJS.ErrnoException)
  }
}

function argumentsFor({ context, resources, selector }: ClusterQuery): readonly string[] {
  const selected = selector === undefined ? [] : ['--field-selector', selector]
  return ['--context', context, 'get', resources.join(','), '--all-namespaces', ...selected, '-o', 'json']
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** The output counts only if kubectl succeeds: if a part fails, it prints the rest. */
async function answerOf(child: Child, query: ClusterQuery, maxBytes: number): Promise<void> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const answer = new ClusterAnswer(query)
  const [status, stderr] = await Promise.all([
    ended,
    tailOf(child.stderr),
    answer.read(child.stdout, maxBytes),
  ])
  if (status !== 0) throw failed(query, status, stderr)
  answer.end()
}

/**
 * The output of a cluster. A mistake in it is reported at the end, because a failure of kubectl
 * says more.
 */
class ClusterAnswer {
  readonly #query: ClusterQuery
  readonly #name: string
  readonly #reader: JsonListReader
  #objects = 0
  #mistake: DrayError | undefined

  constructor(query: ClusterQuery) {
    this.#query = query
    this.#name = clusterName(query.context)
    this.#reader = new JsonListReader(this.#name)
  }

  async read(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      if (bytes > maxBytes)
        throw new DrayError('malformed', `the answer of ${this.#name} is larger than ${maxBytes} bytes`, {
          subject: this.#name,
          hint: this.#query.hints.large,
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
  end(): void {
    if (this.#mistake !== undefined) throw this.#mistake
    const { metadata } = this.#reader.end()
    const next = isRecord(metadata) ? metadata['continue'] : undefined
    if (typeof next === 'string' && next !== '')
      throw new DrayError('malformed', `the answer of ${this.#name} is incomplete`, { subject: this.#name })
    if (this.#objects === 0) throw noObjects(this.#query)
  }

  #take(item: unknown): void {
    const kind = isRecord(item) ? item['kind'] : undefined
    if (!isRecord(item) || typeof kind !== 'string')
      throw new DrayError('malformed', `the answer of ${this.#name} is not a Kubernetes object`, {
        subject: this.#name,
      })
    this.#objects += 1
    this.#query.take(item, kind)
  }
}

/** `shop/api` */
export function nameOfObject({ metadata }: Readonly<Record<string, unknown>>): string {
  const { namespace, name } = isRecord(metadata) ? metadata : {}
  return [namespace, name].filter((one) => typeof one === 'string').join('/')
}

/** The name of a cluster as a source. */
export function clusterName(context: string): string {
  return `cluster ${context}`
}

/** Reads a stream and returns its last bytes. */
async function tailOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let tail = Buffer.alloc(0)
  for await (const chunk of stream) tail = Buffer.concat([tail, chunk]).subarray(-maxStderrBytes)
  return tail.toString('utf8')
}

function checkContext(context: string): void {
  if (context !== '' && !context.startsWith('-') && !/\p{Cc}/u.test(context)) return
  throw new DrayError('config', `${JSON.stringify(context)} is not the name of a context of kubectl`, {
    hint: 'List the contexts: kubectl config get-contexts --output name',
  })
}

function notStarted({ context, hints }: ClusterQuery, cause: NodeJS.ErrnoException): DrayError {
  const isMissing = cause.code === 'ENOENT'
  return new DrayError('config', isMissing ? 'kubectl is not installed' : 'cannot start kubectl', {
    subject: 'kubectl',
    why: isMissing ? `dray needs it to read ${clusterName(context)}, and it is not in PATH` : cause.message,
    hint: hints.missing,
    cause,
  })
}

function failed({ context, hints }: ClusterQuery, status: number | null, stderr: string): DrayError {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const message = lines.slice(-maxStderrLines).join('\n')
  return new DrayError('unavailable', `kubectl cannot list the workloads of ${clusterName(context)}`, {
    subject: clusterName(context),
    why: message === '' ? `it ended with ${status === null ? 'a signal' : `status ${status}`}` : message,
    hint: hints.failed,
  })
}

function tooLate(context: string, limitMs: number): DrayError {
  return new DrayError('timeout', `kubectl did not list the workloads of ${clusterName(context)}`, {
    subject: clusterName(context),
    why: `it was stopped after ${limitMs / 1000} s`,
  })
}

function noObjects({ context, hints }: ClusterQuery): DrayError {
  const name = clusterName(context)
  return new DrayError('refused', `${name} has no workloads`, {
    subject: name,
    why: 'its answer has no objects: it may be the wrong cluster, or the user has no permission to list them',
    hint: hints.empty,
  })
}
