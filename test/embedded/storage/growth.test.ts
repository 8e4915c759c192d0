import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FolderLayout } from '../../../src/embedded/storage/folder-layout.ts'
import { folderStorage } from '../../../src/embedded/storage/folder-storage.ts'
import { writeRecord } from '../../../src/embedded/storage/manifest-record.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { RegistryStorage, StoredManifest } from '../../../src/embedded/storage/storage.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { countFileCalls } from '../../support/count-file-calls.ts'

const sizes = [5, 20, 80] as const
const subject = digestOf('the subject')
const pageSize = 5
const folders: string[] = []

function manifestOf(i: number): StoredManifest {
  const bytes = Buffer.from(`manifest ${i}`)
  const digest = digestOf(bytes)
  const entry = { mediaType: mediaTypes.manifest, digest, size: bytes.byteLength }
  return { mediaType: mediaTypes.manifest, digest, bytes, refers: { subject, entry } }
}

function tagOf(i: number): string {
  return `t${String(i).padStart(6, '0')}`
}

/** A folder with `size` repositories, manifests with tags, referrers and blobs. */
async function seeded(size: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-growth-'))
  folders.push(folder)
  const layout = new FolderLayout(folder)
  await writeFile(layout.formatFile, '{"schema":"dray.registry/1"}\n')
  const write = async (path: string, content: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
  for (let i = 0; i < size; i++) {
    const manifest = manifestOf(i)
    const blob = blobOf(i)
    await write(layout.content(manifest.digest), manifest.bytes)
    await write(layout.referrerLink('a', subject, manifest.digest), '')
    await write(layout.manifestRecord('a', manifest.digest), writeRecord(manifest))
    await write(layout.tag('a', tagOf(i)), manifest.digest)
    await write(layout.content(blob), `blob ${i}`)
    await write(layout.blobLink('a', blob), '')
    await write(layout.blobLink(`team-${i % 3}/${tagOf(i)}`, blob), '')
  }
  return folder
}

function blobOf(i: number): Digest {
  return digestOf(`blob ${i}`)
}

/** Returns how much it found. */
type Work = (storage: RegistryStorage, size: number) => Promise<number>

function each(work: (storage: RegistryStorage, i: number) => Promise<unknown>): Work {
  return async (storage, size) => {
    let done = 0
    for (let i = 0; i < size; i++) {
      if ((await work(storage, i)) !== false) done++
    }
    return done
  }
}

async function listTags(storage: RegistryStorage): Promise<number> {
  const seen: string[] = []
  for (let page = await storage.tags('a', undefined, pageSize); page.length > 0;) {
    seen.push(...page)
    page = await storage.tags('a', seen.at(-1), pageSize)
  }
  return seen.length
}

/** Done in this order with one folder of each size. */
const works: Readonly<Record<string, Work>> = {
  'tags that are listed in pages': listTags,
  'tags that are read': each((storage, i) => storage.tag('a', tagOf(i))),
  'manifests that are read': each((storage, i) => storage.manifest('a', manifestOf(i).digest)),
  'questions for a repository': each((storage) => storage.hasRepository('a')),
  referrers: async (storage) => (await Array.fromAsync(storage.referrers('a', subject))).length,
  // The repository `a` is one more.
  repositories: async (storage) => (await storage.repositories(undefined, Infinity)).length - 1,
  'blobs that are mounted': each((storage, i) => storage.mountBlob(blobOf(i), 'a', 'b')),
  'manifests that are pushed': each((storage, i) => storage.putManifest('a', manifestOf(i), [`new-${i}`])),
  'tags that are deleted': each((storage, i) => storage.deleteTag('a', `new-${i}`)),
  'manifests that are deleted, with a page of tags before some': each(async (storage, i) => {
    if (i % 4 === 0) await storage.tags('a', tagOf(i), pageSize)
    return await storage.deleteManifest('a', manifestOf(i).digest)
  }),
  'blobs that are deleted': each((storage, i) => storage.deleteBlob('a', blobOf(i))),
}

/** The largest exponent between two neighbouring sizes. */
function exponentOf(costs: readonly number[]): number {
  const exponents = costs.slice(1).map((cost, i) => {
    const growth = (sizes[i + 1] ?? NaN) / (sizes[i] ?? NaN)
    return Math.log(cost / (costs[i] ?? NaN)) / Math.log(growth)
  })
  return Math.max(...exponents)
}

describe('the file calls of a registry in a folder grow at most with the number of', () => {
  const costs = new Map<string, number[]>()
  const found = new Map<string, number[]>()
  const start = 'files at the start'

  beforeAll(async () => {
    for (const size of sizes) {
      const folder = await seeded(size)
      const count = async (name: string, work: () => Promise<number>): Promise<void> => {
        const cost = await countFileCalls(async () => {
          found.set(name, [...(found.get(name) ?? []), await work()])
        })
        costs.set(name, [...(costs.get(name) ?? []), cost])
      }
      let storage = memoryStorage()
      await count(start, async () => {
        storage = await folderStorage(folder)
        return size
      })
      for (const [name, work] of Object.entries(works)) await count(name, () => work(storage, size))
    }
  })

  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true })
  })

  it.each([start, ...Object.keys(works)])('%s', (name) => {
    expect(found.get(name)).toEqual(sizes)
    const counts = costs.get(name) ?? []
    expect(exponentOf(counts), counts.join(' ')).toBeLessThanOrEqual(1.05)
  })
})
