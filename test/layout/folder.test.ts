import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { LayoutRepositories, type LayoutRepository } from '../../src/layout/layout-repositories.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import * as images from '../support/images.ts'
import { blobFile, listLayout, readLayout, writeIndex, writeLayout } from '../support/layouts.ts'
import { tempFolder } from '../support/temp.ts'

const call: Call = { signal: new AbortController().signal, notify: () => undefined }
const content = images.image()
const manifest = content.manifests[0]?.bytes ?? Buffer.of()
const root: Descriptor = { ...content.root, digest: parseDigest(content.root.digest) }
const blobs = [...content.blobs].map(([digest, bytes]) => ({
  descriptor: { mediaType: 'x', digest: parseDigest(digest), size: bytes.byteLength },
  bytes,
}))

let cwd: string
const at = (name: string): string => join(cwd, name)
const store = (name = 'a'): LayoutRepository =>
  new LayoutRepositories(cwd, systemClock).target({ registry: 'oci:', path: name })

async function putAll(to: LayoutRepository): Promise<void> {
  for (const { descriptor, bytes } of blobs) {
    async function* give(): AsyncGenerator<Uint8Array> {
      yield bytes
    }
    await to.putBlob(descriptor, { open: () => Promise.resolve(give()) }, call)
  }
  await to.putManifest(root, manifest, ['1'], call)
}

beforeEach(async () => {
  cwd = await tempFolder()
})

describe('the folder of a layout', () => {
  it('is an empty repository if it is absent or empty, and reads create nothing', async () => {
    mkdirSync(at('empty'))
    for (const name of ['absent', 'empty']) {
      expect(await store(name).resolve({ tag: '1' }, call)).toBeUndefined()
      expect(await store(name).findManifest(root, call)).toBeUndefined()
      expect(await store(name).hasBlob(root, call)).toBe(false)
      expect(await store(name).referrers(root.digest, call)).toEqual([])
      await expect(store(name).manifest({ tag: '1' }, call)).rejects.toMatchObject({ code: 'not-found' })
    }
    expect(readdirSync(cwd)).toEqual(['empty'])
    expect(readdirSync(at('empty'))).toEqual([])
  })

  it('is refused for reads and writes if it has other files, and stays unchanged', async () => {
    mkdirSync(at('a'))
    writeFileSync(at('a/photo.jpg'), '')
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'malformed' })
    await expect(putAll(store())).rejects.toMatchObject({ code: 'malformed' })
    expect(readdirSync(at('a'))).toEqual(['photo.jpg'])
  })

  it('is a DrayError if it is a file', async () => {
    writeFileSync(at('a'), '')
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ name: 'DrayError' })
    await expect(putAll(store())).rejects.toMatchObject({ code: 'io' })
  })

  it('may be a symbolic link', async () => {
    mkdirSync(at('real'))
    symlinkSync('real', at('a'))
    await putAll(store())
    expect(listLayout(at('real'))).toEqual({ '1': root.digest })
  })
})

describe('the file oci-layout', () => {
  it.each([
    ['{"imageLayoutVersion":"2.0.0"}', 'unsupported'],
    ['{"imageLayoutVersion":1}', 'malformed'],
    ['{}', 'malformed'],
    ['[]', 'malformed'],
    ['', 'malformed'],
    ['{"imageLayoutVersion":"1.0', 'malformed'],
    [' '.repeat(5000), 'malformed'],
  ])('with the text %j is %s', async (text, code) => {
    writeLayout(at('a'), content, '1')
    writeFileSync(at('a/oci-layout'), text)
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ code })
    await expect(putAll(store())).rejects.toMatchObject({ code })
  })
})

describe('index.json', () => {
  it('is an error that names the file if it is truncated, and is not overwritten', async () => {
    writeLayout(at('a'), content, '1')
    const whole = readFileSync(at('a/index.json'), 'utf8')
    for (const length of [0, 1, whole.length - 1]) {
      writeFileSync(at('a/index.json'), whole.slice(0, length))
      const broken = { code: 'malformed', subject: join('a', 'index.json') }
      await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject(broken)
      await expect(putAll(store())).rejects.toMatchObject(broken)
      expect(readFileSync(at('a/index.json'), 'utf8')).toBe(whole.slice(0, length))
    }
  })

  it('is an error if it is absent beside blobs, and not an empty index', async () => {
    writeLayout(at('a'), content, '1')
    await rm(at('a/index.json'))
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'malformed' })
    await expect(putAll(store())).rejects.toMatchObject({ code: 'malformed' })
  })

  it.each([
    ['an image manifest', { config: root, layers: [] }],
    ['a digest that is a path to another folder', { manifests: [{ ...root, digest: 'sha256:../../x' }] }],
    ['entries that are not a list', { manifests: {} }],
  ])('with %s is malformed', async (_, body) => {
    writeLayout(at('a'), content, '1')
    writeFileSync(at('a/index.json'), JSON.stringify({ schemaVersion: 2, ...body }))
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'malformed' })
  })

  it('is not read if it is larger than a manifest may be', async () => {
    writeLayout(at('a'), content, '1')
    writeIndex(at('a'), [], { annotations: { x: 'x'.repeat(8 * 1024 * 1024) } })
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'malformed' })
  })
})

