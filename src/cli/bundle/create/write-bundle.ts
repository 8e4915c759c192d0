import { resolve } from 'node:path'
import { type TarEntry, tarChunks } from '../../../layout/tar/write-tar.ts'
import { writeStreamAtomic } from '../../../lib/files/atomic.ts'
import { formatBundleDocument } from '../../../plan/bundle/bundle-file.ts'
import { layoutFile, layoutIndexOf } from '../../../plan/bundle/layout-index.ts'
import type { BundleDocument } from '../../../plan/bundle/bundle-document.ts'
import type { SigningKey } from '../../../signing/signing-keys.ts'
import { signBundle } from '../../../usecases/bundle/bundle-signature.ts'
import type { OpenContent } from '../../../usecases/bundle/create/read-contents.ts'
import { bundleFiles, pathOfBlob, tarTimeOf } from '../bundle-files.ts'

/** Returns the bytes of a bundle. They depend on the document and on the key alone. */
export function bundleChunks(
  document: BundleDocument,
  contents: Iterable<OpenContent>,
  key: SigningKey | undefined,
): AsyncGenerator<Uint8Array, void> {
  return tarChunks(entriesOf(document, contents, key), tarTimeOf(document))
}

/**
 * Writes a bundle to a file. If that fails, no file is left.
 * @returns the bytes of the file
 * @throws `io`; what the content throws.
 */
export async function writeBundleFile(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  cwd: string,
  signal: AbortSignal,
): Promise<number> {
  let size = 0
  const counted = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunks) {
      yield chunk
      size += chunk.byteLength
    }
  }
  await writeStreamAtomic(resolve(cwd, file), counted(), signal)
  return size
}

function* entriesOf(
  document: BundleDocument,
  contents: Iterable<OpenContent>,
  key: SigningKey | undefined,
): Generator<TarEntry, void> {
  const bytes = formatBundleDocument(document)
  yield whole(bundleFiles.layout, Buffer.from(layoutFile))
  yield whole(bundleFiles.index, Buffer.from(layoutIndexOf(document)))
  yield whole(bundleFiles.document, bytes)
  if (key !== undefined) yield whole(bundleFiles.signature, signBundle(bytes, key))
  for (const one of contents) {
    const { digest, size } = one.content
    yield { name: pathOfBlob(digest), size, open: async () => await one.open() }
  }
}

function whole(name: string, bytes: Uint8Array): TarEntry {
  return { name, size: bytes.byteLength, open: async () => [bytes] }
}
