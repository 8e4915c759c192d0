import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bundleFiles, pathOfBlob } from '../../../src/cli/bundle/bundle-files.ts'
import { openBundle } from '../../../src/cli/bundle/read-bundle.ts'
import { readTar } from '../../../src/layout/tar/read-tar.ts'
import { tarChunks } from '../../../src/layout/tar/write-tar.ts'
import type { Call } from '../../../src/lib/call.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'
import type { BundleContent, BundleDocument } from '../../../src/plan/bundle/bundle-document.ts'
import { formatBundleDocument, withBundleId } from '../../../src/plan/bundle/bundle-file.ts'
import { layoutFile, layoutIndexOf } from '../../../src/plan/bundle/layout-index.ts'
import { parseSigningKey, publicHalf, type SigningKey } from '../../../src/signing/signing-keys.ts'
import { signBundle, verifyBundleSignature } from '../../../src/usecases/bundle/bundle-signature.ts'
import * as images from '../../support/images.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }
type File = readonly [name: string, bytes: Uint8Array]

function newKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  return parseSigningKey(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'key')
}

const key = newKey()
const image = images.image()
const repository = 'api'
const manifests = image.manifests.map(({ descriptor, bytes }): File => [descriptor.digest, bytes])
const blobs = [...image.blobs].map(([digest, bytes]): File => [digest, bytes])
const root = { ...image.root, digest: parseDigest(image.root.digest) }

function contentOf([digest, bytes]: File, kind: BundleContent['kind']): BundleContent {
  return { digest: parseDigest(digest), size: bytes.byteLength, kind, repository }
}

const carries = [
  ...manifests.map((one) => contentOf(one, 'manifest')),
  ...blobs.map((one) => contentOf(one, 'blob')),
]
const rest = {
  sequence: 1,
  roots: [{ repository, root, tags: ['1'], source: 'r.example/api' }],
  carries,
  expects: [],
  deletes: [],
}
const document = withBundleId(rest)
const contents: readonly File[] = [...manifests, ...blobs].map(([digest, bytes]) => [
  pathOfBlob(parseDigest(digest)),
  bytes,
])

/** The files before the content. */
function headOf(of: BundleDocument, signer: SigningKey = key): readonly File[] {
  const bytes = formatBundleDocument(of)
  return [
    [bundleFiles.layout, Buffer.from(layoutFile)],
    [bundleFiles.index, Buffer.from(layoutIndexOf(of))],
    [bundleFiles.document, bytes],
    [bundleFiles.signature, signBundle(bytes, signer)],
  ]
}

