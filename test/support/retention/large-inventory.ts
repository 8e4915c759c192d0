import { readFileSync } from 'node:fs'
import { growHeapSlowly, keepHeapSmall } from '../../../src/cli/wiring/small-heap.ts'
import { readInventory } from '../../../src/images/inventory/inventory-snapshot.ts'
import type { Inventory } from '../../../src/images/inventory/inventory.ts'
import type { SourceRepository } from '../../../src/images/ports.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { decideRepository } from '../../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../../src/usecases/prune/gather.ts'

/**
 * Plans a prune of 100,000 manifests that an inventory lists: 20,000 tagged indexes with three
 * children each, and 20,000 manifests that nothing reaches. Prints the deletes and the peak memory
 * of this process in kilobytes.
 */
const indexes = 20_000
const perIndex = 4
const alone = 20_000
const total = indexes * perIndex + alone
const now = Date.UTC(2026, 5, 1)
const repository = { registry: 'r.example.com', path: 'team/api' }
const empty = { digest: digestAt(total), size: 2 }

function digestAt(i: number): Digest {
  return parseDigest(`sha256:${i.toString(16).padStart(64, '0')}`)
}

function isIndex(i: number): boolean {
  return i < indexes * perIndex && i % perIndex === 0
}

function bodyAt(i: number): Uint8Array {
  const descriptorAt = (at: number): object => ({
    mediaType: mediaTypes.manifest,
    digest: digestAt(at),
    size: 500,
  })
  const body = isIndex(i)
    ? { mediaType: mediaTypes.index, manifests: [1, 2, 3].map((child) => descriptorAt(i + child)) }
    : { mediaType: mediaTypes.manifest, config: { mediaType: mediaTypes.config, ...empty }, layers: [] }
  return Buffer.from(JSON.stringify({ schemaVersion: 2, ...body }))
}

const inventory: Inventory = {
  kind: 'harbor',
  name: 'The Vendor',
  knows: { untagged: true, pushedAt: true, pulledAt: 'no', size: 'no', children: false, locks: false },
  deletes: { manifests: 1, tags: 'no', lastTagDeletesManifest: false, restorable: false },
  entries: async function* () {
    await Promise.resolve()
    for (let i = 0; i < total; i++)
      yield {
        digest: digestAt(i),
        tags: isIndex(i) ? [{ name: `1.0.${i}` }] : [],
        mediaType: isIndex(i) ? mediaTypes.index : mediaTypes.manifest,
        pushedAt: now - 100 * 86_400_000,
      }
  },
}

const read: SourceRepository['findManifest'] = async (at) => {
  await Promise.resolve()
  if (!('digest' in at)) throw new Error('a tag was read')
  const i = Number.parseInt(at.digest.slice(-16), 16)
  const bytes = bodyAt(i)
  const mediaType = isIndex(i) ? mediaTypes.index : mediaTypes.manifest
  return { descriptor: { mediaType, digest: digestAt(i), size: bytes.byteLength }, bytes }
}

async function* listTags(): AsyncIterable<string> {
  await Promise.resolve()
  for (let i = 0; i < indexes; i++) yield `1.0.${i * perIndex}`
}

const unused = (): never => {
  throw new Error('not expected')
}

const store: SourceRepository = {
  repository,
  resolve: unused,
  manifest: unused,
  findManifest: read,
  hasBlob: unused,
  blob: unused,
  tags: listTags,
  tagPages: unused,
  referrers: async () => await Promise.resolve([]),
  hasReferrersApi: unused,
  capability: () => 'yes',
  clockDifference: () => 0,
}

keepHeapSmall()
growHeapSlowly()
const call = { signal: new AbortController().signal, notify: (): void => undefined }
const policy = {
  protect: [],
  rules: [{ name: 'untagged', kind: 'untagged', orderBy: { by: 'time' }, olderThan: 86_400_000 }],
  limits: {},
  timeFrom: ['pushed'],
  reading: plainReading,
} as const
const { snapshot } = await gather(
  store,
  { repository, image: 'api', inUse: [], orphaned: [] },
  {
    policy,
    now: () => now,
    inventory: { kind: 'read', snapshot: await readInventory(inventory, repository, call) },
  },
  call,
)
const { plan } = decideRepository(snapshot, policy)
const [peak] = /(?<=^VmHWM:\s+)\d+/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
process.stdout.write(
  JSON.stringify({ deletes: plan.steps.length, tags: plan.tags.length, peak: Number(peak) }),
)
