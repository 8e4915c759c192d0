import { onTestFinished, describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { TagOrDigest } from '../../../src/oci/reference.ts'
import { decideRepository } from '../../../src/usecases/prune/decide-repository.ts'
import { evaluatePolicy } from '../../../src/usecases/prune/evaluate.ts'
import { gather, type PruneGatherOptions } from '../../../src/usecases/prune/gather.ts'
import { explain } from '../../../src/usecases/prune/policy/explain.ts'
import type { RepositoryPolicy } from '../../../src/usecases/prune/policy/policy.ts'
import type { PruneRequest } from '../../../src/usecases/prune/snapshot.ts'
import { plainReading } from '../../../src/semver/version.ts'
import type { RegistryClientOptions } from '../../../src/registry/client/client.ts'
import type { ContentStore } from '../../../src/images/cache/content-store.ts'
import { image, index, referrer, sha256, together, types } from '../../support/images.ts'
import { bench, type Bench } from '../../support/promotion.ts'
import { globs, protection, rule } from '../../support/repository-graphs.ts'
import { type RegistryKind, watchedRegistry, type WatchedRegistry } from '../../support/world.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
// Half a day off a boundary: the clock of a registry, which counts seconds, must not change an age
// in days.
const old = '2026-01-01T12:00:00Z'
const pruneOld: RepositoryPolicy = {
  protect: [],
  rules: [rule('old', { tags: globs('pr-*'), days: 14 })],
  limits: {},
  timeFrom: ['annotation', 'config'],
  reading: plainReading,
}

interface Scene {
  readonly registry: WatchedRegistry
  readonly run: Bench
  readonly gatherSnapshot: (
    policy?: RepositoryPolicy,
    rest?: Partial<PruneGatherOptions> & Partial<Pick<PruneRequest, 'inUse' | 'orphaned'>>,
  ) => ReturnType<typeof gather>
  /** the number of requests by `METHOD kind`, since `forget` */
  readonly counts: () => Readonly<Record<string, number>>
}

async function newScene(
  kind: RegistryKind = 'oci-1.1',
  known?: RegistryClientOptions['known'],
): Promise<Scene> {
  const registry = await watchedRegistry(kind)
  const run = await bench(known === undefined ? {} : { known })
  onTestFinished(async () => {
    await run[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
  })
  const repository = { registry: registry.host, path: 'dev/api' }
  return {
    registry,
    run,
    gatherSnapshot: async (policy = pruneOld, { inUse = [], orphaned = [], ...options } = {}) =>
      await gather(
        run.freshStores().source(repository),
        { repository, image: '@dev/api', inUse, orphaned },
        { policy, now: () => now, ...options },
        run.call,
      ),
    counts: () => {
      const kinds = registry.requests.map(({ method, kind: what }) => `${method} ${what}`)
      return Object.fromEntries(
        [...Map.groupBy(kinds, (name) => name)].map(([name, all]) => [name, all.length]),
      )
    },
  }
}

/** A store of content that one run leaves for the next. */
function newContentStore(): ContentStore {
  const kept = new Map<Digest, Uint8Array>()
  return {
    get: async (digest) => await Promise.resolve(kept.get(digest)),
    put: async (digest, bytes) => {
      await Promise.resolve()
      kept.set(digest, bytes)
    },
    flush: () => Promise.resolve(),
  }
}

function errorOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

describe('a first run', () => {
  it('reads the list, each tag once, and no referrers if no tag is selected', async () => {
    const { registry, gatherSnapshot, counts } = await newScene()
    for (const tag of ['main', 'v1', 'v2']) await registry.oracle.push(image({ label: tag }), 'dev/api', tag)
    registry.forget()
    await gatherSnapshot()
    expect(counts()).toEqual({ 'GET tags': 1, 'GET manifest': 3 })
  })

  it('reads configs only of images that a rule by age selects and that have no annotation', async () => {
    const { registry, gatherSnapshot, counts } = await newScene()
    const { oracle } = registry
    await oracle.push(image({ label: 'a', created: old }), 'dev/api', 'pr-1')
    await oracle.push(
      image({ label: 'b', annotations: { 'org.opencontainers.image.created': old } }),
      'dev/api',
      'pr-2',
    )
    await oracle.push(image({ label: 'c', created: old }), 'dev/api', 'main')
    await oracle.push(image({ label: 'd', created: old }), 'dev/api', 'pr-3', 'prod')
    registry.forget()
    const { snapshot } = await gatherSnapshot({ ...pruneOld, protect: [protection(globs('prod'))] })
    expect(snapshot.configTimes.size).toBe(1)
    // One list of referrers for each manifest, because a tag is selected.
    expect(counts()).toEqual({ 'GET tags': 1, 'GET manifest': 5, 'GET blob': 1, 'GET referrers': 4 })
  })

  it('reads the config of an image to explain, whether a rule needs its time or not', async () => {
    const { registry, gatherSnapshot } = await newScene()
    await registry.oracle.push(image({ label: 'a', created: old }), 'dev/api', 'main')
    const at = { tag: 'main' }
    const { snapshot } = await gatherSnapshot(pruneOld, { explained: at })
    expect(explain(evaluatePolicy(snapshot, pruneOld), pruneOld, at).time).toMatchObject({
      created: '2026-01-01T12:00:00.000Z',
      text: 'created of the config',
    })
  })

  it('does not claim that an image whose config was not read has no time', async () => {
    const { registry, gatherSnapshot } = await newScene()
    await registry.oracle.push(image({ label: 'a', created: old }), 'dev/api', 'main')
    const { snapshot } = await gatherSnapshot()
    const { time } = explain(evaluatePolicy(snapshot, pruneOld), pruneOld, { tag: 'main' })
    expect(time.text).toBe(
      'it has no created annotation, and its config was not read, because no rule needs the time of this image',
    )
  })

  it('names the limits that prevent the delete of an image to explain', async () => {
    const { registry, gatherSnapshot } = await newScene()
    await registry.oracle.push(image({ label: 'a', created: old }), 'dev/api', 'pr-1')
    await registry.oracle.push(image({ label: 'b', created: old }), 'dev/api', 'main')
    const evaluation = evaluatePolicy((await gatherSnapshot()).snapshot, pruneOld)
    const explained = (tag: string) => explain(evaluation, pruneOld, { tag }, { maxDeletes: 0 })
    expect(explained('pr-1')).toMatchObject({ verdict: 'delete', refusal: { code: 'refused' } })
    expect(explained('main')).toMatchObject({ verdict: 'keep' })
    expect(explained('main')).not.toHaveProperty('refusal')
  })

  it('names what is missing if the image to explain was not found', async () => {
    const { registry, gatherSnapshot } = await newScene()
    const evaluation = async () => evaluatePolicy((await gatherSnapshot()).snapshot, pruneOld)
    const explained = async (at: TagOrDigest) => {
      const found = await evaluation()
      return errorOf(() => explain(found, pruneOld, at))
    }
    expect(await explained({ tag: 'mian' })).toMatchObject({
      code: 'not-found',
      why: `${registry.host}/dev/api has no tags, or does not exist`,
    })
    await registry.oracle.push(image({ label: 'a' }), 'dev/api', 'main')
    expect(await explained({ tag: 'mian' })).toMatchObject({
      message: `cannot explain ${registry.host}/dev/api:mian`,
      why: 'the repository has no tag mian',
      hint: 'Did you mean main?',
    })
    await registry.oracle.push(image({ label: 'b' }), 'dev/api', '1.10.0')
    expect(await explained({ tag: '1.9.0' })).toMatchObject({ hint: 'Did you mean 1.10.0?' })
    await registry.oracle.push(image({ label: 'c' }), 'dev/api', '2024.04.1')
    const calver = { ...pruneOld, reading: { ...plainReading, scheme: 'calver' as const } }
    const read = evaluatePolicy((await gatherSnapshot()).snapshot, calver)
    expect(await errorOf(() => explain(read, calver, { tag: '2024.04.2' }))).toMatchObject({
      hint: 'Did you mean 2024.04.1?',
    })
    expect(await explained({ digest: digestOf('other') })).toMatchObject({
      why: expect.stringContaining(
        'dray reads attached artifacts only of images that a rule deletes',
      ) as string,
      hint: `Explain a tag. To list the tags, run: dray ls ${registry.host}/dev/api`,
    })
  })

  it('finds artifact manifests with their blobs and their subject', async () => {
    const { registry, gatherSnapshot } = await newScene()
    const content = image({ annotations: { 'org.opencontainers.image.created': old } })
    const signature = referrer(content, { as: types.artifact })
    await registry.oracle.push(together(content, signature), 'dev/api', 'pr-1')
    const { snapshot } = await gatherSnapshot()
    const node = [...snapshot.graph.nodes.values()].find((one) => one.subject === content.root.digest)
    expect(node?.descriptor.digest).toBe(signature.root.digest)
    expect(node?.blobs.map(({ digest }) => digest)).toEqual([...signature.blobs.keys()])
  })

  it('finds children, evidence of children, and untagged indexes with a subject', async () => {
    const { registry, gatherSnapshot } = await newScene()
    const multi = index(['amd64', 'arm64'], {
      label: 'm',
      annotations: { 'org.opencontainers.image.created': old },
    })
    const child = multi.manifests[0]
    if (child === undefined) throw new Error('an index has children')
    const evidence = referrer(child.descriptor, { index: true })
    await registry.oracle.push(together(multi, evidence), 'dev/api', 'pr-1')
    const { snapshot } = await gatherSnapshot()
    const digests = [...together(multi, evidence).manifests].map(({ descriptor }) => descriptor.digest)
    expect([...snapshot.graph.nodes.keys()].toSorted()).toEqual(digests.toSorted())
    const { plan } = decideRepository(snapshot, pruneOld)
    expect(plan.steps).toHaveLength(digests.length)
  })
})

describe('a second run', () => {
  it('reads the list, each tag by HEAD, and the referrers of selected images', async () => {
    const { registry, gatherSnapshot, counts } = await newScene()
    const { oracle } = registry
    await oracle.push(index(['amd64', 'arm64'], { label: 'i', created: old }), 'dev/api', 'pr-1')
    for (const tag of ['main', 'v1']) await oracle.push(image({ label: tag }), 'dev/api', tag)
    const kept = newContentStore()
    const first = await gatherSnapshot(pruneOld, { contents: kept })
    expect(first.snapshot.referrers).toBe('read')
    registry.forget()
    const second = await gatherSnapshot(pruneOld, { contents: kept, last: first.forNextRun })
    // The referrers of the index and its two images.
    expect(counts()).toEqual({ 'GET tags': 1, 'HEAD manifest': 3, 'GET referrers': 3 })
    expect(second.snapshot.referrers).toBe('remembered')
    expect(decideRepository(second.snapshot, pruneOld).plan.steps).toEqual(
      decideRepository(first.snapshot, pruneOld).plan.steps,
    )
  })

  it('keeps an untagged index whose subject is kept, as long as it exists', async () => {
    const { registry, gatherSnapshot } = await newScene()
    const { oracle } = registry
    const shared = image({ label: 'shared', created: old })
    const main = image({ label: 'main' })
    const holding = index([shared], { label: 'holding' })
    await oracle.push(main, 'dev/api', 'main')
    await oracle.push(index([shared], { label: 'deleted' }), 'dev/api', 'pr-1')
    const evidence = await pushReferringIndex(registry, holding, main)
    const kept = newContentStore()
    const first = await gatherSnapshot(pruneOld, { contents: kept })
    const again = async (): Promise<number> => {
      const { snapshot } = await gatherSnapshot(pruneOld, { contents: kept, last: first.forNextRun })
      return decideRepository(snapshot, pruneOld).plan.steps.length
    }
    expect(await again()).toBe(1)
    await oracle.delete('dev/api', evidence)
    expect(await again()).toBe(2)
  })

  it('reads a tag that was moved', async () => {
    const { registry, gatherSnapshot } = await newScene()
    await registry.oracle.push(image({ label: 'a' }), 'dev/api', 'main')
    const kept = newContentStore()
    const first = await gatherSnapshot(pruneOld, { contents: kept })
    const moved = await registry.oracle.push(image({ label: 'b' }), 'dev/api', 'main')
    const { snapshot } = await gatherSnapshot(pruneOld, { contents: kept, last: first.forNextRun })
    expect(snapshot.graph.tags.get('main')).toBe(moved.digest)
  })
})

describe('a registry that counts reads', () => {
  it('has its tags resolved by HEAD', async () => {
    const { registry, gatherSnapshot, counts } = await newScene('oci-1.1', (_, name) =>
      name === 'freeReads' ? 'no' : 'unknown',
    )
    await registry.oracle.push(image({ label: 'a' }), 'dev/api', 'v1')
    await registry.oracle.push(image({ label: 'b' }), 'dev/api', 'v2')
    registry.forget()
    await gatherSnapshot()
    expect(counts()).toEqual({ 'GET tags': 1, 'HEAD manifest': 2, 'GET manifest': 2 })
  })
})

async function pushReferringIndex(
  registry: WatchedRegistry,
  holding: ReturnType<typeof index>,
  subject: ReturnType<typeof image>,
): Promise<string> {
  const body = { ...JSON.parse(Buffer.from(rootBytes(holding)).toString()), subject: subject.root } as object
  const bytes = Buffer.from(JSON.stringify(body))
  const digest = sha256(bytes)
  await registry.oracle.putManifest('dev/api', digest, {
    bytes,
    descriptor: { ...holding.root, digest, size: bytes.byteLength },
  })
  return digest
}

function rootBytes(content: ReturnType<typeof index>): Uint8Array {
  const root = content.manifests.find(({ descriptor }) => descriptor.digest === content.root.digest)
  if (root === undefined) throw new Error('no root')
  return root.bytes
}
