import { describe, expect, it } from 'vitest'
import type { SupersededDigest } from '../../../../src/audit/moves/tag-moves.ts'
import { parseDigest } from '../../../../src/oci/digest.ts'
import { explain } from '../../../../src/usecases/prune/policy/explain.ts'
import { newKeys } from '../../../support/attestations.ts'
import { type Content, index, referrer } from '../../../support/images.ts'
import {
  ago,
  built,
  movesOf,
  policyOf,
  recordScene,
  type RecordScene,
} from '../../../support/record-scene.ts'
import { globs, rule } from '../../../support/repository-graphs.ts'

const digestOf = ({ root }: Content) => parseDigest(root.digest)
const moved = (...moves: readonly (readonly [tag: string, content: Content, days: number])[]) =>
  movesOf({
    superseded: moves.map(([tag, content, days]): SupersededDigest => ({
      tag,
      digest: digestOf(content),
      at: ago(days),
    })),
  })
const superseded = (keepNewest?: number, days = 14) =>
  policyOf({
    rules: [
      rule('superseded', {
        kind: 'superseded',
        tags: globs('stable'),
        days,
        ...(keepNewest !== undefined && { keepNewest }),
      }),
    ],
  })

/** Images without a tag, and one that `stable` is on. */
async function sceneOf(count: number): Promise<RecordScene & { readonly images: readonly Content[] }> {
  const scene = await recordScene()
  const images = Array.from({ length: count }, (_, i) => built(`release ${i}`, 100 - i))
  for (const one of images) await scene.push(one)
  await scene.push(built('current', 1), 'stable')
  return { ...scene, images }
}

function deletedOf({ plan }: Awaited<ReturnType<RecordScene['decide']>>): readonly string[] {
  return plan.steps.flatMap((step) => (step.kind === 'deleteManifest' ? [step.target.digest] : []))
}

describe('a superseded digest', () => {
  it('is deleted if it is not among the newest moves, and older by its move', async () => {
    const { decide, images } = await sceneOf(4)
    const [a, b, c, d] = images as readonly [Content, Content, Content, Content]
    const decision = await decide(
      superseded(1),
      moved(['stable', a, 60.5], ['stable', b, 40], ['stable', c, 10], ['stable', d, 5]),
    )
    expect(deletedOf(decision).toSorted()).toEqual([a, b].map(digestOf).toSorted())
    expect(decision.plan.count).toEqual({ images: 1, deleted: 0, superseded: 2 })
    expect(decision.plan.steps[0]).toMatchObject({ losesTags: [], formerTags: ['stable'], after: [] })
    expect(decision.plan.others.map(({ role, verdict }) => `${role} ${verdict}`).toSorted()).toEqual([
      'superseded delete',
      'superseded delete',
      'superseded keep',
      'superseded keep',
    ])
    const oldest = decision.plan.others.find(({ digest }) => digest === digestOf(a))
    expect(oldest?.why.text).toMatch(
      /^superseded: stable pointed to it until \d+d ago, not among the newest 1 of stable, last tagged \d+d ago, older than 14d$/,
    )
  })

  it('is deleted with its children and attached artifacts', async () => {
    const { push, decide } = await recordScene()
    const both = index(['amd64', 'arm64'])
    await push(both)
    await push(referrer(both))
    await push(built('current', 1), 'stable')
    const decision = await decide(superseded(), moved(['stable', both, 60]))
    expect(deletedOf(decision)).toHaveLength(4)
    expect(decision.plan.others.map(({ role }) => role).toSorted()).toEqual([
      'child',
      'child',
      'evidence',
      'superseded',
    ])
    expect(decision.plan.count).toMatchObject({ superseded: 1 })
  })

  it('is kept if it has a tag again, or is in an index or attached to a subject that is kept', async () => {
    const { push, decide } = await recordScene()
    const [tagged, inIndex, subject] = [built('tagged', 90), built('in an index', 90), built('subject', 90)]
    await push(tagged, 'other')
    await push(index([inIndex]), 'both')
    await push(subject)
    const attached = referrer(subject)
    await push(attached)
    const moves = moved(['stable', tagged, 60], ['stable', inIndex, 60], ['stable', attached, 60])
    expect((await decide(superseded(), moves)).plan.steps).toEqual([])
  })

  it('is kept for a rollback if it is in an index that is deleted', async () => {
    const { push, decide, images } = await sceneOf(2)
    const [a, b] = images as readonly [Content, Content]
    const both = index([a, b])
    await push(both, 'pr-1')
    const policy = superseded(1)
    const rules = [rule('pull requests', { tags: globs('pr-*') }), ...policy.rules]
    const decision = await decide({ ...policy, rules }, moved(['stable', a, 60], ['stable', b, 50]))
    expect(deletedOf(decision).toSorted()).toEqual([digestOf(both), digestOf(a)].toSorted())
  })

  it('is kept if it is in use, and takes no slot', async () => {
    const { decide, images } = await sceneOf(2)
    const [a, b] = images as readonly [Content, Content]
    const inUse = [{ at: { digest: digestOf(b) }, by: 'a pod', protection: 'pods' }]
    const decision = await decide(superseded(1), {
      ...moved(['stable', a, 60], ['stable', b, 50]),
      inUse,
    })
    expect(deletedOf(decision)).toEqual([])
    expect(deletedOf(await decide(superseded(1), moved(['stable', a, 60], ['stable', b, 50])))).toEqual([
      digestOf(a),
    ])
  })

  it('is kept if another tag was moved from it recently, or dray promoted it recently', async () => {
    const { decide, attest, images } = await sceneOf(2)
    const [a, b] = images as readonly [Content, Content]
    await attest(b, 2)
    const decision = await decide(superseded(), moved(['stable', a, 60], ['latest', a, 1], ['stable', b, 60]))
    expect(decision.plan.steps).toEqual([])
  })

  it('is not one that no rule selects', async () => {
    const { decide, images } = await sceneOf(1)
    const [a] = images as readonly [Content]
    expect((await decide(superseded(), moved(['latest', a, 60]))).plan.steps).toEqual([])
  })

  it('is gone already if the registry does not have it, and takes no slot', async () => {
    const { decide, images } = await sceneOf(2)
    const [a, b] = images as readonly [Content, Content]
    const gone = built('gone', 50)
    const decision = await decide(
      superseded(2),
      moved(['stable', a, 60], ['stable', b, 50], ['stable', gone, 40]),
    )
    expect(decision.plan.others.map(({ verdict }) => verdict)).toEqual(['keep', 'keep'])
  })

  it('can be explained', async () => {
    const { evaluate, images } = await sceneOf(2)
    const [a, b] = images as readonly [Content, Content]
    const moves = moved(['stable', a, 60], ['stable', b, 50])
    const evaluation = await evaluate(superseded(1), moves)
    const text = (one: Content) => explain(evaluation, superseded(1), { digest: digestOf(one) })
    expect(text(a)).toMatchObject({ verdict: 'delete', why: { kind: 'rule', by: 'superseded' } })
    expect(text(a).rules[0]?.conditions.map(({ name }) => name)).toEqual(['keepNewest', 'olderThan'])
    expect(text(b)).toMatchObject({ verdict: 'keep', why: { kind: 'kept' } })
  })

  it('counts in maxDeletes', async () => {
    const { evaluate, images } = await sceneOf(2)
    const [a, b] = images as readonly [Content, Content]
    const evaluation = await evaluate(superseded(), moved(['stable', a, 60], ['stable', b, 50]))
    const { refusal } = explain(evaluation, superseded(), { digest: digestOf(a) }, { maxDeletes: 1 })
    expect(refusal?.why).toContain('2 images would be deleted')
  })
})

