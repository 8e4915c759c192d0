import { describe, expect, it } from 'vitest'
import { noMoves } from '../../../../src/audit/moves/tag-moves.ts'
import { parseDigest } from '../../../../src/oci/digest.ts'
import type { HistorySources, RunSightings } from '../../../../src/usecases/prune/records/history.ts'
import { type Content, cosignSignature, index, referrer } from '../../../support/images.ts'
import {
  ago,
  built,
  isoAgo,
  movesOf,
  policyOf,
  recordScene,
  type RecordScene,
} from '../../../support/record-scene.ts'
import { globs, range, rule } from '../../../support/repository-graphs.ts'

const digestOf = ({ root }: Content) => parseDigest(root.digest)
const orphaned = policyOf({ rules: [rule('orphaned', { kind: 'orphaned', days: 30 })] })
const broken = policyOf({ rules: [rule('broken', { kind: 'broken', days: 30 })] })

/** Everything that is missing was first seen so many days ago. */
function sightedSince(days: number, runs: RunSightings[] = []): Partial<HistorySources> {
  return {
    remember: async (given) => {
      runs.push(given)
      return await Promise.resolve(given.sightings.map((one) => ({ ...one, since: ago(days) })))
    },
  }
}

function tagOf({ plan }: Awaited<ReturnType<RecordScene['decide']>>, name: string) {
  const found = plan.tags.find(({ tag }) => tag === name)
  if (found === undefined) throw new Error(`there is no tag ${name}`)
  return found
}

describe('an orphaned attached artifact', () => {
  const orphans = async (scene: RecordScene) => {
    const gone = built('gone', 90)
    const signature = cosignSignature(gone)
    const prefixed = cosignSignature(gone, { prefix: 'cve-', suffix: 'att', payloads: ['two'] })
    const sbom = referrer(gone)
    await scene.push(signature)
    await scene.push(prefixed)
    await scene.push(sbom, 'an-sbom')
    await scene.push(built('current', 1), 'v1')
    const tags = [signature, prefixed].map(({ manifests: [made] }) => made?.tag ?? '')
    return { gone, signature, sbom, tags: [...tags, 'an-sbom'].toSorted() }
  }

  it('is kept and named without such a rule, and no request is made for its subject', async () => {
    const scene = await recordScene()
    const { tags } = await orphans(scene)
    scene.registry.forget()
    const decision = await scene.decide()
    expect(tags.map((tag) => tagOf(decision, tag).verdict)).toEqual(['keep', 'keep', 'keep'])
    expect(tagOf(decision, tags[1] ?? '').why.text).toContain('orphaned')
    expect(scene.counts()['HEAD manifest']).toBeUndefined()
  })

  it('is deleted by a rule when it was first seen long enough ago', async () => {
    const scene = await recordScene()
    const { gone, tags } = await orphans(scene)
    const decision = await scene.decide(orphaned, sightedSince(31))
    expect(decision.deletedTags).toEqual(tags)
    expect(decision.plan.steps).toHaveLength(3)
    for (const step of decision.plan.steps) expect(step.absent).toEqual([digestOf(gone)])
    expect(tagOf(decision, 'an-sbom').why).toMatchObject({ kind: 'rule', by: 'orphaned' })
    expect(tagOf(decision, 'an-sbom').why.text).toMatch(
      /^orphaned: its subject sha256:[0-9a-f]{12} has been missing for \d+d, longer than 30d$/,
    )
    const young = await scene.decide(orphaned, sightedSince(29.5))
    expect(young.plan.steps).toEqual([])
    expect(tagOf(young, tags[1] ?? '').why.text).toContain('missing for 29d')
  })

  it('takes no slot of a rule that keeps the newest tags, if it is deleted', async () => {
    const scene = await recordScene()
    await scene.push(referrer(built('gone', 90)), 'nightly-3')
    for (const n of [1, 2]) await scene.push(built(`nightly ${n}`, 60), `nightly-${n}`)
    const policy = policyOf({
      rules: [
        ...orphaned.rules,
        rule('nightlies', { tags: globs('nightly-*'), orderBy: { by: 'name' }, keepNewest: 2 }),
      ],
    })
    const decision = await scene.decide(policy, sightedSince(31))
    expect(decision.deletedTags).toEqual(['nightly-3'])
  })

  it('is kept if its subject exists without a tag', async () => {
    const scene = await recordScene()
    const { gone } = await orphans(scene)
    await scene.push(gone)
    expect((await scene.decide(orphaned, sightedSince(31))).plan.steps).toEqual([])
  })

  it('is kept if it is protected, in use, or part of a kept index', async () => {
    const scene = await recordScene()
    const { sbom, signature } = await orphans(scene)
    await scene.push(index([signature]), 'both')
    const policy = policyOf({
      ...orphaned,
      protect: [{ kind: 'tags', name: 'sboms', optional: false, tags: globs('an-*') }],
    })
    const prefixedOnly = await scene.decide(policy, sightedSince(31))
    expect(prefixedOnly.plan.steps).toHaveLength(1)
    expect(prefixedOnly.plan.count).toEqual({ images: 3, deleted: 0 })
    const inUse = [{ at: { digest: digestOf(sbom) }, by: 'a pod', protection: 'pods' }]
    const used = await scene.decide(orphaned, { ...sightedSince(31), inUse })
    expect(used.deletedTags).not.toContain('an-sbom')
  })
})

