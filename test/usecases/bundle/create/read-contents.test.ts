import { describe, expect, it } from 'vitest'
import type { Repositories } from '../../../../src/images/ports.ts'
import type { Call } from '../../../../src/lib/call.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { PackedContent } from '../../../../src/usecases/bundle/create/decide-bundle.ts'
import { readContents } from '../../../../src/usecases/bundle/create/read-contents.ts'

const mebibyte = 1024 * 1024
const repository = { registry: 'registry.example', path: 'a' }
const signal = new AbortController().signal
const call: Call = { signal, notify: () => undefined }

function blob(name: string, size: number): PackedContent {
  const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(name), size }
  return { content: { ...descriptor, kind: 'blob', repository: 'a' }, descriptor, repository }
}

/** A registry that counts the reads that have begun and not ended, and the most bytes of them. */
class SlowRegistry {
  readonly begun: string[] = []
  waiting = 0
  readonly #answers: (() => void)[] = []
  aborted = 0

  readonly stores = {
    source: () => ({
      blob: async ({ digest, size }: { digest: string; size: number }, _: number, { signal: end }: Call) => {
        this.begun.push(digest)
        this.waiting++
        end.addEventListener('abort', () => this.aborted++)
        await new Promise<void>((resolve) => this.#answers.push(resolve))
        this.waiting--
        return [Buffer.alloc(size)]
      },
    }),
  } as unknown as Repositories

  answerAll(): void {
    for (const answer of this.#answers.splice(0)) answer()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('the reading of the content of a bundle', () => {
  it('begins the reads of small blobs before their turn, at most 16', async () => {
    const registry = new SlowRegistry()
    const contents = Array.from({ length: 40 }, (_, i) => blob(`${i}`, 10))
    const [first] = readContents(contents, registry.stores, call)
    void first?.open()
    await turn()
    expect(registry.begun).toEqual(contents.slice(0, 16).map(({ content }) => content.digest))
  })

  it('holds at most 32 MiB, and reads a large blob only in its turn', async () => {
    const registry = new SlowRegistry()
    const contents = [
      blob('first', 10),
      blob('large', 100 * mebibyte),
      ...Array.from({ length: 20 }, (_, i) => blob(`${i}`, 4 * mebibyte)),
    ]
    const [first] = readContents(contents, registry.stores, call)
    void first?.open()
    await turn()
    expect(registry.begun).toHaveLength(8)
    expect(registry.begun).not.toContain(contents[1]?.content.digest)
  })

  it('yields everything once and in order', async () => {
    const registry = new SlowRegistry()
    const contents = [10, 5 * mebibyte, 0, 4 * mebibyte, 20].map((size, i) => blob(`${i}`, size))
    const sizes: number[] = []
    const pump = setInterval(() => registry.answerAll())
    for (const one of readContents(contents, registry.stores, call)) {
      let size = 0
      for await (const chunk of await one.open()) size += chunk.byteLength
      sizes.push(size)
    }
    clearInterval(pump)
    expect(sizes).toEqual(contents.map(({ content }) => content.size))
    expect(registry.begun.toSorted()).toEqual(contents.map(({ content }) => content.digest).toSorted())
  })

  it('ends the reads that have begun if the writer stops', async () => {
    const registry = new SlowRegistry()
    for (const one of readContents([blob('a', 1), blob('b', 1)], registry.stores, call)) {
      void one.open()
      await turn()
      break
    }
    expect(registry.aborted).toBe(2)
  })
})
