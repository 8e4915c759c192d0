import type { Repositories } from '../../../images/ports.ts'
import { type Call, firstOf } from '../../../lib/call.ts'
import type { BundleContent } from '../../../plan/bundle/bundle-document.ts'
import type { PackedContent } from './decide-bundle.ts'

/** Content of a bundle with its bytes, which are read when they are written or shortly before. */
export interface OpenContent {
  readonly content: BundleContent
  /** Yields the last chunk after size and digest were verified. */
  open(): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>
}

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * Limits of reading ahead, so that the latency of a registry does not count for each blob. Of a
 * larger blob, the latency is a small part of the time.
 */
const ahead = { count: 16, bytes: 32 * 1024 * 1024, bytesOfOne: 4 * 1024 * 1024 } as const

/**
 * Returns content in the order of the bundle, to be opened in this order. Each is read once, and
 * small content before its turn.
 */
export function* readContents(
  contents: readonly PackedContent[],
  stores: Repositories,
  call: Call,
): Generator<OpenContent, void> {
  const end = new AbortController()
  const reading = { ...call, signal: firstOf(call.signal, end.signal) }
  const begun = new Map<PackedContent, Promise<Chunks>>()
  let bytes = 0
  let next = 0
  const readAhead = (): void => {
    for (; next < contents.length && begun.size < ahead.count; next++) {
      const one = contents[next] as PackedContent
      const { size } = one.content
      if (size > ahead.bytesOfOne) continue
      if (bytes + size > ahead.bytes) return
      bytes += size
      const read = readWhole(one, stores, reading)
      // It fails in its turn.
      read.catch(() => undefined)
      begun.set(one, read)
    }
  }
  try {
    for (const [i, packed] of contents.entries()) {
      yield {
        content: packed.content,
        open: async () => {
          next = Math.max(next, i)
          readAhead()
          const { repository, descriptor } = packed
          call.notify({ kind: 'content', repository, descriptor, state: 'begin' })
          const chunks = await (begun.get(packed) ?? openContent(packed, stores, call))
          if (begun.delete(packed)) bytes -= packed.content.size
          readAhead()
          return reported(packed, chunks, call)
        },
      }
    }
  } finally {
    end.abort()
  }
}

async function openContent(
  { content: { kind }, descriptor, repository }: PackedContent,
  stores: Repositories,
  call: Call,
): Promise<Chunks> {
  const store = stores.source(repository)
  return kind === 'manifest'
    ? [(await store.manifest(descriptor, call)).bytes]
    : await store.blob(descriptor, 0, call)
}

async function readWhole(packed: PackedContent, stores: Repositories, call: Call): Promise<Chunks> {
  return await Array.fromAsync(await openContent(packed, stores, call))
}

async function* reported(
  { descriptor, repository }: Pick<PackedContent, 'descriptor' | 'repository'>,
  bytes: Chunks,
  call: Call,
): AsyncGenerator<Uint8Array, void> {
  let isDone = false
  try {
    for await (const chunk of bytes) {
      yield chunk
      call.notify({ kind: 'bytes', repository, digest: descriptor.digest, bytes: chunk.byteLength })
    }
    isDone = true
  } finally {
    const state = isDone ? 'transferred' : 'failed'
    call.notify({ kind: 'content', repository, descriptor, state })
  }
}
