import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { LayoutRepositories, type LayoutRepository } from '../../src/layout/layout-repositories.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { type Digest, parseDigest } from '../../src/oci/digest.ts'
import { Copier } from '../../src/images/copy.ts'
import { EvidenceSearch } from '../../src/images/evidence/evidence.ts'
import type { BlobSource } from '../../src/images/ports.ts'
import * as images from '../support/images.ts'
import {
  blobFile,
  layoutDifferences,
  listLayout,
  readLayout,
  tagged,
  writeIndex,
  writeLayout,
} from '../support/layouts.ts'
import { tempFolder } from '../support/temp.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }

const d = (of: images.Descriptor): Descriptor => ({
  mediaType: of.mediaType,
  digest: parseDigest(of.digest),
  size: of.size,
})
const bytesOf = (content: images.Content, digest: string): Uint8Array =>
  content.manifests.find((m) => m.descriptor.digest === digest)?.bytes ??
  content.blobs.get(digest) ??
  Buffer.of()

function fromChunks(...chunks: readonly Uint8Array[]): BlobSource {
  async function* give(): AsyncGenerator<Uint8Array> {
    yield* chunks
  }
  return { open: () => Promise.resolve(give()) }
}

let cwd: string
const store = (name: string): LayoutRepository =>
  new LayoutRepositories(cwd, systemClock).target({ registry: 'oci:', path: name })
const at = (name: string): string => join(cwd, name)

async function copy(from: string, to: string, tag: string): Promise<void> {
  const [source, target] = [store(from), store(to)]
  const content = await source.manifest({ tag }, call)
  const copier = new Copier()
  await copier.copy(source, target, content.descriptor, { rootBy: 'tag' }, call)
  await target.putManifest(content.descriptor, content.bytes, [tag], call)
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const list: Uint8Array[] = []
  for await (const chunk of chunks) list.push(chunk)
  return Buffer.concat(list)
}

beforeEach(async () => {
  cwd = await tempFolder()
})

