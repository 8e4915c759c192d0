import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Call, ProgressEvent } from '../../../src/lib/call.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { type ServerOptions as EmbeddedOptions, startRegistry } from '../../../src/embedded/server.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { type Descriptor, parseDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { TagOrDigest } from '../../../src/oci/reference.ts'
import type { RegistryClientOptions } from '../../../src/registry/client/client.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import type {
  BlobSource,
  RepositoryLister,
  Repositories,
  TargetRepository,
} from '../../../src/images/ports.ts'
import type { Content } from '../../support/images.ts'
import { Oracle } from '../../support/oracle.ts'

/** A clock without real waits. */
function hastyClock(): Clock {
  let now = 0
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      now += ms
    },
  }
}

/** The real HTTP stack, without real waits unless a clock is given. */
export function openStack(clock: Clock = hastyClock()) {
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => undefined,
    userAgent: 'test',
    clock,
    random: () => 0.5,
  })
  onTestFinished(() => stack.close())
  return {
    fetch: stack.fetch,
    anonymous: stack.anonymous,
    origin: (registry: string) => stack.origin(registry),
    takeRetry: (registry: string) => stack.takeRetry(registry),
    speaksTls: (registry: string, call: Call) => stack.speaksTls(registry, call),
    clock,
    random: () => 0.5,
  }
}

/** Repositories over that stack. */
export function openStores(options: Partial<RegistryClientOptions> = {}): Repositories & RepositoryLister {
  return openRepositories({ ...openStack(), ...options })
}

export function newCall(
  signal: AbortSignal = new AbortController().signal,
): Call & { events: ProgressEvent[] } {
  const events: ProgressEvent[] = []
  return { signal, events, notify: (event) => void events.push(event) }
}

/** An embedded registry for one test, with an oracle. */
export async function embedded(options: EmbeddedOptions = {}) {
  const log: AccessEntry[] = []
  const running = await startRegistry({ onRequest: (entry) => log.push(entry), ...options })
  onTestFinished(() => running.close())
  const oracle = new Oracle(running.registry)
  return {
    registry: running.registry,
    oracle,
    log,
    /** `METHOD kind status` of each request since the last `clear` */
    requests: () => log.map(({ method, kind, status }) => `${method} ${kind} ${status}`),
    clear: () => void log.splice(0),
    push: async (content: Content, path: string, ...tags: string[]): Promise<Descriptor> => {
      const root = await oracle.push(content, path, ...tags)
      log.splice(0)
      return parseDescriptor(root, 'the root')
    },
  }
}

export interface ReceivedRequest {
  readonly method: string
  /** with the query */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** An answer of a scripted server. Undefined headers are omitted. `raw` writes the answer. */
export interface ScriptedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Uint8Array
  readonly raw?: (response: ServerResponse) => void
}

/** A server that answers by a script, for behaviour that the embedded registry does not have. */
export async function scripted(answer: (request: ReceivedRequest, count: number) => ScriptedAnswer) {
  const heard: ReceivedRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      }
      heard.push(one)
      const scriptedAnswer = answer(one, heard.length)
      if (scriptedAnswer.raw !== undefined) return scriptedAnswer.raw(response)
      const headers = Object.entries(scriptedAnswer.headers ?? {}).filter(([, value]) => value !== undefined)
      const framed = headers.some(([name]) => name === 'transfer-encoding' || name === 'content-length')
      if (!framed && request.method !== 'HEAD')
        headers.push(['content-length', String(Buffer.byteLength(scriptedAnswer.body ?? ''))])
      response.writeHead(scriptedAnswer.status, Object.fromEntries(headers) as Record<string, string>)
      response.end(request.method === 'HEAD' ? undefined : scriptedAnswer.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { registry, heard, requests: () => heard.map(({ method, path }) => `${method} ${path}`) }
}

export const byTag = (tag: string): TagOrDigest => ({ tag })

/** The descriptors of all blobs of an image's manifest. */
export function blobsIn(content: Content): Descriptor[] {
  return content.manifests.flatMap(({ bytes }) => {
    const body = JSON.parse(Buffer.from(bytes).toString()) as { config?: unknown; layers?: unknown[] }
    return [body.config, ...(body.layers ?? [])]
      .filter((one) => one !== undefined)
      .map((one) => parseDescriptor(one, 'blob'))
  })
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A store of `team/api` at a scripted registry. */
export function storeAt(registry: string, options: Partial<RegistryClientOptions> = {}): TargetRepository {
  return openStores(options).target({ registry, path: 'team/api' })
}

/** The descriptor of bytes as a blob. */
export function blobOf(bytes: Uint8Array | string): Descriptor {
  const size = Buffer.byteLength(bytes)
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes), size }
}

/** A source of bytes in memory in pieces of `step`. `opened` has the offsets of all openings. */
export function bytesSource(
  bytes: Uint8Array,
  step = 1000,
): BlobSource & { readonly opened: readonly number[] } {
  const opened: number[] = []
  return {
    opened,
    open: async (offset) => {
      opened.push(offset)
      return (async function* () {
        for (let at = offset; at < bytes.byteLength; at += step) yield bytes.subarray(at, at + step)
      })()
    },
  }
}
