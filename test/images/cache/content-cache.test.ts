import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ContentCache } from '../../../src/images/cache/content-cache.ts'
import { type Digest, digestOf, encodedOf } from '../../../src/oci/digest.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

const hour = 60 * 60_000

async function cacheIn(folder: string, more: { maxBytes?: number } = {}) {
  const warnings: string[] = []
  const clock = manualClock()
  const warn = (text: string): void => void warnings.push(text)
  return { cache: new ContentCache({ folder, clock, warn, ...more }), warnings, clock, folder }
}

async function emptyCache(more: { maxBytes?: number } = {}) {
  return await cacheIn(join(await tempFolder(), 'cache', 'dray'), more)
}

/** The file of an entry. */
function fileOf(folder: string, digest: Digest): string {
  const name = encodedOf(digest)
  return join(folder, 'content', name.slice(0, 2), name)
}

/** All files of a cache. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function sizeOf(folder: string): number {
  return filesOf(folder).reduce((sum, file) => sum + statSync(file).size, 0)
}

/** Contents whose digests have the same prefix, so that they share a folder. */
function alike(start: string, count: number, size: number): Buffer[] {
  const found: Buffer[] = []
  for (let i = 0; found.length < count; i++) {
    const bytes = Buffer.alloc(size, `content ${i} `)
    if (encodedOf(digestOf(bytes)).startsWith(start)) found.push(bytes)
  }
  return found
}

describe('the cache of content', () => {
  it.each([Buffer.from('{}'), Buffer.alloc(0), Buffer.alloc(1024 ** 2, 'x')])(
    'returns the stored content, also to the next run',
    async (bytes) => {
      const { cache, folder } = await emptyCache()
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const digest = digestOf(bytes, algorithm)
        expect(await cache.get(digest)).toBeUndefined()
        await cache.put(digest, bytes)
        expect(await cache.get(digest)).toEqual(bytes)
        expect(await (await cacheIn(folder)).cache.get(digest)).toEqual(bytes)
      }
    },
  )

  it('keeps nothing larger than 1 MiB', async () => {
    const { cache, folder, warnings } = await emptyCache()
    const bytes = Buffer.alloc(1024 ** 2 + 1)
    await cache.put(digestOf(bytes), bytes)
    expect(await cache.get(digestOf(bytes))).toBeUndefined()
    expect(existsSync(folder)).toBe(false)
    expect(warnings).toEqual([])
  })

  it.each<[string, (file: string) => void]>([
    ['shorter', (file) => truncateSync(file, 3)],
    ['empty', (file) => truncateSync(file, 0)],
    ['changed', (file) => writeFileSync(file, 'tent con')],
    ['longer', (file) => writeFileSync(file, 'x', { flag: 'a' })],
    ['much longer', (file) => writeFileSync(file, Buffer.alloc(3 * 1024 ** 2))],
  ])('treats an entry that is %s as absent, and keeps it again', async (_, damage) => {
    const { cache, folder } = await emptyCache()
    const digest = digestOf('content')
    await cache.put(digest, Buffer.from('content'))
    damage(fileOf(folder, digest))
    expect(await cache.get(digest)).toBeUndefined()
    await cache.put(digest, Buffer.from('content'))
    expect(await cache.get(digest)).toEqual(Buffer.from('content'))
  })

  it('removes a damaged entry', async () => {
    const { cache, folder } = await emptyCache()
    await cache.put(digestOf('content'), Buffer.from('content'))
    truncateSync(fileOf(folder, digestOf('content')), 1)
    await cache.get(digestOf('content'))
    expect(filesOf(folder)).toEqual([])
  })

  it('returns nothing that was put under another digest', async () => {
    const { cache } = await emptyCache()
    await cache.put(digestOf('a'), Buffer.from('b'))
    expect(await cache.get(digestOf('a'))).toBeUndefined()
  })

  it('follows no symbolic link and reads no folder', async () => {
    const { cache, folder } = await emptyCache()
    const file = fileOf(folder, digestOf('content'))
    const put = (): Promise<void> => cache.put(digestOf('content'), Buffer.from('content'))
    await put()
    renameSync(file, `${folder}/elsewhere`)
    symlinkSync(`${folder}/elsewhere`, file)
    expect(await cache.get(digestOf('content'))).toBeUndefined()
    rmSync(file)
    mkdirSync(file)
    expect(await cache.get(digestOf('content'))).toBeUndefined()
  })

  it('is readable only for its user', async () => {
    const { cache, folder } = await emptyCache()
    const before = process.umask(0)
    try {
      await cache.put(digestOf('content'), Buffer.from('content'))
    } finally {
      process.umask(before)
    }
    const file = fileOf(folder, digestOf('content'))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const above of [folder, join(folder, 'content'), join(file, '..')]) {
      expect(statSync(above).mode & 0o777).toBe(0o700)
    }
  })

  it('works without a writable folder, and warns once', async () => {
    const file = join(await tempFolder(), 'file')
    writeFileSync(file, '')
    const { cache, warnings } = await cacheIn(file)
    for (const text of ['a', 'b']) await cache.put(digestOf(text), Buffer.from(text))
    expect(await cache.get(digestOf('a'))).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining(file)])
  })

  it('is filled again after it was emptied', async () => {
    const { cache, folder, warnings } = await emptyCache()
    await cache.put(digestOf('a'), Buffer.from('a'))
    rmSync(folder, { recursive: true })
    expect(await cache.get(digestOf('a'))).toBeUndefined()
    await cache.put(digestOf('a'), Buffer.from('a'))
    expect(await cache.get(digestOf('a'))).toEqual(Buffer.from('a'))
    expect(warnings).toEqual([])
  })

  it('reads if it may not write', async () => {
    const { cache, folder, clock, warnings } = await emptyCache()
    await cache.put(digestOf('a'), Buffer.from('a'))
    await clock.advance(24 * hour)
    chmodSync(fileOf(folder, digestOf('a')), 0o400)
    expect(await cache.get(digestOf('a'))).toEqual(Buffer.from('a'))
    expect(warnings).toEqual([])
  })
})

