import { extract, pack, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { encodeHeader } from '../../../src/layout/tar/header.ts'
import { readTar } from '../../../src/layout/tar/read-tar.ts'
import { tarChunks } from '../../../src/layout/tar/write-tar.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

const blob = `blobs/sha256/${'a'.repeat(64)}`
const files: readonly (readonly [string, string])[] = [
  ['oci-layout', '{}'],
  ['index.json', 'x'.repeat(512)],
  [blob, ''],
  [`blobs/sha512/${'b'.repeat(128)}`, 'y'.repeat(1500)],
]

async function write(mtime = 0, entries = files): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const toWrite = entries.map(([name, text]) => ({
    name,
    size: text.length,
    open: async () => [Buffer.from(text)],
  }))
  for await (const chunk of tarChunks(toWrite, mtime)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length)
}

async function read(bytes: Uint8Array, length = 4096): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = []
  for await (const file of readTar(pieces(bytes, length), 'b.tar')) {
    let text = ''
    for await (const chunk of file.bytes) text += Buffer.from(chunk).toString()
    expect(bytes.subarray(file.offset, file.offset + file.size).toString()).toBe(text)
    found.push([file.name, text])
  }
  return found
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  try {
    await read(bytes)
    return 'accepted'
  } catch (error) {
    return isDrayError(error) ? error.code : String(error)
  }
}

