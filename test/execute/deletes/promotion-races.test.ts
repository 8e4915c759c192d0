import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordedPut } from '../../../src/audit/query/recorded-puts.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import { type Content, image, index } from '../../support/images.ts'
import { randomFrom } from '../../support/random.ts'
import { executePlan, planPrune, pruneClient } from '../../support/retention/prune-client.ts'
import { RequestOrder } from '../../support/retention/request-order.ts'
import { host, repository, SimulatedRegistry } from '../../support/retention/simulated-registry.ts'

const target = { registry: host, path: repository }
const staging = { registry: host, path: 'staging/api' }
const tag = 'stay'

/** A promotion while a prune deletes images that share content with the promoted one. */
interface Scenario {
  /** what is promoted: an image to delete, its index, or a new index that lists images to delete */
  readonly promoted: 'image' | 'index' | 'newIndex'
  readonly deletes: number
  readonly referrers: boolean
  readonly hasQuestion: boolean
  /** requests of the prune before the promotion begins */
  readonly begin: number
  readonly seed: number
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  promoted: fc.constantFrom('image', 'index', 'newIndex'),
  deletes: fc.integer({ min: 1, max: 6 }),
  referrers: fc.boolean(),
  hasQuestion: fc.boolean(),
  begin: fc.nat({ max: 40 }),
  seed: fc.nat(),
})

async function store(registry: SimulatedRegistry, path: string, content: Content): Promise<void> {
  for (const { descriptor, bytes } of content.manifests) {
    const digest = parseDigest(descriptor.digest)
    await registry.storage.putManifest(path, { mediaType: descriptor.mediaType, digest, bytes }, [])
  }
}

/** Fills the registry: images and indexes to delete. Returns what is promoted. */
async function fill(registry: SimulatedRegistry, { promoted, deletes }: Scenario): Promise<Content> {
  const parts = Array.from({ length: deletes }, (_, n) => image({ label: `part ${n}`, layers: 0 }))
  const whole = index(parts.slice(0, 2))
  for (const [n, part] of [...parts.slice(2), whole].entries()) {
    await store(registry, repository, part)
    await registry.tag(`pr-${n}`, part.root.digest)
  }
  const single = parts.at(-1) ?? whole
  const content = { image: single, index: whole, newIndex: index([single], { label: 'new' }) }[promoted]
  await store(registry, staging.path, content)
  return content
}

/** Promotes like dray: intent, check, missing content, and the root with its tag at last. */
async function promote(
  registry: SimulatedRegistry,
  content: Content,
  puts: RecordedPut[],
  wait: () => Promise<void>,
): Promise<void> {
  const digest = parseDigest(content.root.digest)
  await wait()
  puts.push({
    run: 'promotion',
    operation: 'promote',
    user: 'tester',
    repository: target,
    digest,
    tag,
    from: staging,
  })
  const children = content.manifests.filter(({ descriptor }) => descriptor.digest !== content.root.digest)
  for (const child of children) {
    await wait()
    const isThere = (await registry.describe(child.descriptor.digest)) !== undefined
    await wait()
    if (!isThere) await registry.putManifest(child)
  }
  await wait()
  const root = content.manifests.find(({ descriptor }) => descriptor.digest === content.root.digest)
  if (root !== undefined) await registry.putManifest(root)
  await registry.tag(tag, content.root.digest)
}

async function isWhole(registry: SimulatedRegistry, { root, manifests }: Content): Promise<boolean> {
  if ((await registry.storage.tag(repository, tag)) !== root.digest) return false
  for (const { descriptor } of manifests) {
    const found = await registry.storage.manifest(repository, descriptor.digest as Digest)
    if (found === undefined) return false
  }
  return true
}

/** What became of the promoted tag, and of the rest. */
async function race(one: Scenario): Promise<'whole' | 'reported' | 'lost'> {
  const registry = new SimulatedRegistry({ referrers: one.referrers })
  const content = await fill(registry, one)
  const order = new RequestOrder(randomFrom(one.seed))
  const puts: RecordedPut[] = []
  let requests = 0
  let begin: () => void = () => undefined
  const hasBegun = new Promise<void>((resolve) => (begin = resolve))
  const client = pruneClient(
    registry.client({
      actor: 'prune',
      waitForTurn: () => order.waitForTurn('prune'),
      onRequest: async () => {
        if (++requests >= one.begin) begin()
      },
      onResponse: async () => undefined,
    }),
  )
  const prune = async (): Promise<readonly DeleteOutcome[]> => {
    const plan = await planPrune(client, { rules: [{ name: 'old', tags: ['pr-*'] }] })
    const sink = { path: 'memory', write: async (): Promise<void> => undefined }
    const ended = await executePlan(client, plan, {
      isImmediate: !one.hasQuestion,
      sink,
      recordedPuts: () => puts,
    })
    begin()
    return ended
  }
  const outcomes = prune()
  const promotion = hasBegun.then(() =>
    promote(registry, content, puts, () => order.waitForTurn('promotion')),
  )
  await order.run({ prune: outcomes, promotion }, async () => undefined)
  if (await isWhole(registry, content)) return 'whole'
  const losses = (await outcomes).flatMap(({ losses: those = [] }) => those)
  return losses.some(({ subject }) => subject === `${host}/${repository}:${tag}`) ? 'reported' : 'lost'
}

describe('a promotion during a prune with the same audit log', () => {
  it('leaves a complete image under its tag, or the prune reports what it lacks', async () => {
    const ends = { whole: 0, reported: 0, lost: 0 }
    const property = fc.asyncProperty(fc.noBias(scenario), async (one) => {
      const end = await race(one)
      ends[end] += 1
      expect(end).not.toBe('lost')
    })
    await fc.assert(property, { seed: 20_261_128, numRuns: 200 })
    // the sample has both
    expect(ends.whole).toBeGreaterThan(100)
    expect(ends.reported).toBeGreaterThan(0)
  })
})
