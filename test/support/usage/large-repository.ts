import { readFileSync } from 'node:fs'
import { growHeapSlowly, keepHeapSmall } from '../../../src/cli/wiring/small-heap.ts'
import { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import { readInventory } from '../../../src/images/inventory/inventory-snapshot.ts'
import type { Inventory } from '../../../src/images/inventory/inventory.ts'
import type { SourceRepository } from '../../../src/images/ports.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { buildUsageReport } from '../../../src/usecases/usage/build-report.ts'
import { BlobTable } from '../../../src/usecases/usage/contents/blob-table.ts'
import type { RepositoryContents } from '../../../src/usecases/usage/contents/repository-contents.ts'
import { reduceRepository } from '../../../src/usecases/usage/contents/reduce-repository.ts'
import { gatherUsage } from '../../../src/usecases/usage/gather.ts'
import { usageFacts, usageRequest } from './usage-facts.ts'

/**
 * Makes the usage report of 100,000 manifests that an inventory lists: 25,000 tagged indexes with
 * three children each, which have a config, six layers of many images and one of their own. Prints
 * the images, the stored bytes and the peak memory of this process in kilobytes.
 */
const perIndex = 4
const total = 100_000
const sharedLayers = 6
const repository = { registry: 'r.example.com', path: 'team/api' }
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

function digestAt(i: number): Digest {
  return parseDigest(`sha256:${i.toString(16).padStart(64, '0')}`)
}

function bodyAt(i: number): Uint8Array {
  const descriptorAt = (at: number, mediaType: string): object => ({
    mediaType,
    digest: digestAt(at),
    size: 500,
  })
  const layers = Array.from({ length: sharedLayers }, (_, n) => 3 * total + ((i * 7) % 50) * 10 + n)
  const body =
    i % perIndex === 0
      ? {
          mediaType: mediaTypes.index,
          manifests: [1, 2, 3].map((child) => descriptorAt(i + child, mediaTypes.manifest)),
        }
      : {
          mediaType: mediaTypes.manifest,
          config: descriptorAt(total + i, mediaTypes.config),
          layers: [...layers, 2 * total + i].map((at) => descriptorAt(at, layerType)),
        }
  return Buffer.from(JSON.stringify({ schemaVersion: 2, ...body }))
}

const inventory: Inventory = {
  kind: 'harbor',
  name: 'The Vendor',
  knows: { untagged: true, pushedAt: true, pulledAt: 'exact', size: 'no', children: false, locks: false },
  deletes: { manifests: 1, tags: 'no', lastTagDeletesManifest: false, restorable: false },
  entries: async function* () {
    await Promise.resolve()
    for (let i = 0; i < total; i++)
      yield {
        digest: digestAt(i),
        tags: i % perIndex === 0 ? [{ name: `1.0.${i}`, pulledAt: 1000 }] : [],
        mediaType: i % perIndex === 0 ? mediaTypes.index : mediaTypes.manifest,
        pushedAt: 1000,
        pulledAt: 1000,
      }
  },
}

const unused = (): never => {
  throw new Error('not expected')
}

const store: SourceRepository = {
  repository,
  resolve: unused,
  manifest: unused,
  findManifest: async (at) => {
    await Promise.resolve()
    if (!('digest' in at)) throw new Error('a tag was read')
    const bytes = bodyAt(Number.parseInt(at.digest.slice(-16), 16))
    return { descriptor: { mediaType: '', digest: at.digest, size: bytes.byteLength }, bytes }
  },
  hasBlob: unused,
  blob: unused,
  tags: unused,
  tagPages: unused,
  referrers: unused,
  hasReferrersApi: unused,
  capability: () => 'yes',
  clockDifference: () => 0,
}

keepHeapSmall()
growHeapSlowly(30)
const call = { signal: new AbortController().signal, notify: (): void => undefined }
const blobs = new BlobTable()

/** What was read is garbage when it returns, as in the program. */
async function readContents(): Promise<RepositoryContents> {
  const snapshot = await readInventory(inventory, repository, call)
  const { graph } = await gatherUsage(() => new RepositoryReader(store), { inventory: snapshot }, call)
  return reduceRepository({ repository, image: '@prod/api', graph, inventory: snapshot }, blobs, 0)
}

const storage = { registry: repository.registry, blobs, repositories: [await readContents()] }
const request = usageRequest({ notPulledFor: 1000 })
const { totals } = buildUsageReport(usageFacts([storage]), request)
const [peak] = /(?<=^VmHWM:\s+)\d+/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
process.stdout.write(
  JSON.stringify({ images: totals.images, manifests: totals.manifests, peak: Number(peak) }),
)
