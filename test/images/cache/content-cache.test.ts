import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
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
import { readIndex } from '../../../src/lib/files/pack.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

const hour = 60 * 60_000

async function cacheIn(folder: string, { at, ...more }: { maxBytes?: number; at?: number } = {}) {
  const warnings: string[] = []
  const clock = manualClock(at)
  const warn = (text: string): void => void warnings.push(text)
  return { cache: new ContentCache({ folder, clock, warn, ...more }), warnings, clock, folder }
}

async function emptyCache(more: { maxBytes?: number } = {}) {
  return await cacheIn(join(await tempFolder(), 'cache', 'dray'), more)
}

/** All files of a cache. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** The one file of a cache. */
function packOf(folder: string): string {
  const [file, ...more] = filesOf(folder)
  if (file === undefined || more.length > 0) throw new Error(`${more.length + 1} files`)
  return file
}

function sizeOf(folder: string): number {
  return filesOf(folder).reduce((sum, file) => sum + statSync(file).size, 0)
}

/** A cache with the text `content`, written and opened anew. */
async function kept() {
  const { cache, folder } = await emptyCache()
  await cache.put(digestOf('content'), Buffer.from('content'))
  await cache.flush()
  return await cacheIn(folder)
}

const content = Buffer.from('content')

describe('the cache of content', () => {
  it.each([Buffer.from('{}'), Buffer.alloc(0), Buffer.alloc(1024 ** 2, 'x')])(
    'returns the stored content, also to the next run',
    async (bytes) => {
      const { cache, folder } = await emptyCache()
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const digest = digestOf(bytes, algorithm)
        const isSame = (found: Uint8Array): boolean => bytes.equals(found)
        expect(await cache.get(digest)).toBeUndefined()
        await cache.put(digest, bytes)
        expect(await cache.get(digest)).toSatisfy(isSame)
        await cache.flush()
        expect(await cache.get(digest)).toSatisfy(isSame)
        expect(await (await cacheIn(folder)).cache.get(digest)).toSatisfy(isSame)
      }
    },
  )

  it('writes many entries into few files', async () => {
    const { cache, folder } = await emptyCache()
    const contents = Array.from({ length: 5_000 }, (_, i) => Buffer.from(`content ${i}`))
    for (const bytes of contents) await cache.put(digestOf(bytes), bytes)
    await cache.flush()
    expect(filesOf(folder).length).toBeLessThanOrEqual(3)
    const { cache: next } = await cacheIn(folder)
    for (const bytes of contents) expect(await next.get(digestOf(bytes))).toEqual(bytes)
  })

  it('has few files after many runs with few entries', async () => {
    const { folder } = await emptyCache()
    const contents = Array.from({ length: 100 }, (_, i) => Buffer.from(`content ${i}`))
    for (const bytes of contents) {
      const { cache } = await cacheIn(folder)
      await cache.put(digestOf(bytes), bytes)
      await cache.flush()
    }
    expect(filesOf(folder).length).toBeLessThan(20)
    const { cache } = await cacheIn(folder)
    for (const bytes of contents) expect(await cache.get(digestOf(bytes))).toEqual(bytes)
  })

  it('writes nothing if nothing was put', async () => {
    const { cache, folder } = await emptyCache()
    await cache.get(digestOf('a'))
    await cache.flush()
    expect(existsSync(folder)).toBe(false)
  })

  it('keeps nothing larger than 1 MiB', async () => {
    const { cache, folder, warnings } = await emptyCache()
    const bytes = Buffer.alloc(1024 ** 2 + 1)
    await cache.put(digestOf(bytes), bytes)
    await cache.flush()
    expect(await cache.get(digestOf(bytes))).toBeUndefined()
    expect(existsSync(folder)).toBe(false)
    expect(warnings).toEqual([])
  })

  it.each<[string, (file: string) => void]>([
    ['shorter', (file) => truncateSync(file, statSync(file).size - 3)],
    ['empty', (file) => truncateSync(file, 0)],
    ['cut in its index', (file) => truncateSync(file, 30)],
    [
      'changed',
      (file) => writeFileSync(file, readFileSync(file, 'latin1').replace('content', 'tentcon'), 'latin1'),
    ],
    ['something else', (file) => writeFileSync(file, Buffer.alloc(3 * 1024 ** 2, 'x'))],
    ['of another version', (file) => writeFileSync(file, readFileSync(file).fill(9, 8, 12))],
    ['too large for its index', (file) => writeFileSync(file, readFileSync(file).fill(255, 12, 16))],
  ])('treats a file that is %s as absent, and keeps the content again', async (_, damage) => {
    const { folder } = await kept()
    damage(packOf(folder))
    const { cache, warnings } = await cacheIn(folder)
    expect(await cache.get(digestOf(content))).toBeUndefined()
    await cache.put(digestOf(content), content)
    await cache.flush()
    expect(await cache.get(digestOf(content))).toEqual(content)
    expect(await (await cacheIn(folder)).cache.get(digestOf(content))).toEqual(content)
    expect(warnings).toEqual([])
  })

  it('removes a file with a damaged entry', async () => {
    const { cache, folder } = await kept()
    const file = packOf(folder)
    writeFileSync(file, readFileSync(file, 'latin1').replace('content', 'tentcon'), 'latin1')
    expect(await cache.get(digestOf(content))).toBeUndefined()
    expect(filesOf(folder)).toEqual([])
  })

  it('returns nothing that was put under another digest', async () => {
    const { cache, folder } = await emptyCache()
    await cache.put(digestOf('a'), Buffer.from('b'))
    expect(await cache.get(digestOf('a'))).toBeUndefined()
    await cache.flush()
    expect(await (await cacheIn(folder)).cache.get(digestOf('a'))).toBeUndefined()
  })

  it('follows no symbolic link and reads no folder', async () => {
    const { folder } = await kept()
    const file = packOf(folder)
    renameSync(file, `${folder}/elsewhere`)
    symlinkSync(`${folder}/elsewhere`, file)
    expect(await (await cacheIn(folder)).cache.get(digestOf(content))).toBeUndefined()
    rmSync(file)
    mkdirSync(file)
    expect(await (await cacheIn(folder)).cache.get(digestOf(content))).toBeUndefined()
  })

  it('is readable only for its user', async () => {
    const { cache, folder } = await emptyCache()
    const before = process.umask(0)
    try {
      await cache.put(digestOf('content'), content)
      await cache.flush()
    } finally {
      process.umask(before)
    }
    expect(statSync(packOf(folder)).mode & 0o777).toBe(0o600)
    for (const above of [folder, join(folder, 'content')]) expect(statSync(above).mode & 0o777).toBe(0o700)
  })

  it('works without a writable folder, and warns once', async () => {
    const file = join(await tempFolder(), 'file')
    writeFileSync(file, '')
    const { cache, warnings } = await cacheIn(file)
    for (const text of ['a', 'b']) {
      await cache.put(digestOf(text), Buffer.from(text))
      await cache.flush()
    }
    expect(await cache.get(digestOf('b'))).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining(file)])
  })

  it('is filled again after it was emptied', async () => {
    const { cache, folder, warnings } = await kept()
    expect(await cache.get(digestOf(content))).toEqual(content)
    rmSync(folder, { recursive: true })
    expect(await cache.get(digestOf(content))).toBeUndefined()
    await cache.put(digestOf(content), content)
    await cache.flush()
    expect(await cache.get(digestOf(content))).toEqual(content)
    expect(warnings).toEqual([])
  })

  it('reads if it may not write', async () => {
    const { cache, folder, clock, warnings } = await kept()
    await clock.advance(24 * hour)
    chmodSync(packOf(folder), 0o400)
    expect(await cache.get(digestOf(content))).toEqual(content)
    expect(warnings).toEqual([])
  })
})

