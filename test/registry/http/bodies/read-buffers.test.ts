import { describe, expect, it } from 'vitest'
import { ReadBuffers } from '../../../../src/registry/http/bodies/read-buffers.ts'

const kib = 1024

/** A connection that reads into `buffers`, and the chunks that it read. */
function connection(buffers: ReadBuffers) {
  const chunks: Uint8Array[] = []
  const option = buffers.onread((bytes) => chunks.push(bytes) > 0)
  const next = (): Uint8Array => (typeof option.buffer === 'function' ? option.buffer() : option.buffer)
  let into = next()
  return {
    chunks,
    /** Reads so many bytes, or as many as fit, as a socket does. */
    read: (size: number): Uint8Array => {
      const bytes = Math.min(size, into.byteLength)
      option.callback(bytes, into)
      into = next()
      return chunks.at(-1) as Uint8Array
    },
  }
}

/** A connection in the middle of a large body, so that its next read fills a large buffer. */
function download(buffers: ReadBuffers) {
  const one = connection(buffers)
  one.read(16 * kib)
  return one
}

const memories = (chunks: readonly Uint8Array[]): number => new Set(chunks.map(({ buffer }) => buffer)).size

describe('the buffers of connections', () => {
  it('are shared by several small answers', () => {
    const { read, chunks } = connection(new ReadBuffers())
    for (let i = 0; i < 10; i++) read(kib)
    expect(memories(chunks)).toBe(1)
    expect(chunks.map(({ byteOffset }) => byteOffset)).toEqual(chunks.map((_, i) => i * kib))
  })

  it('are large for a large body, and small again after it', () => {
    const { read } = download(new ReadBuffers())
    expect(read(1000 * kib).byteLength).toBe(512 * kib)
    expect(read(500 * kib).buffer.byteLength).toBe(512 * kib)
    read(3 * kib)
    expect(read(1000 * kib).buffer.byteLength).toBe(16 * kib)
  })

  it('are at most three for a body of any size that is written as it is read', () => {
    const buffers = new ReadBuffers()
    const { read, chunks } = download(buffers)
    let before = read(512 * kib)
    for (let i = 0; i < 100; i++) {
      const chunk = read(512 * kib)
      buffers.release(before)
      before = chunk
    }
    expect(memories(chunks.slice(1))).toBeLessThanOrEqual(3)
  })

  it('are used again only when all of their bytes are written', () => {
    const buffers = new ReadBuffers()
    const { read } = download(buffers)
    const first = read(300 * kib)
    const second = read(212 * kib)
    expect(second.buffer).toBe(first.buffer)
    buffers.release(second)
    read(512 * kib)
    expect(read(512 * kib).buffer).not.toBe(first.buffer)
    buffers.release(first)
    read(512 * kib)
    expect(read(512 * kib).buffer).toBe(first.buffer)
  })

  it('are not used again while the connection reads into their rest', () => {
    const buffers = new ReadBuffers()
    const one = download(buffers)
    const first = one.read(100 * kib)
    buffers.release(first)
    const other = download(buffers)
    expect(other.read(512 * kib).buffer).not.toBe(first.buffer)
    expect(one.read(412 * kib).buffer).toBe(first.buffer)
  })

  it('are not used again if a reader keeps a part', () => {
    const buffers = new ReadBuffers()
    const { read, chunks } = download(buffers)
    const first = read(512 * kib)
    buffers.release(first.subarray(1))
    for (let i = 0; i < 4; i++) read(512 * kib)
    expect(chunks.filter(({ buffer }) => buffer === first.buffer)).toHaveLength(1)
  })

  it('are kept in a bounded number', () => {
    const buffers = new ReadBuffers()
    const { read, chunks } = download(buffers)
    for (let i = 0; i < 40; i++) read(512 * kib)
    const all = chunks.splice(0).slice(1)
    for (const chunk of all) buffers.release(chunk)
    for (let i = 0; i < 40; i++) read(512 * kib)
    const again = chunks.filter(({ buffer }) => all.some((chunk) => chunk.buffer === buffer))
    expect(again.length).toBeLessThanOrEqual(9)
  })

  it('ignore bytes that they do not own', () => {
    const buffers = new ReadBuffers()
    const { read, chunks } = download(buffers)
    const foreign = Buffer.allocUnsafeSlow(512 * kib)
    buffers.release(foreign)
    for (let i = 0; i < 3; i++) read(512 * kib)
    expect(chunks.some(({ buffer }) => buffer === foreign.buffer)).toBe(false)
  })
})