/** A tar that another program makes. */
async function foreign(...entries: readonly Partial<Header>[]): Promise<Buffer> {
  const archive = pack()
  for (const entry of entries) archive.entry({ name: blob, mtime: new Date(0), ...entry }, '')
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('tarChunks', () => {
  it('writes the same bytes for the same files', async () => {
    expect((await write()).equals(await write())).toBe(true)
  })

  it('writes what another reader of tar understands', async () => {
    const found: unknown[] = []
    const reader = extract()
    const bytes = await write(1_700_000_000)
    reader.end(bytes)
    for await (const entry of reader as AsyncIterable<AsyncIterable<Buffer> & { header: Header }>) {
      let text = ''
      for await (const chunk of entry) text += chunk.toString()
      const { name, mode, uid, gid, type, mtime } = entry.header
      expect({ mode, uid, gid, type, mtime: mtime?.getTime() }).toEqual({
        mode: 0o644,
        uid: 0,
        gid: 0,
        type: 'file',
        mtime: 1_700_000_000_000,
      })
      found.push([name, text])
    }
    expect(found).toEqual(files)
  })

  it.each([['shorter'], ['longer content than']])('fails for %s content', async (which) => {
    const text = which === 'shorter' ? 'a' : 'abc'
    const chunks = tarChunks([{ name: 'a', size: 2, open: async () => [Buffer.from(text)] }], 0)
    await expect(Array.fromAsync(chunks)).rejects.toMatchObject({ code: 'internal' })
  })
})

describe('readTar', () => {
  it.each([1, 7, 511, 512, 100_000])('reads what tarChunks writes, in chunks of %i bytes', async (length) => {
    expect(await read(await write(1_700_000_000), length)).toEqual(files)
  })

  it('skips content that is not read', async () => {
    const names: string[] = []
    for await (const { name } of readTar(pieces(await write(), 100), 'b.tar')) names.push(name)
    expect(names).toEqual(files.map(([name]) => name))
  })

  it('refuses a tar with any flipped byte outside of the content, or returns another name', async () => {
    const bytes = await write()
    const content = new Set<number>()
    for await (const { offset, size } of readTar(pieces(bytes, 4096), 'b.tar')) {
      for (let at = offset; at < offset + size; at++) content.add(at)
    }
    const accepted: number[] = []
    for (let at = 0; at < bytes.byteLength; at++) {
      if (content.has(at)) continue
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      const names = (await read(damaged).catch(() => [])).map(([name]) => name)
      if (names.length > 0 && names.join() === files.map(([name]) => name).join()) accepted.push(at)
    }
    expect(accepted).toEqual([])
  })

  it('refuses a tar that is cut at any byte', async () => {
    const bytes = await write()
    const codes = new Set<string>()
    for (let length = 0; length < bytes.byteLength; length++)
      codes.add(await codeOf(bytes.subarray(0, length)))
    expect([...codes]).toEqual(['corrupt'])
  })

  it.each([1, 512, 1024])('refuses %i bytes after the end', async (length) => {
    expect(await codeOf(Buffer.concat([await write(), Buffer.alloc(length)]))).toBe('corrupt')
  })

  it('refuses a second tar after the end', async () => {
    expect(await codeOf(Buffer.concat([await write(), await write()]))).toBe('corrupt')
  })

  it.each<[string, Partial<Header>]>([
    ['a path out of the folder', { name: '../etc/passwd' }],
    ['a path out of the folder in its middle', { name: 'blobs/../../a' }],
    ['an absolute path', { name: '/etc/passwd' }],
    ['a path with a drive', { name: 'C:a' }],
    ['a path with backslashes', { name: '..\\a' }],
    ['a path with an empty part', { name: 'blobs//a' }],
    ['a path with a dot', { name: './oci-layout' }],
    ['a path with a line break', { name: 'a\nb' }],
    ['a hard link', { type: 'link', linkname: '/etc/passwd' }],
    ['a symbolic link', { type: 'symlink', linkname: '/etc' }],
    ['a character device', { type: 'character-device', devmajor: 1, devminor: 3 }],
    ['a block device', { type: 'block-device', devmajor: 8, devminor: 0 }],
    ['a pipe', { type: 'fifo' }],
    ['a folder', { type: 'directory', name: 'blobs' }],
    ['a contiguous file', { type: 'contiguous-file' }],
    ['a pax header that renames a file', { pax: { path: '../a' } }],
    ['a pax header that makes a link', { pax: { linkpath: '/etc' } }],
    ['a pax header with a size and a path', { pax: { size: '0', path: '../a' } }],
  ])('refuses %s', async (_what, entry) => {
    expect(await codeOf(await foreign(entry))).toBe('refused')
  })

  it('refuses a global pax header', async () => {
    const bytes = await foreign({})
    bytes[156] = 'g'.charCodeAt(0)
    bytes.write('\0\0\0\0\0\0\0\0', 148)
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 8 * 0x20)
    bytes.write(sum.toString(8).padStart(6, '0'), 148)
    expect(await codeOf(bytes)).toBe('refused')
  })

  it('refuses a pax header for a size that needs none', async () => {
    expect(await codeOf(await foreign({ pax: { size: '0' } }))).toBe('corrupt')
  })

  it.each<[string, Partial<Header>]>([
    ['a mode', { mode: 0o755 }],
    ['an owner', { uid: 1000 }],
    ['the name of an owner', { uname: 'root' }],
  ])('refuses %s that dray does not write', async (_what, entry) => {
    expect(await codeOf(await foreign(entry))).toBe('corrupt')
  })

  it('refuses a second file of the same name', async () => {
    expect(
      await codeOf(
        await write(0, [
          [blob, 'a'],
          [blob, 'a'],
        ]),
      ),
    ).toBe('refused')
  })

  it('refuses text that is no tar', async () => {
    expect(await codeOf(Buffer.alloc(2048, 'text '))).toBe('corrupt')
    expect(await codeOf(Buffer.alloc(0))).toBe('corrupt')
  })

  it('reads the size of a blob of 20 GB from a pax header before its content', async () => {
    const size = 20 * 1000 ** 3
    const header = await encodeHeader({ name: blob, size, mtime: 0 })
    const sizes: number[] = []
    const reading = (async () => {
      for await (const file of readTar(pieces(header, 512), 'b.tar')) sizes.push(file.size)
    })()
    await expect(reading).rejects.toMatchObject({
      code: 'corrupt',
      why: expect.stringContaining('20000000000'),
    })
    expect(sizes).toEqual([size])
  })

  it('refuses a pax header that has another size than the header of its file', async () => {
    const header = Buffer.from(await encodeHeader({ name: blob, size: 20 * 1000 ** 3, mtime: 0 }))
    header[512 + '20 size='.length] = '3'.charCodeAt(0)
    expect(await codeOf(header)).toBe('corrupt')
  })

  it('closes its input if the reader stops early', async () => {
    let isClosed = false
    const input = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield await write()
        yield Buffer.alloc(1)
      } finally {
        isClosed = true
      }
    }
    for await (const _ of readTar(input(), 'b.tar')) break
    expect(isClosed).toBe(true)
  })
})