describe('reading a layout', () => {
  const content = images.index(['linux/amd64', 'linux/arm64'])

  it('resolves a tag, a listed digest and an unlisted digest', async () => {
    writeLayout(at('a'), content, '1.4.2')
    const child = d(content.manifests[0]?.descriptor ?? content.root)
    const a = store('a')
    expect(await a.resolve({ tag: '1.4.2' }, call)).toEqual(d(content.root))
    expect(await a.resolve({ digest: d(content.root).digest }, call)).toEqual(d(content.root))
    expect(await a.resolve({ digest: child.digest }, call)).toEqual(child)
    expect((await a.manifest(child, call)).bytes).toEqual(Buffer.from(bytesOf(content, child.digest)))
    expect(await a.resolve({ tag: '1.4.3' }, call)).toBeUndefined()
    await expect(a.manifest({ tag: '1.4.3' }, call)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('finds no manifest at the digest of a layer', async () => {
    writeLayout(at('a'), content, '1')
    for (const digest of content.blobs.keys()) {
      expect(await store('a').findManifest({ digest: parseDigest(digest) }, call)).toBeUndefined()
    }
  })

  it('streams a blob from its start or from an offset', async () => {
    const big = images.image({ layers: 1, layerSize: 700_000 })
    writeLayout(at('a'), big, '1')
    for (const [digest, bytes] of big.blobs) {
      const blob = d({ mediaType: 'x', digest, size: bytes.byteLength })
      expect((await all(await store('a').blob(blob, 0, call))).equals(bytes)).toBe(true)
      expect((await all(await store('a').blob(blob, 7, call))).equals(bytes.subarray(7))).toBe(true)
      expect(await store('a').hasBlob(blob, call)).toBe(true)
      expect(await store('a').hasBlob({ ...blob, size: 1 }, call)).toBe(false)
    }
  })

  it('yields the last chunk of a blob only after it is verified', async () => {
    const big = images.image({ layers: 1, layerSize: 700_000 })
    writeLayout(at('a'), big, '1')
    const [digest, bytes] = [...big.blobs].find(([, b]) => b.byteLength > 700_000) ?? ['', Buffer.of()]
    const changed = Buffer.from(bytes)
    changed[0] = 1
    writeFileSync(blobFile(at('a'), digest), changed)
    let given = 0
    const read = async (): Promise<void> => {
      const blob = d({ mediaType: 'x', digest, size: bytes.byteLength })
      for await (const chunk of await store('a').blob(blob, 0, call)) given += chunk.byteLength
    }
    await expect(read()).rejects.toMatchObject({ code: 'corrupt', subject: digest })
    expect(given).toBeLessThan(bytes.byteLength)
  })

  it('refuses a manifest or blob with another size or digest', async () => {
    writeLayout(at('a'), content, '1')
    const root = d(content.root)
    const file = blobFile(at('a'), root.digest)
    writeFileSync(file, Buffer.from(bytesOf(content, root.digest)).fill(0x20, 0, 1))
    await expect(store('a').manifest({ tag: '1' }, call)).rejects.toMatchObject({ code: 'corrupt' })
    writeFileSync(file, '{}')
    await expect(store('a').resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'corrupt' })
    await expect(store('a').blob(root, 0, call)).rejects.toMatchObject({ code: 'corrupt' })
    await rm(file)
    expect(await store('a').resolve({ tag: '1' }, call)).toBeUndefined()
    await expect(store('a').manifest({ tag: '1' }, call)).rejects.toMatchObject({
      code: 'not-found',
      subject: root.digest,
    })
    await expect(store('a').blob(root, 0, call)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('refuses a schema 1 manifest', async () => {
    const old = images.manifestOf('application/vnd.docker.distribution.manifest.v1+json', {
      schemaVersion: 1,
    })
    writeLayout(at('a'), { root: old.descriptor, blobs: new Map(), manifests: [old] }, '1')
    await expect(store('a').manifest({ tag: '1' }, call)).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('refuses a tag with two manifests', async () => {
    const other = images.image({ label: 'other' })
    writeLayout(at('a'), content, '1')
    writeLayout(at('a'), other, '1')
    await expect(store('a').resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'malformed' })
    expect(await store('a').resolve({ digest: d(other.root).digest }, call)).toEqual(d(other.root))
  })

  it('lists the names that are tags in one page, each once', async () => {
    writeLayout(at('a'), content, 'b', 'a', 'docker.io/library/x:1')
    const pages: (readonly string[])[] = []
    for await (const page of store('a').tagPages(call)) pages.push(page)
    expect(pages).toEqual([['a', 'b']])
    await expect(Array.fromAsync(store('absent').tags(call))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('finds listed manifests by their subject, with type and annotations', async () => {
    const sbom = images.referrer(content, { annotations: { a: 'b' } })
    const other = images.referrer(images.image({ label: 'other' }))
    writeLayout(at('a'), images.together(content, sbom, other), '1')
    const found = await store('a').referrers(parseDigest(content.root.digest), call)
    expect(found).toEqual([
      { ...d(sbom.root), artifactType: 'application/spdx+json', annotations: { a: 'b' } },
    ])
    expect(store('a').capability('referrers')).toBe('yes')
  })

  it('fails if a listed manifest is absent, because it could be a signature', async () => {
    const sbom = images.referrer(content)
    writeLayout(at('a'), images.together(content, sbom), '1')
    await rm(blobFile(at('a'), sbom.root.digest))
    const looking = store('a').referrers(parseDigest(content.root.digest), call)
    await expect(looking).rejects.toMatchObject({ code: 'not-found', subject: sbom.root.digest })
  })

  it('finds all evidence of an index: by subject, fallback tag and cosign tag, of a child and of evidence', async () => {
    const child = content.manifests[0]?.descriptor ?? content.root
    const sbom = images.referrer(content)
    const ofSbom = images.referrer(sbom, { artifactType: 'application/signature' })
    const ofChild = images.referrer(child, { payload: 'child' })
    const cosign = images.cosignSignature(content)
    const byTag = images.referrer(content, { payload: 'by tag alone' })
    writeLayout(at('a'), images.together(content, sbom, ofSbom, ofChild, cosign, byTag), '1')
    const fallback = images.index([byTag])
    writeLayout(at('a'), fallback, content.root.digest.replace(':', '-'))
    const listed = readLayout(at('a')).manifests
    writeIndex(
      at('a'),
      listed.filter((entry) => entry.digest !== byTag.root.digest),
    )
    const search = new EvidenceSearch(store('a'), { dangling: 'fail' })
    await search.find([parseDigest(content.root.digest), parseDigest(child.digest)], call)
    const placed = [sbom, ofSbom, ofChild, cosign, byTag].map((item) => item.root.digest)
    expect(search.found.map((item) => item.manifest.digest).sort()).toEqual(placed.sort())
  })

  it('keeps entries of unknown types', async () => {
    writeLayout(at('a'), content, '1')
    const odd = { mediaType: 'application/xml', digest: [...content.blobs.keys()][0], size: 3 }
    writeIndex(at('a'), [odd, tagged(content.root, '1')])
    expect(await store('a').resolve({ tag: '1' }, call)).toEqual(d(content.root))
    expect(await store('a').referrers(parseDigest(content.root.digest), call)).toEqual([])
    expect(await store('a').onlyImage(call)).toEqual({ tag: '1' })
  })
})

describe('a reference to a layout without a tag', () => {
  const content = images.index(['linux/amd64', 'linux/arm64'])

  it('is its only image, without children and evidence', async () => {
    const evidence = [images.referrer(content), images.cosignSignature(content)]
    writeLayout(at('a'), images.together(content, ...evidence), '1')
    // oras lists every manifest.
    const parts = content.manifests.map((m) => ({ ...m.descriptor, annotations: undefined }))
    writeIndex(at('a'), [...readLayout(at('a')).manifests, ...parts.slice(0, -1)])
    expect(await store('a').onlyImage(call)).toEqual({ tag: '1' })
  })

  it('is the only entry if that has no name', async () => {
    writeLayout(at('a'), content)
    writeIndex(at('a'), [content.root])
    expect(await store('a').onlyImage(call)).toEqual({ digest: content.root.digest })
  })

  it('is an error if there is no image or several, with their names', async () => {
    writeLayout(at('a'), content, '1.0', '1.0.1')
    expect(await store('a').onlyImage(call)).toEqual({ tag: '1.0' })
    writeLayout(at('a'), images.image(), '2.0')
    await expect(store('a').onlyImage(call)).rejects.toMatchObject({
      code: 'usage',
      why: 'they are 1.0, 1.0.1, 2.0',
    })
    await expect(store('none').onlyImage(call)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('writing a layout', () => {
  it('copies a complete image and lists only its tag', async () => {
    const content = images.index(['linux/amd64', 'linux/arm64'])
    writeLayout(at('a'), content, '1')
    await copy('a', 'deep/b', '1')
    expect(layoutDifferences(at('deep/b'), content)).toEqual([])
    expect(listLayout(at('deep/b'))).toEqual({ '1': content.root.digest })
    expect(readFileSync(at('deep/b/oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}')
    expect(readdirSync(at('deep/b')).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })

  it('writes nothing if the image is up to date', async () => {
    const content = images.index(['linux/amd64', 'linux/arm64'])
    writeLayout(at('a'), content, '1')
    writeLayout(at('b'), content, '1')
    const before = readFileSync(at('b/index.json'), 'utf8')
    const source: BlobSource = { open: () => Promise.reject(new Error('nobody asks')) }
    for (const [digest, bytes] of content.blobs) {
      const blob = d({ mediaType: 'x', digest, size: bytes.byteLength })
      expect(await store('b').putBlob(blob, source, call)).toBe('present')
    }
    await copy('a', 'b', '1')
    expect(readFileSync(at('b/index.json'), 'utf8')).toBe(before)
  })

  it('moves a tag by its entry, and keeps all other fields of the index', async () => {
    const [old, fresh] = [images.image({ label: 'old' }), images.image({ label: 'new' })]
    writeLayout(at('a'), fresh, 'latest')
    writeLayout(at('b'), old, 'latest', '1')
    const odd = { mediaType: 'application/xml', digest: old.root.digest, size: 3, 'x-field': [1] }
    writeIndex(at('b'), [odd, ...readLayout(at('b')).manifests], { annotations: { 'com.example': 'x' } })
    await copy('a', 'b', 'latest')
    const after = readLayout(at('b'))
    expect(after['annotations']).toEqual({ 'com.example': 'x' })
    expect(after.manifests).toEqual([odd, tagged(old.root, '1'), tagged(fresh.root, 'latest')])
  })

  it('calls beforeAttempt once it has the lock, and changes nothing if that throws', async () => {
    const content = images.image()
    writeLayout(at('b'), content, '1')
    const before = readFileSync(at('b/index.json'), 'utf8')
    let hadLock = false
    const refuse = async (): Promise<void> => {
      hadLock = readdirSync(at('b')).some((name) => name.includes('lock'))
      throw new Error('the tag was moved')
    }
    const root = d(content.root)
    const attempts = [
      () => store('b').putManifest(root, bytesOf(content, root.digest), ['2'], call, refuse),
      () => store('b').deleteTag('1', call, refuse),
      () => store('b').deleteManifest(root.digest, call, refuse),
    ]
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toThrow('the tag was moved')
      expect(hadLock).toBe(true)
    }
    expect(readFileSync(at('b/index.json'), 'utf8')).toBe(before)
  })

  it('lists an image without a tag once, until it has a tag', async () => {
    const content = images.image()
    writeLayout(at('a'), content, '1')
    const b = store('b')
    const bytes = bytesOf(content, content.root.digest)
    await b.putManifest(d(content.root), bytes, [], call)
    await b.putManifest(d(content.root), bytes, [], call)
    expect(readLayout(at('b')).manifests).toEqual([d(content.root)])
    await b.putManifest(d(content.root), bytes, ['1', '1.4'], call)
    expect(readLayout(at('b')).manifests).toEqual([tagged(content.root, '1'), tagged(content.root, '1.4')])
  })

  it('lists a referrer, also of a child', async () => {
    const content = images.index(['linux/amd64'])
    const child = content.manifests[0]?.descriptor ?? content.root
    const signature = images.referrer(child)
    const whole = images.together(content, signature)
    writeLayout(at('a'), whole, '1')
    await copy('a', 'b', '1')
    const put = await store('b').putManifest(
      d(signature.root),
      bytesOf(whole, signature.root.digest),
      [],
      call,
    )
    expect(put.subjectListed).toBe(true)
    await copy('a', 'b', '1')
    const found = await store('b').referrers(parseDigest(child.digest), call)
    expect(found?.map((f) => f.digest)).toEqual([signature.root.digest])
    expect(await store('b').onlyImage(call)).toEqual({ tag: '1' })
  })

  it('refuses bytes that do not match the descriptor, and leaves no file', async () => {
    const content = images.image()
    const layer = [...content.blobs].map(([digest, b]) =>
      d({ mediaType: 'x', digest, size: b.byteLength }),
    )[0]
    if (layer === undefined) throw new Error('no layer')
    const right = bytesOf(content, layer.digest)
    const b = store('b')
    const sources = [
      fromChunks(Buffer.from(right).fill(1, 0, 1)),
      fromChunks(right.subarray(1)),
      fromChunks(right, Buffer.from('more')),
      fromChunks(),
    ]
    for (const source of sources) {
      await expect(b.putBlob(layer, source, call)).rejects.toMatchObject({ code: 'corrupt' })
    }
    const other = { ...d(content.root), digest: layer.digest }
    const bytes = bytesOf(content, content.root.digest)
    await expect(b.putManifest(other, bytes, ['1'], call)).rejects.toMatchObject({ code: 'corrupt' })
    expect(readdirSync(at('b')).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
    expect(readdirSync(at('b/blobs/sha256'))).toEqual([])
    expect(readLayout(at('b')).manifests).toEqual([])
  })

  it('reads a blob again if it arrived corrupt', async () => {
    const right = Buffer.from('the right bytes')
    const blob = d({ mediaType: 'x', digest: images.sha256(right), size: right.byteLength })
    let opened = 0
    const flaky: BlobSource = {
      open: (offset, c) =>
        fromChunks(++opened === 1 ? Buffer.from('the wrong bytes') : right).open(offset, c),
    }
    expect(await store('b').putBlob(blob, flaky, call)).toBe('uploaded')
    expect(opened).toBe(2)
  })

  it('replaces a truncated file of a blob', async () => {
    const right = Buffer.from('the right bytes')
    const blob = d({ mediaType: 'x', digest: images.sha256(right), size: right.byteLength })
    await store('b').putBlob(blob, fromChunks(right), call)
    writeFileSync(blobFile(at('b'), blob.digest), 'the')
    expect(await store('b').putBlob(blob, fromChunks(right), call)).toBe('uploaded')
    expect(readFileSync(blobFile(at('b'), blob.digest))).toEqual(right)
  })

  it('leaves no unfinished file if it is aborted', async () => {
    const stop = new AbortController()
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(10)
      yield Buffer.alloc(10)
      stop.abort(new Error('enough'))
      yield Buffer.alloc(10)
    }
    const blob = d({ mediaType: 'x', digest: images.sha256('x'), size: 1000 })
    const put = store('b').putBlob(
      blob,
      { open: () => Promise.resolve(endless()) },
      { ...call, signal: stop.signal },
    )
    await expect(put).rejects.toThrow('enough')
    expect(readdirSync(at('b')).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })

  it('closes its source if it is aborted while the source opens', async () => {
    const image = images.image()
    const [digest, bytes] = [...image.blobs][0] ?? ['', Buffer.of()]
    const blob: Descriptor = { mediaType: 'x/y', digest: parseDigest(digest), size: bytes.byteLength }
    const controller = new AbortController()
    let closed = 0
    const stream: AsyncIterableIterator<Uint8Array> = {
      [Symbol.asyncIterator]: () => stream,
      next: async () => ({ done: false, value: bytes }),
      return: async () => ({ done: true, value: (closed++, undefined) }),
    }
    const open = async (): Promise<AsyncIterable<Uint8Array>> => {
      controller.abort(new Error('enough'))
      return stream
    }
    const put = store('to').putBlob(blob, { open }, { signal: controller.signal, notify: () => undefined })
    await expect(put).rejects.toThrow('enough')
    expect(closed).toBe(1)
  })

  it('reports the bytes that it wrote', async () => {
    const right = Buffer.from('the right bytes')
    const blob = d({ mediaType: 'x', digest: images.sha256(right), size: right.byteLength })
    let bytes = 0
    const counting: Call = { ...call, notify: (event) => (bytes += event.kind === 'bytes' ? event.bytes : 0) }
    await store('b').putBlob(blob, fromChunks(right.subarray(0, 3), right.subarray(3)), counting)
    expect(bytes).toBe(right.byteLength)
  })

  it('loses no tag of two concurrent writers', async () => {
    const contents = Array.from({ length: 6 }, (_, i) => images.image({ label: `image ${i}` }))
    const put = (content: images.Content, i: number): Promise<unknown> =>
      // Each has its own repository. They share only the folder, like two processes.
      store('b').putManifest(d(content.root), bytesOf(content, content.root.digest), [`t${i}`], call)
    await Promise.all(contents.map(put))
    const expected = Object.fromEntries(contents.map((content, i) => [`t${i}`, content.root.digest]))
    expect(listLayout(at('b'))).toEqual(expected)
    expect(existsSync(at('b/.dray.lock'))).toBe(false)
  })
})

describe('deleting from a layout', () => {
  const content = images.index(['linux/amd64'])
  const digest: Digest = parseDigest(content.root.digest)

  it('deletes a tag, and keeps the other tags and the manifest', async () => {
    writeLayout(at('a'), content, '1', '2')
    expect(await store('a').deleteTag('1', call)).toBe('deleted')
    expect(await store('a').deleteTag('1', call)).toBe('absent')
    expect(listLayout(at('a'))).toEqual({ '2': digest })
    await store('a').deleteTag('2', call)
    expect(await store('a').resolve({ digest }, call)).toEqual(d(content.root))
  })

  it('deletes a manifest with all its tags, and keeps its blobs', async () => {
    writeLayout(at('a'), content, '1', '2')
    expect(await store('a').deleteManifest(digest, call)).toBe('deleted')
    expect(await store('a').deleteManifest(digest, call)).toBe('absent')
    expect(await store('a').resolve({ digest }, call)).toBeUndefined()
    expect(readLayout(at('a')).manifests).toEqual([])
    expect(layoutDifferences(at('a'), content)).toEqual([`${digest} is missing`])
  })

  it('refuses a child of a listed index', async () => {
    writeLayout(at('a'), content, '1')
    const part = parseDigest(content.manifests[0]?.descriptor.digest ?? '')
    await expect(store('a').deleteManifest(part, call)).rejects.toMatchObject({ code: 'refused' })
    await store('a').deleteManifest(digest, call)
    expect(await store('a').deleteManifest(part, call)).toBe('deleted')
  })

  it('finds no manifest at the digest of a layer', async () => {
    writeLayout(at('a'), content, '1')
    const layer = parseDigest([...content.blobs.keys()][0] ?? '')
    expect(await store('a').deleteManifest(layer, call)).toBe('absent')
    expect(layoutDifferences(at('a'), content)).toEqual([])
  })

  it('finds nothing if there is no layout, and creates none', async () => {
    expect(await store('none').deleteTag('1', call)).toBe('absent')
    expect(await store('none').deleteManifest(digest, call)).toBe('absent')
    expect(existsSync(at('none'))).toBe(false)
  })
})