describe('the size of the cache', () => {
  it.each([
    ['small', 200, 1024 ** 2],
    ['middling', 9_000, 4 * 1024 ** 2],
    ['large', 60_000, 32 * 1024 ** 2],
  ])('is bounded for %s entries', async (_, size, maxBytes) => {
    const { cache, folder } = await emptyCache({ maxBytes })
    for (let i = 0; i < (2 * maxBytes) / size; i++) {
      const bytes = Buffer.alloc(size, `content ${i} `)
      await cache.put(digestOf(bytes), bytes)
    }
    expect(sizeOf(folder)).toBeLessThan(maxBytes * 1.25)
    expect(sizeOf(folder)).toBeGreaterThan(maxBytes * 0.6)
  })

  it('shrinks to its limit if the limit was lowered', async () => {
    const { folder, cache } = await emptyCache()
    const contents = Array.from({ length: 1_500 }, (_, i) => Buffer.alloc(8_000, `content ${i} `))
    for (const bytes of contents.slice(0, 500)) await cache.put(digestOf(bytes), bytes)
    const { cache: smaller } = await cacheIn(folder, { maxBytes: 2 * 1024 ** 2 })
    for (const bytes of contents.slice(500)) await smaller.put(digestOf(bytes), bytes)
    expect(sizeOf(folder)).toBeLessThan(2 * 1024 ** 2 * 1.25)
  })

  it('is kept by deleting the least recently used files', async () => {
    const maxBytes = 8 * 1024 ** 2
    const { folder, clock } = await emptyCache()
    const later = async () => {
      const { cache } = await cacheIn(folder, { maxBytes, at: clock.now() })
      await clock.advance(2 * hour)
      return cache
    }
    // Each fills a file.
    const contents = Array.from({ length: 9 }, (_, i) => Buffer.alloc(1024 ** 2, `content ${i} `))
    for (const bytes of contents.slice(0, 7)) await (await later()).put(digestOf(bytes), bytes)
    await (await later()).get(digestOf(contents[0] ?? ''))
    for (const bytes of contents.slice(7)) await (await later()).put(digestOf(bytes), bytes)
    const cache = await later()
    const left = await Promise.all(
      contents.map(async (bytes) => (await cache.get(digestOf(bytes))) !== undefined),
    )
    expect(left).toEqual([true, false, false, true, true, true, true, true, true])
  })

  it('deletes unfinished files of a dead process and no other files', async () => {
    const { cache, folder, clock } = await emptyCache()
    await cache.put(digestOf(content), content)
    await cache.flush()
    const inside = join(packOf(folder), '..')
    const [old, young] = ['a', 'b'].map((letter) => join(inside, `.dray-${letter.repeat(24)}.tmp`))
    const foreign = join(inside, 'README')
    for (const file of [old, young, foreign]) writeFileSync(file ?? '', 'x')
    const at = (ms: number): Date => new Date(clock.now() - ms)
    for (const file of [old, foreign]) utimesSync(file ?? '', at(2 * hour), at(2 * hour))
    utimesSync(young ?? '', at(0), at(0))
    await cache.put(digestOf('more'), Buffer.from('more'))
    await cache.flush()
    expect([old, young, foreign].map((file) => existsSync(file ?? ''))).toEqual([false, true, true])
    expect(await cache.get(digestOf(content))).toEqual(content)
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
      while (filesOf(folder).length <= round * 2) await new Promise((done) => setImmediate(done))
      child.kill('SIGKILL')
      await ended
      expect(output()).toBe('begun\n')
    }
    const { ended, output } = begin(folder, 1500, 1024 ** 2, 9)
    await ended
    expect(output()).toMatch(/^begun\nhits [1-9]\d*\n$/)
    const packs = filesOf(join(folder, 'content')).filter((file) => file.endsWith('.pack'))
    for (const path of packs) {
      const file = openSync(path, 'r')
      expect(readIndex(file, statSync(path).size)).not.toHaveLength(0)
      closeSync(file)
    }
  })
})
