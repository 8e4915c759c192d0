import { rm, stat } from 'node:fs/promises'
import type { Call } from '../lib/call.ts'
import { DrayError, isDrayError } from '../lib/errors.ts'
import { writeFileAtomic, writeStreamAtomic } from '../lib/files/atomic.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { openRegular, readFileBounded } from '../lib/files/read.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, type Digest, Digester, digestOf } from '../oci/digest.ts'
import { maxManifestSize } from '../oci/manifest.ts'
import type { BlobSource } from '../images/ports.ts'
import type { LayoutFolder } from './folder.ts'

/** Bytes of one read. */
const chunkSize = 256 * 1024
/**
 * Attempts to read a blob that arrives corrupt. After them, the source itself counts as corrupt.
 */
const maxAttempts = 3

/**
 * Returns the size of a blob's file in bytes, or undefined if it is absent.
 * @throws `refused`, `io`.
 */
export async function blobSize(folder: LayoutFolder, digest: Digest): Promise<number | undefined> {
  const path = await folder.blobPath(digest)
  if (path === undefined) return undefined
  try {
    const found = await stat(path)
    if (found.isFile()) return found.size
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw ioError(cause, `cannot read ${path}`, path)
  }
  throw new DrayError('io', `${path} is not a regular file`, { subject: path })
}

/**
 * Reads and verifies a blob of the size of a manifest. Returns undefined if it is absent.
 * @throws `corrupt`; `malformed` if it is too large for a manifest.
 */
export async function readSmallBlob(folder: LayoutFolder, digest: Digest): Promise<Uint8Array | undefined> {
  const path = await folder.blobPath(digest)
  const bytes =
    path === undefined ? undefined : await readFileBounded(path, maxManifestSize, { followLinks: false })
  if (bytes === undefined) return undefined
  const actual = digestOf(bytes, algorithmOf(digest))
  if (actual !== digest) throw corrupt(folder, digest, `the digest of its bytes is ${actual}`)
  return bytes
}

/**
 * Streams a blob from `offset` on. From offset 0, the last chunk comes only after size and digest
 * are verified.
 * @throws `not-found`, `corrupt`, `refused`, `io`.
 */
export async function readBlob(
  folder: LayoutFolder,
  d: Descriptor,
  offset: number,
  call: Call,
): Promise<AsyncIterable<Uint8Array>> {
  const size = await blobSize(folder, d.digest)
  const path = await folder.blobPath(d.digest)
  if (size === undefined || path === undefined) throw blobMissing(folder, d.digest)
  if (size !== d.size) throw corrupt(folder, d.digest, `it has ${size} bytes, its descriptor has ${d.size}`)
  if (offset > size)
    throw corrupt(folder, d.digest, `it has ${size} bytes, and the requested range starts at ${offset}`)
  const chunks = fileChunks(folder, path, d, offset, call)
  return offset === 0 ? verified(folder, d, chunks) : chunks
}

/**
 * Writes a blob, unless its file exists with the right size.
 * @throws `corrupt`, without a file; what the source throws.
 */
export async function writeBlob(
  folder: LayoutFolder,
  d: Descriptor,
  from: BlobSource,
  call: Call,
  onBytes: (bytes: number) => void,
): Promise<'uploaded' | 'present'> {
  const { path, temp } = await folder.writableBlobPath(d.digest)
  if ((await blobSize(folder, d.digest)) === d.size) return 'present'
  for (let attempt = 1; ; attempt++) {
    try {
      const chunks = verified(folder, d, counted(from, call, onBytes))
      await writeStreamAtomic(path, chunks, call.signal, { tempFolder: temp })
      return 'uploaded'
    } catch (error) {
      if (!isDrayError(error) || error.code !== 'corrupt' || attempt >= maxAttempts) throw error
    }
  }
}

/** Writes verified bytes, unless the file has the same bytes. */
export async function writeSmallBlob(folder: LayoutFolder, digest: Digest, bytes: Uint8Array): Promise<void> {
  const { path, temp } = await folder.writableBlobPath(digest)
  if ((await blobSize(folder, digest)) === bytes.byteLength) {
    const existing = await readFileBounded(path, maxManifestSize)
    if (existing !== undefined && digestOf(existing, algorithmOf(digest)) === digest) return
  }
  await writeFileAtomic(path, bytes, { tempFolder: temp })
}

export async function removeBlob(folder: LayoutFolder, digest: Digest): Promise<void> {
  const path = await folder.blobPath(digest)
  if (path === undefined) return
  try {
    await rm(path, { force: true })
  } catch (cause) {
    throw ioError(cause, `cannot remove ${path}`, path)
  }
}

export function blobMissing(folder: LayoutFolder, digest: Digest): DrayError {
  return new DrayError('not-found', `${digest} is not in the image layout ${folder.name}`, {
    subject: digest,
  })
}

async function* fileChunks(
  folder: LayoutFolder,
  path: string,
  d: Descriptor,
  offset: number,
  call: Call,
): AsyncGenerator<Uint8Array, void> {
  const handle = await openRegular(path)
  if (handle === undefined) throw blobMissing(folder, d.digest)
  try {
    for (let at = offset; ;) {
      call.signal.throwIfAborted()
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } catch (cause) {
    throw ioError(cause, `cannot read ${path}`, path)
  } finally {
    await handle.close()
  }
}

/** Yields the same chunks, and the last one only after size and digest are verified. */
async function* verified(
  folder: LayoutFolder,
  d: Descriptor,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const digester = new Digester(algorithmOf(d.digest))
  let last: Uint8Array | undefined
  for await (const chunk of chunks) {
    digester.update(chunk)
    if (digester.size > d.size)
      throw corrupt(folder, d.digest, `it has more than the ${d.size} bytes of its descriptor`)
    if (last !== undefined) yield last
    last = chunk
  }
  if (digester.size !== d.size) {
    throw corrupt(folder, d.digest, `it has ${digester.size} bytes, its descriptor has ${d.size}`)
  }
  const actual = digester.digest()
  if (actual !== d.digest) throw corrupt(folder, d.digest, `the digest of its bytes is ${actual}`)
  if (last !== undefined) yield last
}

/**
 * Opens the source with the first chunk. If the file cannot be created, no connection stays open.
 */
async function* counted(
  from: BlobSource,
  call: Call,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of await from.open(0, call)) {
    yield chunk
    onBytes(chunk.byteLength)
  }
}

function corrupt(folder: LayoutFolder, digest: Digest, why: string): DrayError {
  return new DrayError(
    'corrupt',
    `the content of ${digest} in the image layout ${folder.name} does not match its descriptor`,
    { subject: digest, why },
  )
}
