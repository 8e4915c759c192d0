import { pack } from 'tar-stream'

/** Bytes of a header, and of the unit that content is padded to (POSIX, pax). */
export const blockSize = 512
/** The largest size that eleven octal digits can have, bytes. */
const maxOctalSize = 8 * 1024 ** 3 - 1
/** Longer names, those of sha512 blobs, are in a pax header. */
const maxName = 100
/** A pax header has three blocks: its own header, its records, and the header of the file. */
const paxBlocks = 3

/** The values of a file in its header. Everything else in it is constant. */
export interface TarHeader {
  /** ASCII, at most 200 characters */
  readonly name: string
  /** bytes */
  readonly size: number
  /** seconds since 1970 */
  readonly mtime: number
}

/**
 * Returns the header of a regular file: ustar, with a pax header for a size of 8 GiB or more and
 * for a long name. Equal arguments give equal bytes, and a reader compares what it reads with them:
 * no bit of a header can change without notice.
 */
export async function encodeHeader({ name, size, mtime }: TarHeader): Promise<Uint8Array> {
  const isLarge = size > maxOctalSize
  const hasPax = isLarge || name.length > maxName
  const length = (hasPax ? paxBlocks : 1) * blockSize
  const archive = pack()
  archive.entry({
    name,
    size,
    type: 'file',
    mode: 0o644,
    mtime: new Date(mtime * 1000),
    ...(hasPax && { pax: isLarge ? { size: String(size) } : {} }),
  })
  const parts: Uint8Array[] = []
  let filled = 0
  for await (const part of archive as AsyncIterable<Uint8Array>) {
    parts.push(part)
    filled += part.byteLength
    if (filled >= length) break
  }
  return Buffer.concat(parts, length)
}

/** Returns how many zeros follow content of this size. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}
