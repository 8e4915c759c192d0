import { open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { ContentFile, type ContentPlace } from '../../../layout/bundle/content-file.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { ioError, systemCode } from '../../../lib/files/io-error.ts'
import { hasEnded, processIdentity } from '../../../lib/files/process-identity.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { OpenedBundle } from '../read-bundle.ts'
import { findPrivateFolder } from '../../wiring/private-folders.ts'

/** Bytes of one read. */
const chunkSize = 256 * 1024

/** The bytes of a bundle: a file that can be read at any position, or a pipe. */
export interface BundleInput {
  /** for messages */
  readonly name: string
  /** all bytes, once */
  readonly bytes: AsyncIterable<Uint8Array>
  /** undefined for a pipe */
  readonly file: FileHandle | undefined
  close(): Promise<void>
}

/** Opens a bundle; `-` is stdin. @throws `not-found`, `io`. */
export async function openBundleInput(
  name: string,
  stdin: () => AsyncIterable<Uint8Array>,
): Promise<BundleInput> {
  if (name === '-') return { name: 'stdin', bytes: stdin(), file: undefined, close: async () => undefined }
  let handle: FileHandle
  try {
    handle = await open(name, 'r')
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw ioError(cause, `cannot read ${name}`, name)
    throw new DrayError('not-found', `the bundle ${name} does not exist`, { subject: name })
  }
  const isFile = (await handle.stat()).isFile()
  return {
    name,
    bytes: chunksOf(handle, name, isFile),
    file: isFile ? handle : undefined,
    close: () => handle.close(),
  }
}

async function* chunksOf(
  handle: FileHandle,
  name: string,
  isFile: boolean,
): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; ;) {
    let read: { readonly bytesRead: number; readonly buffer: Buffer }
    try {
      // A pipe has no positions.
      read = await handle.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize, isFile ? at : null)
    } catch (cause) {
      throw ioError(cause, `cannot read ${name}`, name)
    }
    if (read.bytesRead === 0) return
    at += read.bytesRead
    yield read.buffer.subarray(0, read.bytesRead)
  }
}

/** The verified content of a bundle. */
export interface BundleStorage {
  readonly content: ContentFile
  /** Removes what was stored of a pipe. */
  close(): Promise<void>
}

/**
 * Reads a bundle to its end and verifies all content, so that nothing of a damaged bundle is
 * written. The content of a file stays there, and that of a pipe goes to a temporary file.
 * @throws `corrupt`, `malformed`, `refused` for a bundle that is damaged; `io`.
 */
export async function storeContents(
  input: BundleInput,
  bundle: OpenedBundle,
  env: Readonly<Record<string, string | undefined>>,
  call: Call,
): Promise<BundleStorage> {
  const places = new Map<Digest, ContentPlace>()
  const { file } = input
  if (file !== undefined) {
    for await (const { content, offset, bytes } of bundle.contents) {
      call.signal.throwIfAborted()
      for await (const _ of bytes) call.signal.throwIfAborted()
      places.set(content.digest, { offset, size: content.size })
    }
    return { content: new ContentFile(input.name, file, places), close: async () => undefined }
  }
  const spool = await openSpool(env)
  try {
    let end = 0
    for await (const { content, bytes } of bundle.contents) {
      places.set(content.digest, { offset: end, size: content.size })
      for await (const chunk of bytes) {
        call.signal.throwIfAborted()
        await spool.write(chunk)
        end += chunk.byteLength
      }
    }
    return { content: new ContentFile(input.name, spool.handle, places), close: () => spool.close() }
  } catch (error) {
    await spool.close()
    throw error
  }
}

interface Spool {
  readonly handle: FileHandle
  write(chunk: Uint8Array): Promise<void>
  close(): Promise<void>
}

const spoolName = /^bundle-([0-9a-f]{16})-[0-9a-f-]+$/

/** Opens a temporary file in the user's cache folder, and removes those of runs that crashed. */
async function openSpool(env: Readonly<Record<string, string | undefined>>): Promise<Spool> {
  const folder = findPrivateFolder('cache', ['bundles'], env, { create: true })
  await removeOrphans(folder)
  const path = join(folder, `bundle-${processIdentity()}-${randomUUID()}`)
  try {
    const handle = await open(path, 'wx+', 0o600)
    // Without a name, the file also goes if dray is killed. Windows keeps it until it is closed.
    const isUnnamed = await rm(path).then(
      () => true,
      () => false,
    )
    return {
      handle,
      write: async (chunk) => {
        try {
          await writeWhole(handle, chunk)
        } catch (cause) {
          throw spoolError(cause, folder)
        }
      },
      close: async () => {
        await handle.close()
        if (!isUnnamed) await rm(path, { force: true })
      },
    }
  } catch (cause) {
    throw spoolError(cause, folder)
  }
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength;) {
    at += (await handle.write(chunk, at)).bytesWritten
  }
}

async function removeOrphans(folder: string): Promise<void> {
  const own = processIdentity()
  for (const name of await readdir(folder)) {
    const [, identity] = spoolName.exec(name) ?? []
    if (identity !== undefined && hasEnded(identity, own)) await rm(join(folder, name), { force: true })
  }
}

function spoolError(cause: unknown, folder: string): unknown {
  const error = ioError(cause, `cannot store the content of the bundle in ${folder}`, folder)
  if (!isDrayError(error) || error.code !== 'io') return error
  return error.with({ hint: 'Free disk space, or save the bundle to a file and apply that.' })
}
