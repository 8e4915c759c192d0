import { readTar, type TarFile } from '../../layout/tar/read-tar.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { algorithmOf, Digester } from '../../oci/digest.ts'
import { maxManifestSize } from '../../oci/manifest.ts'
import { invalidBundle } from '../../plan/bundle/bundle-consistency.ts'
import type { BundleContent, BundleDocument } from '../../plan/bundle/bundle-document.ts'
import { maxDocumentSize, parseBundleDocument } from '../../plan/bundle/bundle-file.ts'
import { ContentCheck } from '../../plan/bundle/content-check.ts'
import { layoutFile, layoutIndexOf } from '../../plan/bundle/layout-index.ts'
import { tarName } from './bundle-input.ts'
import { bundleFiles, pathOfBlob, tarTimeOf } from './bundle-files.ts'

/** A DSSE envelope has its payload in Base64. */
const maxSignatureSize = 2 * maxDocumentSize

/** A bundle of which everything before the first manifest was read and checked. */
export interface OpenedBundle {
  readonly document: BundleDocument
  /** what a signature covers */
  readonly documentBytes: Uint8Array
  /** the DSSE envelope, not verified */
  readonly signature?: Uint8Array
  /**
   * Everything that the bundle carries, once, in its order. The first blob comes after all
   * manifests were compared with the document, and the end after that of the tar.
   */
  readonly contents: AsyncGenerator<CarriedContent, void>
  /** Ends the reading, also in the middle. */
  close(): Promise<void>
}

interface CarriedContent {
  readonly content: BundleContent
  /** the position of the first byte in the tar */
  readonly offset: number
  /** Yields the last chunk after size and digest were verified, also of content that is skipped. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/**
 * Reads a bundle from a file or a pipe up to its first manifest.
 * @param name of the bundle, for messages
 * @throws `corrupt`, `malformed`, `refused`, `unsupported`; what `input` throws.
 */
export async function openBundle(
  input: AsyncIterable<Uint8Array>,
  name: string,
  call: Call,
): Promise<OpenedBundle> {
  const files = readTar(input, tarName(name))
  try {
    return await openFiles(files, name, call)
  } catch (error) {
    await files.return()
    throw error
  }
}

async function openFiles(
  files: AsyncGenerator<TarFile, void>,
  name: string,
  call: Call,
): Promise<OpenedBundle> {
  const layout = await readNext(files, bundleFiles.layout, layoutFile.length, name)
  const index = await readNext(files, bundleFiles.index, maxDocumentSize, name)
  const { bytes: documentBytes, mtime } = await readNext(files, bundleFiles.document, maxDocumentSize, name)
  const document = parseBundleDocument(documentBytes, name)
  if (layout.bytes.toString() !== layoutFile || index.bytes.toString() !== layoutIndexOf(document)) {
    throw invalidBundle(name, `${bundleFiles.layout} or ${bundleFiles.index} does not fit its document`)
  }
  const times = [layout.mtime, index.mtime, mtime]
  if (times.some((time) => time !== tarTimeOf(document))) throw wrongTime(name)
  const next = await files.next()
  const isSigned = next.done !== true && next.value.name === bundleFiles.signature
  const signature = isSigned ? await readWhole(next.value, maxSignatureSize, name) : undefined
  const first = isSigned ? await files.next() : next
  return {
    document,
    documentBytes,
    ...(signature !== undefined && { signature }),
    contents: readContents(files, first, document, name, call),
    close: async () => {
      await files.return()
    },
  }
}

async function* readContents(
  files: AsyncGenerator<TarFile, void>,
  first: IteratorResult<TarFile, void>,
  document: BundleDocument,
  name: string,
  call: Call,
): AsyncGenerator<CarriedContent, void> {
  try {
    const check = new ContentCheck(document, name)
    let next = first
    let isChecked = false
    for (const content of document.carries) {
      if (content.kind === 'blob' && !isChecked) {
        check.finish()
        isChecked = true
      }
      const file = announced(next, content, document, name)
      const bytes = verified(file, content, check, name, call)
      yield { content, offset: file.offset, bytes }
      for await (const _ of bytes);
      next = await files.next()
    }
    if (next.done !== true) throw unannounced(next.value.name, name)
    if (!isChecked) check.finish()
  } finally {
    await files.return()
  }
}

/** @throws `refused`, `corrupt`. */
function announced(
  next: IteratorResult<TarFile, void>,
  content: BundleContent,
  document: BundleDocument,
  name: string,
): TarFile {
  if (next.done === true) throw damaged(name, `it ends without ${content.digest}`)
  const file = next.value
  if (file.name !== pathOfBlob(content.digest)) throw unannounced(file.name, name)
  if (file.size !== content.size) {
    throw damaged(name, `${content.digest} has ${file.size} bytes, and its document says ${content.size}`)
  }
  if (file.mtime !== tarTimeOf(document)) throw wrongTime(name)
  return file
}

/** Returns the bytes of content; a second iteration continues the first. */
function verified(
  file: TarFile,
  { digest, kind }: BundleContent,
  check: ContentCheck,
  name: string,
  call: Call,
): AsyncIterable<Uint8Array> {
  if (kind === 'manifest' && file.size > maxManifestSize) throw tooLarge(digest, name)
  const chunks = file.bytes[Symbol.asyncIterator]()
  const digester = new Digester(algorithmOf(digest))
  const kept: Uint8Array[] = []
  let last: Uint8Array | undefined
  let isOver = false
  const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
    while (!isOver) {
      call.signal.throwIfAborted()
      const read = await chunks.next()
      if (read.done === true) {
        isOver = true
        if (digester.digest() !== digest) throw damaged(name, `the content of ${digest} has another digest`)
        if (kind === 'manifest') check.add(digest, Buffer.concat(kept))
        break
      }
      digester.update(read.value)
      if (kind === 'manifest') kept.push(read.value)
      const value = last
      last = read.value
      if (value !== undefined) return { done: false, value }
    }
    const value = last
    last = undefined
    return value === undefined ? { done: true, value: undefined } : { done: false, value }
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

async function readNext(
  files: AsyncGenerator<TarFile, void>,
  expected: string,
  maxSize: number,
  name: string,
): Promise<{ readonly bytes: Buffer; readonly mtime: number }> {
  const next = await files.next()
  if (next.done === true || next.value.name !== expected) {
    throw invalidBundle(name, `the file ${expected} is missing or at another position`)
  }
  return { bytes: await readWhole(next.value, maxSize, name), mtime: next.value.mtime }
}

async function readWhole(file: TarFile, maxSize: number, name: string): Promise<Buffer> {
  if (file.size > maxSize) throw tooLarge(file.name, name)
  return Buffer.concat(await Array.fromAsync(file.bytes))
}

function unannounced(file: string, name: string): DrayError {
  return new DrayError('refused', `the bundle ${name} contains ${file}, which it does not announce`, {
    subject: name,
    why: 'dray-bundle.json does not list it, or lists it at another position',
    hint: 'Create the bundle again with dray bundle create.',
  })
}

function tooLarge(what: string, name: string): DrayError {
  return invalidBundle(name, `${what} is too large`)
}

function wrongTime(name: string): DrayError {
  return damaged(name, 'a file in it has another time than its document')
}

function damaged(name: string, why: string): DrayError {
  return new DrayError('corrupt', `the bundle ${name} is damaged`, {
    subject: name,
    why,
    hint: 'Transfer the file again, unchanged and not compressed.',
  })
}