describe('a write that was killed', () => {
  /** The files of a new layout after each step of its creation and its first write. */
  const states: readonly (readonly [string, (folder: string) => void])[] = [
    ['before creating the folder', () => undefined],
    ['after creating the folder', (f) => mkdirSync(f)],
    [
      'while writing oci-layout',
      (f) => {
        mkdirSync(f)
        writeFileSync(join(f, `.dray-${'0'.repeat(24)}.tmp`), '{"image')
      },
    ],
    [
      'after writing oci-layout',
      (f) => {
        mkdirSync(f)
        writeFileSync(join(f, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
      },
    ],
    [
      'after creating the folder of blobs',
      (f) => {
        mkdirSync(join(f, 'blobs'), { recursive: true })
        writeFileSync(join(f, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
      },
    ],
    [
      'while writing a blob',
      (f) => {
        writeLayout(f, { ...content, blobs: new Map(), manifests: [] })
        writeFileSync(join(f, `.dray-${'1'.repeat(24)}.tmp`), 'half a layer')
      },
    ],
    ['between the blobs and index.json', (f) => writeLayout(f, content)],
    ['after writing index.json', (f) => writeLayout(f, content, '1')],
  ]

  it.each(states)(
    '%s leaves no tag or a complete one, and the next write completes it',
    async (name, make) => {
      make(at('a'))
      const before = await store().resolve({ tag: '1' }, call)
      expect(before?.digest).toBe(name === 'after writing index.json' ? root.digest : undefined)
      await putAll(store())
      expect(listLayout(at('a'))).toEqual({ '1': root.digest })
      expect((await store().manifest({ tag: '1' }, call)).bytes).toEqual(Buffer.from(manifest))
    },
  )

  it('leaves unfinished files, which are deleted after a day', async () => {
    writeLayout(at('a'), content, '1')
    const [old, fresh] = [`.dray-${'0'.repeat(24)}.tmp`, `.dray-${'1'.repeat(24)}.tmp`]
    for (const name of [old, fresh]) writeFileSync(join(at('a'), name), '')
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000)
    utimesSync(join(at('a'), old), yesterday, yesterday)
    await putAll(store())
    expect(existsSync(join(at('a'), old))).toBe(false)
    expect(existsSync(join(at('a'), fresh))).toBe(true)
  })
})

describe('a symbolic link in a layout', () => {
  const escapes: readonly (readonly [string, string])[] = [
    ['the blobs', 'blobs'],
    ['the blobs of an algorithm', 'blobs/sha256'],
    ['the index', 'index.json'],
    ['the version', 'oci-layout'],
  ]

  it.each(escapes)('is refused for %s, and nothing is written to its target', async (_, name) => {
    writeLayout(at('a'), content, '1')
    renameSync(join(at('a'), name), at('outside'))
    symlinkSync(at('outside'), join(at('a'), name))
    const names = (): string[] => readdirSync(cwd, { recursive: true, encoding: 'utf8' }).sort()
    const before = names()
    await expect(store().manifest({ tag: '1' }, call)).rejects.toMatchObject({ code: 'refused' })
    await expect(putAll(store())).rejects.toMatchObject({ code: 'refused' })
    expect(names()).toEqual(before)
  })

  it('is refused for a blob or a manifest, in reads and writes', async () => {
    writeLayout(at('a'), content, '1')
    const [layer] = blobs
    if (layer === undefined) throw new Error('no layer')
    for (const digest of [layer.descriptor.digest, root.digest]) {
      renameSync(blobFile(at('a'), digest), at('outside'))
      symlinkSync('../../../outside', blobFile(at('a'), digest))
    }
    await expect(store().manifest({ tag: '1' }, call)).rejects.toMatchObject({ code: 'refused' })
    await expect(store().resolve({ tag: '1' }, call)).rejects.toMatchObject({ code: 'refused' })
    await expect(store().blob(layer.descriptor, 0, call)).rejects.toMatchObject({ code: 'refused' })
    await expect(store().hasBlob(layer.descriptor, call)).rejects.toMatchObject({ code: 'refused' })
    await expect(putAll(store())).rejects.toMatchObject({ code: 'refused' })
  })

  it('is not followed by a write if its target is absent', async () => {
    mkdirSync(at('a'))
    writeFileSync(at('a/oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    writeIndex(at('a'), [])
    symlinkSync(at('outside'), at('a/blobs'))
    await expect(putAll(store())).rejects.toMatchObject({ code: 'refused' })
    expect(existsSync(at('outside'))).toBe(false)
  })

  it('is followed if its target is in the layout', async () => {
    writeLayout(at('a'), content, '1')
    renameSync(at('a/blobs/sha256'), at('a/blobs/store'))
    symlinkSync('store', at('a/blobs/sha256'))
    expect((await store().manifest({ tag: '1' }, call)).descriptor.digest).toBe(root.digest)
    expect(readLayout(at('a')).manifests).toHaveLength(1)
  })
})