async function tarOf(files: readonly File[], mtime = 0): Promise<Buffer> {
  const entries = files.map(([name, bytes]) => ({
    name,
    size: bytes.byteLength,
    open: async () => [bytes],
  }))
  return Buffer.concat(await Array.fromAsync(tarChunks(entries, mtime)))
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Verifies a bundle. Returns `intact`, or the code of the error. */
async function verify(bytes: Uint8Array, signer: SigningKey | 'none' = key): Promise<string> {
  try {
    const opened = await openBundle(oneChunk(bytes), 'b.tar', call)
    if (signer !== 'none') {
      verifyBundleSignature(opened.documentBytes, opened.signature, [publicHalf(signer)], 'b.tar')
    }
    for await (const { bytes: content } of opened.contents) for await (const _ of content);
    return 'intact'
  } catch (error) {
    return isDrayError(error) ? error.code : String(error)
  }
}

describe('openBundle', () => {
  it('reads the content in the order of the document, with its positions', async () => {
    const bytes = await tarOf([...headOf(document), ...contents])
    const opened = await openBundle(oneChunk(bytes), 'b.tar', call)
    const found: string[] = []
    for await (const { content, offset, bytes: chunks } of opened.contents) {
      const read = Buffer.concat(await Array.fromAsync(chunks))
      expect(read.equals(bytes.subarray(offset, offset + content.size))).toBe(true)
      expect(digestOf(read)).toBe(content.digest)
      found.push(content.digest)
    }
    expect(found).toEqual(carries.map(({ digest }) => digest))
    expect(opened.document).toEqual(document)
  })

  it('verifies content that is not read', async () => {
    const damaged = contents.map(([name, bytes], i): File => [
      name,
      i === contents.length - 1 ? flip(bytes) : bytes,
    ])
    const opened = await openBundle(oneChunk(await tarOf([...headOf(document), ...damaged])), 'b.tar', call)
    const reading = (async () => {
      for await (const _ of opened.contents);
    })()
    await expect(reading).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('closes its input if only the head is read', async () => {
    let isClosed = false
    const bytes = await tarOf([...headOf(document), ...contents])
    const input = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield bytes
      } finally {
        isClosed = true
      }
    }
    await (await openBundle(input(), 'b.tar', call)).close()
    expect(isClosed).toBe(true)
  })

  /** Each run takes milliseconds, so every eleventh byte, with another bit each time. */
  const flipEvery = 11

  it('accepts no bundle with a flipped bit, also in padding, headers and the signature', async () => {
    const bytes = await tarOf([...headOf(document), ...contents])
    expect(await verify(bytes)).toBe('intact')
    const accepted: number[] = []
    for (let at = 0; at < bytes.byteLength; at += flipEvery) {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
      if ((await verify(bytes)) === 'intact') accepted.push(at)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    }
    expect(accepted).toEqual([])
  })

  it('accepts no bundle that is cut, at or inside of any file', async () => {
    const bytes = await tarOf([...headOf(document), ...contents])
    const ends = new Set<number>()
    for await (const { offset, size } of readTar(oneChunk(bytes), 'b.tar')) {
      for (const at of [offset - 512, offset - 1, offset, offset + 1, offset + size - 1, offset + size])
        ends.add(at)
    }
    for (let at = 0; at < bytes.byteLength; at += 97) ends.add(at)
    for (const end of ends) expect(await verify(bytes.subarray(0, end)), String(end)).not.toBe('intact')
  })

  const [first = contents[0] as File, ...others] = contents
  const other: File = [pathOfBlob(digestOf('other')), Buffer.from('other')]
  it.each<[string, readonly File[], string]>([
    ['an unannounced blob at the end', [...contents, other], 'refused'],
    ['an unannounced blob before the others', [other, ...contents], 'refused'],
    ['an unannounced blob in the middle', [first, other, ...others], 'refused'],
    ['a file that is no blob', [...contents, ['README.md', Buffer.from('text')]], 'refused'],
    ['a blob twice', [...contents, contents.at(-1) ?? other], 'refused'],
    ['two blobs in the wrong order', [first, ...others.toReversed()], 'refused'],
    ['a missing blob', contents.slice(0, -1), 'corrupt'],
    ['no content', [], 'corrupt'],
    ['a blob of another size', [first, ...others.map(([name, b]): File => [name, b.subarray(1)])], 'corrupt'],
    ['a blob of other bytes', [first, ...others.map(([name, b]): File => [name, flip(b)])], 'corrupt'],
    ['a manifest of other bytes', [[first[0], flip(first[1])], ...others], 'corrupt'],
  ])('refuses %s', async (_what, files, code) => {
    expect(await verify(await tarOf([...headOf(document), ...files]))).toBe(code)
  })

  const [layout, index, own, signature] = headOf(document) as [File, File, File, File]
  it.each<[string, readonly File[]]>([
    ['no image layout', [index, own, signature]],
    ['no index.json', [layout, own, signature]],
    ['no document', [layout, index, signature]],
    ['its document first', [own, layout, index, signature]],
    ['its signature before the document', [layout, index, signature, own]],
    ['an index.json of another document', [layout, [index[0], Buffer.from('{}')], own, signature]],
    [
      'another version of the layout',
      [[layout[0], Buffer.from('{"imageLayoutVersion":"2.0.0"}')], index, own],
    ],
    ['a second signature', [layout, index, own, signature, signature]],
  ])('refuses a bundle with %s', async (_what, head) => {
    expect(await verify(await tarOf([...head, ...contents]))).not.toBe('intact')
    expect(await verify(await tarOf([...head, ...contents]), 'none')).not.toBe('intact')
  })

  it('refuses another time than that of the document', async () => {
    expect(await verify(await tarOf([...headOf(document), ...contents], 1))).toBe('corrupt')
  })

  it('refuses a document that omits a layer of an image, before the first blob', async () => {
    const lacking = withBundleId({ ...rest, carries: carries.slice(0, -1) })
    const bytes = await tarOf([...headOf(lacking), ...contents.slice(0, -1)])
    const opened = await openBundle(oneChunk(bytes), 'b.tar', call)
    const kinds: string[] = []
    const reading = (async () => {
      for await (const { content } of opened.contents) kinds.push(content.kind)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'malformed' })
    expect(kinds).toEqual(['manifest'])
  })

  it('refuses a document that announces a blob which no image has', async () => {
    const size = other[1].byteLength
    const extra = { digest: digestOf('other'), size, kind: 'blob', repository } as const
    const padded = withBundleId({ ...rest, carries: [...carries, extra] })
    expect(await verify(await tarOf([...headOf(padded), ...contents, other]))).toBe('malformed')
  })
})

describe('the signature of a bundle', () => {
  const another = withBundleId({ ...rest, roots: rest.roots.map((one) => ({ ...one, tags: ['2'] })) })
  const withSignature = async (bytes: Uint8Array): Promise<Buffer> =>
    await tarOf([...headOf(document).slice(0, 3), [bundleFiles.signature, bytes], ...contents])

  it('is required for a key', async () => {
    const unsigned = await tarOf([...headOf(document).slice(0, 3), ...contents])
    expect(await verify(unsigned)).toBe('refused')
    expect(await verify(unsigned, 'none')).toBe('intact')
  })

  it('of another key is refused', async () => {
    expect(await verify(await withSignature(signBundle(formatBundleDocument(document), newKey())))).toBe(
      'refused',
    )
  })

  it('of another bundle is refused', async () => {
    expect(await verify(await withSignature(signBundle(formatBundleDocument(another), key)))).toBe(
      'malformed',
    )
  })

  it('in another form of the same JSON is refused', async () => {
    const text = Buffer.from(signBundle(formatBundleDocument(document), key)).toString()
    expect(await verify(await withSignature(Buffer.from(`${text}\n`)))).toBe('malformed')
  })
})

function flip(bytes: Uint8Array): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[0] = (flipped[0] ?? 0) ^ 1
  return flipped
}