describe('a broken index', () => {
  const brokenIndex = async (scene: RecordScene) => {
    const both = index(['linux/amd64', 'linux/arm64'], { created: isoAgo(60) })
    await scene.push(both, 'v1', 'also-v1')
    await scene.push(built('current', 1), 'v2')
    const [child] = both.manifests
    const missing = parseDigest(child?.descriptor.digest ?? '')
    await scene.registry.oracle.delete('prod/api', missing)
    return { both, missing }
  }

  it('is named in the plan and in a warning, and kept without such a rule', async () => {
    const scene = await recordScene()
    const { missing } = await brokenIndex(scene)
    const decision = await scene.decide(policyOf({ rules: [rule('none', { tags: globs('pr-*') })] }))
    expect(tagOf(decision, 'v1').missingChildren).toEqual([{ digest: missing, platform: 'linux/amd64' }])
    expect(decision.missing).toMatchObject([{ tags: ['also-v1', 'v1'], digest: missing }])
    expect(decision.plan.steps).toEqual([])
  })

  it('is deleted by a rule when it was first seen long enough ago', async () => {
    const scene = await recordScene()
    const { both, missing } = await brokenIndex(scene)
    const runs: RunSightings[] = []
    const decision = await scene.decide(broken, sightedSince(31, runs))
    expect(decision.deletedTags).toEqual(['also-v1', 'v1'])
    expect(decision.plan.steps[0]).toMatchObject({ target: { digest: both.root.digest }, absent: [missing] })
    expect(runs[0]?.sightings.map(({ kind, tag }) => `${kind} ${tag}`)).toEqual([
      'broken also-v1',
      'broken v1',
    ])
    expect((await scene.decide(broken, sightedSince(29))).plan.steps).toEqual([])
  })

  it('is kept by a rule by version that cannot read its tag, and later rules do not see it', async () => {
    const scene = await recordScene()
    const { both, missing } = await brokenIndex(scene)
    await scene.push(both, '27.4.0.9')
    await scene.registry.oracle.delete('prod/api', missing)
    const byVersion = rule('broken', { kind: 'broken', tags: range('<2'), days: 30 })
    const policy = policyOf({ rules: [byVersion, rule('rest', { tags: globs('*') })] })
    const decision = await scene.decide(policy, sightedSince(31))
    expect(tagOf(decision, '27.4.0.9')).toMatchObject({ verdict: 'keep', why: { kind: 'versionLike' } })
  })

  it('is untagged, with the same check, if a tag of it is protected', async () => {
    const scene = await recordScene()
    const { missing } = await brokenIndex(scene)
    const policy = policyOf({
      rules: [rule('broken', { kind: 'broken', tags: globs('v1'), days: 30 })],
    })
    const decision = await scene.decide(policy, sightedSince(31))
    expect(decision.plan.steps).toMatchObject([{ kind: 'deleteTag', tag: 'v1', absent: [missing] }])
  })

  it('is not whole because an earlier run has read the child', async () => {
    const scene = await recordScene()
    const kept = new Map<string, Uint8Array>()
    const contents = {
      get: async (digest: string) => await Promise.resolve(kept.get(digest)),
      put: async (digest: string, bytes: Uint8Array) => void (await Promise.resolve(kept.set(digest, bytes))),
      flush: async () => await Promise.resolve(),
    }
    const both = index(['linux/amd64', 'linux/arm64'], { created: isoAgo(60) })
    await scene.push(both, 'v1')
    await scene.decide(broken, { contents })
    await scene.registry.oracle.delete('prod/api', both.manifests[0]?.descriptor.digest ?? '')
    const decision = await scene.decide(broken, { ...sightedSince(31), contents })
    expect(decision.deletedTags).toEqual(['v1'])
  })

  it('is not broken if it was copied without the platform on purpose', async () => {
    const scene = await recordScene()
    const { both } = await brokenIndex(scene)
    const moves = movesOf({ ...noMoves, sparse: new Set([digestOf(both)]) })
    const decision = await scene.decide(broken, { ...sightedSince(31), ...moves })
    expect(decision.plan.steps).toEqual([])
    expect(decision.missing).toEqual([])
    expect(tagOf(decision, 'v1').missingChildren).toBeUndefined()
  })

  it('is whole again, and forgotten, when the child is back', async () => {
    const scene = await recordScene()
    const { both } = await brokenIndex(scene)
    await scene.push(both)
    const runs: RunSightings[] = []
    expect((await scene.decide(broken, sightedSince(31, runs))).plan.steps).toEqual([])
    expect(runs[0]?.sightings).toEqual([])
    const sighting = { kind: 'broken', tag: 'v1', digest: digestOf(both) } as const
    expect(runs[0]?.isExamined(sighting)).toBe(true)
    expect(runs[0]?.isExamined({ ...sighting, kind: 'orphaned' })).toBe(false)
  })
})
