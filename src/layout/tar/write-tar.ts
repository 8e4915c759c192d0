import { DrayError } from '../../lib/errors.ts'
import { blockSize, encodeHeader, paddingOf } from './header.ts'

/** A file to write to a tar. */
export interface TarEntry {
  readonly name: string
  /** bytes */
  readonly size: number
  /** Opens the content. It is called when everything before it was written. */
  open(): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>
}

/**
 * Returns the bytes of a tar. They depend only on the names, the sizes, the content and the time:
 * mode, owner and format are constant (ustar, pax for sizes of 8 GiB or more).
 * @param mtime seconds since 1970
 * @throws `internal` if content does not have its size; what the content throws.
 */
export async function* tarChunks(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  mtime: number,
): AsyncGenerator<Uint8Array, void> {
  for await (const entry of entries) {
    const { name, size } = entry
    yield await encodeHeader({ name, size, mtime })
    let written = 0
    for await (const chunk of await entry.open()) {
      written += chunk.byteLength
      if (written > size) break
      if (chunk.byteLength > 0) yield chunk
    }
    if (written !== size) {
      throw new DrayError('internal', `${name} does not have its ${size} bytes`, { subject: name })
    }
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size))
  }
  yield Buffer.alloc(2 * blockSize)
}