describe('the size of the cache', () => {
  it.each([
    ['small', 200, 4 * 1024 ** 2],
    ['middling', 9_000, 4 * 1024 ** 2],
    ['large', 60_000, 32 * 1024 ** 2],
  ])('is bounded for %s entries', async (_, size, maxBytes) => {
    const { cache, folder } = await emptyCache({ maxBytes })
    const count = (2 * maxBytes) / Math.max(size, 4096)
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.alloc(size, `content ${i} `)
      await cache.put(digestOf(bytes), bytes)
    }
    const onDisk = filesOf(folder).reduce(
      (sum, file) => sum + Math.ceil(statSync(file).size / 4096) * 4096,
      0,
    )
    expect(onDisk).toBeLessThan(maxBytes * 1.25)
    expect(onDisk).toBeGreaterThan(maxBytes * 0.6)
  })

  it('shrinks to its limit if the limit was lowered', async () => {
    const { folder, cache } = await emptyCache()
    const contents = Array.from({ length: 1_500 }, (_, i) => Buffer.alloc(8_000, `content ${i} `))
    for (const bytes of contents.slice(0, 500)) await cache.put(digestOf(bytes), bytes)
    const { cache: smaller } = await cacheIn(folder, { maxBytes: 2 * 1024 ** 2 })
    for (const bytes of contents.slice(500)) await smaller.put(digestOf(bytes), bytes)
    expect(sizeOf(folder)).toBeLessThan(2 * 1024 ** 2 * 1.25)
  })

  it('is kept by deleting the least recently used entries', async () => {
    // A part has room for 8 entries, and every new one makes the cache check its size.
    const { cache, clock } = await emptyCache({ maxBytes: 256 * 8 * 16_384 })
    const part = alike('7a', 9, 16_000)
    for (const bytes of part.slice(0, 8)) {
      await cache.put(digestOf(bytes), bytes)
      await clock.advance(2 * hour)
    }
    const [first] = part
    if (first === undefined) throw new Error('no content')
    await cache.get(digestOf(first))
    await clock.advance(2 * hour)
    for (const bytes of part.slice(8)) await cache.put(digestOf(bytes), bytes)
    const left = await Promise.all(
      part.map(async (bytes) => (await cache.get(digestOf(bytes))) !== undefined),
    )
    expect(left).toEqual([true, false, false, true, true, true, true, true, true])
  })

  it('ignores and deletes unfinished files of a dead process', async () => {
    const { cache, folder, clock } = await emptyCache({ maxBytes: 256 * 16_384 })
    const one = Buffer.alloc(16_000, 'x')
    await cache.put(digestOf(one), one)
    const part = join(fileOf(folder, digestOf(one)), '..')
    const [old, young] = ['a', 'b'].map((letter) => join(part, `.dray-${letter.repeat(24)}.tmp`))
    for (const file of [old, young]) writeFileSync(file ?? '', 'x')
    const at = (ms: number): Date => new Date(clock.now() - ms)
    utimesSync(old ?? '', at(2 * hour), at(2 * hour))
    utimesSync(young ?? '', at(0), at(0))
    await cache.put(digestOf(one), one)
    expect([old, young].map((file) => existsSync(file ?? ''))).toEqual([false, true])
    expect(await cache.get(digestOf(one))).toEqual(one)
  })
})

describe('several processes with one cache', () => {
  const script = join(import.meta.dirname, '../../support/cache-worker.ts')
  const begin = (folder: string, rounds: number, maxBytes: number, seed: number) => {
    const args = [script, folder, String(rounds), String(maxBytes), String(seed)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    return { child, output: () => output, ended: once(child, 'close') }
  }

  it('never read an incomplete entry, and stay within the limit', async () => {
    const folder = await tempFolder()
    const maxBytes = 1024 ** 2
    const workers = [1, 2, 3, 4].map((seed) => begin(folder, 1500, maxBytes, seed))
    await Promise.all(workers.map(({ ended }) => ended))
    for (const { output } of workers) expect(output()).toMatch(/^begun\nhits [1-9]\d*\n$/)
    expect(sizeOf(join(folder, 'content'))).toBeLessThan(maxBytes * 1.5)
  })

  it('may be killed at any moment', async () => {
    const folder = await tempFolder()
    for (let round = 0; round < 5; round++) {
      const { child, ended, output } = begin(folder, 0, 1024 ** 2, round + 1)
      while (!output().includes('begun')) await once(child.stdout, 'data')
      while (filesOf(folder).length <= round * 5) await new Promise((done) => setImmediate(done))
      child.kill('SIGKILL')
      await ended
      expect(output()).toBe('begun\n')
    }
    const { ended, output } = begin(folder, 1500, 1024 ** 2, 9)
    await ended
    expect(output()).toMatch(/^begun\nhits [1-9]\d*\n$/)
    const { cache } = await cacheIn(folder)
    const whole = filesOf(join(folder, 'content')).filter((file) => !file.endsWith('.tmp'))
    for (const file of whole) {
      expect(await cache.get(digestOf(readFileSync(file)))).toEqual(readFileSync(file))
    }
  })
})
