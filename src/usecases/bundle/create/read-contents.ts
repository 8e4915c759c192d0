import type { Repositories } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import type { BundleContent } from '../../../plan/bundle/bundle-document.ts'
import type { PackedContent } from './decide-bundle.ts'

/** Content of a bundle with its bytes, which are read when they are written. */
export interface OpenContent {
  readonly content: BundleContent
  /** Yields the last chunk after size and digest were verified. */
  open(): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>
}

/** Returns content in the order of the bundle. Each is read once. */
export function* readContents(
  contents: readonly PackedContent[],
  stores: Repositories,
  call: Call,
): Generator<OpenContent, void> {
  for (const packed of contents) {
    yield { content: packed.content, open: async () => await openContent(packed, stores, call) }
  }
}

async function openContent(
  { content: { kind }, descriptor, repository }: PackedContent,
  stores: Repositories,
  call: Call,
): Promise<AsyncIterable<Uint8Array>> {
  const store = stores.source(repository)
  call.notify({ kind: 'content', repository, descriptor, state: 'begin' })
  const bytes =
    kind === 'manifest'
      ? [(await store.manifest(descriptor, call)).bytes]
      : await store.blob(descriptor, 0, call)
  return reported({ descriptor, repository }, bytes, call)
}

async function* reported(
  { descriptor, repository }: Pick<PackedContent, 'descriptor' | 'repository'>,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
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