describe('attestations of moves', () => {
  const chain = async (scene: RecordScene) => {
    const [first, second, current] = [built('first', 90), built('second', 60), built('current', 1)]
    await scene.push(first)
    await scene.push(second)
    await scene.push(current, 'stable')
    const tags = (before: Content) => ({ tags: [{ tag: 'stable', before: digestOf(before) }] })
    return { first, second, current, tags }
  }

  it('lead from the digest that a tag is on to those that it was on before', async () => {
    const scene = await recordScene()
    const { first, second, current, tags } = await chain(scene)
    await scene.attest(second, 60, tags(first))
    await scene.attest(current, 30, tags(second))
    const decision = await scene.decide(superseded())
    expect(deletedOf(decision).toSorted()).toContain(digestOf(first))
    expect(decision.plan.count.superseded).toBe(2)
  })

  it.each([
    ['of another repository', { to: { repository: { registry: 'other.example', path: 'prod/api' } } }],
    ['in the future', { time: '2030-01-01T00:00:00Z' }],
    ['of another tag', { tags: [{ tag: 'latest', before: null }] }],
  ])('nominate nothing if they are %s', async (_, over) => {
    const scene = await recordScene()
    const { second, current, tags } = await chain(scene)
    await scene.attest(current, 30, { ...tags(second), ...over })
    expect((await scene.decide(superseded())).plan.steps).toEqual([])
  })

  it('nominate only if they are signed by the key, if there is one', async () => {
    const scene = await recordScene()
    const { second, current, tags } = await chain(scene)
    const [own, forged] = [newKeys(), newKeys()]
    const keys = async () => await Promise.resolve([own.verify])
    await scene.attest(current, 30, tags(second))
    await scene.attest(current, 31, tags(second), forged.signing)
    expect((await scene.decide(superseded(), { keys })).plan.steps).toEqual([])
    await scene.attest(current, 32, tags(second), own.signing)
    expect(deletedOf(await scene.decide(superseded(), { keys }))).toContain(digestOf(second))
  })

  it('are read only of the tags that a rule selects, and not if the log has their moves', async () => {
    const scene = await recordScene()
    const { second, current } = await chain(scene)
    await scene.push(built('unrelated', 5), 'other')
    const moves = {
      ...movesOf({
        puts: new Map([[digestOf(current), { tag: 'stable', at: ago(1) }]]),
        superseded: [{ tag: 'stable', digest: digestOf(second), at: ago(1) }],
      }),
    }
    scene.registry.forget()
    await scene.decide(superseded(), moves)
    // The superseded digest has no record of its own.
    expect(scene.counts()).toEqual({ 'GET tags': 1, 'GET manifest': 3, 'GET referrers': 1 })
  })
})

describe('a rule for superseded digests without records', () => {
  it('warns, and a rule of another kind does not', async () => {
    const { decide } = await sceneOf(1)
    expect((await decide(superseded())).warnings.join()).toContain('found no audit records')
    expect((await decide(policyOf())).warnings).toEqual([])
  })
})
