import { describe, expect, it } from 'vitest'
import { noMoves } from '../../../src/audit/moves/tag-moves.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { type Content, image, index, type StoredManifest } from '../../support/images.ts'
import { randomFrom } from '../../support/random.ts'
import { isoAgo, movesOf, policyOf, recordScene, type RecordScene } from '../../support/record-scene.ts'
import { globs, rule } from '../../support/repository-graphs.ts'

const seeds = Array.from({ length: 12 }, (_, i) => i + 1)
const children = Array.from({ length: 8 }, (_, i) =>
  image({ label: `child ${i}`, layers: 0, created: isoAgo(60) }),
)

/** Pushes the manifests of an index of which the repository gets only some children. */
async function pushSparse(
  { registry, repository }: RecordScene,
  content: Content,
  copied: ReadonlySet<string>,
  tag: string,
): Promise<void> {
  const root = content.root.digest
  const kept = content.manifests.filter(({ descriptor: { digest } }) => digest === root || copied.has(digest))
  const sparse = { ...content, manifests: kept }
  await registry.oracle.push(sparse, repository.path, tag)
}

/** The annotations that date an index without all of its images, and distinguish it. */
const dated = (label: string) => ({
  annotations: { 'org.opencontainers.image.created': isoAgo(60), label },
})

const isOf = (digest: string) => (manifest: StoredManifest) => manifest.descriptor.digest === digest

describe('a prune of a repository with sparse indexes', () => {
  it.each(seeds)('deletes no manifest that a kept tag reaches (seed %i)', async (seed) => {
    const random = randomFrom(seed)
    const scene = await recordScene({ abilities: { sparseIndexes: 'accepted' } })
    const some = <T>(all: readonly T[], share: number): readonly T[] => all.filter(() => random() < share)
    const inner = index(some(children, 0.5), dated(`inner ${seed}`))
    const copied = new Set([...some(children, 0.6).map(({ root }) => root.digest), inner.root.digest])
    const kept = new Set<string>()
    const tags = ['keep-1', 'keep-2', 'pr-1', 'pr-2', 'pr-3']
    for (const tag of tags) {
      const parts = [...some(children, 0.5), ...(random() < 0.5 ? [inner] : [])]
      const content = index(parts, dated(`${tag} ${seed}`))
      await pushSparse(scene, content, copied, tag)
      if (tag.startsWith('keep')) for (const { descriptor } of content.manifests) kept.add(descriptor.digest)
    }
    const { plan } = await scene.decide(policyOf({ rules: [rule('old', { tags: globs('pr-*'), days: 14 })] }))
    const deleted = plan.steps.flatMap((step) => (step.kind === 'deleteManifest' ? [step.target.digest] : []))
    expect(deleted.length).toBeGreaterThanOrEqual(3)
    expect(deleted.filter((digest) => kept.has(digest))).toEqual([])
    for (const digest of deleted)
      expect(
        copied.has(digest) || ![...children, inner].some(({ manifests }) => manifests.some(isOf(digest))),
      ).toBe(true)
  })

  it('untags a broken index, and not one that was copied without some platforms', async () => {
    const scene = await recordScene({ abilities: { sparseIndexes: 'accepted' } })
    const [amd64, arm64] = [image({ platform: 'amd64' }), image({ platform: 'arm64' })]
    const both = index([amd64, arm64], { created: isoAgo(60) })
    await pushSparse(scene, both, new Set([amd64.root.digest]), 'v1')
    const broken = policyOf({ rules: [rule('broken', { kind: 'broken', days: 30 })] })
    const since = {
      remember: async () => [
        { kind: 'broken', tag: 'v1', digest: both.root.digest as Digest, since: 0 } as const,
      ],
    }
    const sparse = movesOf({ ...noMoves, sparse: new Set([both.root.digest as Digest]) })
    expect((await scene.decide(broken, { ...since, ...sparse })).plan.steps).toEqual([])
    expect((await scene.decide(broken, since)).deletedTags).toEqual(['v1'])
  })

  it('is not reported as broken, also without a rule of the kind broken', async () => {
    const scene = await recordScene({ abilities: { sparseIndexes: 'accepted' } })
    const [amd64, arm64] = [image({ platform: 'amd64' }), image({ platform: 'arm64' })]
    const both = index([amd64, arm64], { created: isoAgo(60) })
    await pushSparse(scene, both, new Set([amd64.root.digest]), 'v1')
    const policy = policyOf({ rules: [rule('others', { keepNewest: 1, orderBy: { by: 'name' } })] })
    const sparse = movesOf({ ...noMoves, sparse: new Set([both.root.digest as Digest]) })
    const missingOf = async (of?: typeof sparse): Promise<readonly unknown[]> =>
      (await scene.decide(policy, of)).plan.tags.flatMap(({ missingChildren = [] }) => missingChildren)
    expect(await missingOf(sparse)).toEqual([])
    expect(await missingOf()).toHaveLength(1)
  })
})
