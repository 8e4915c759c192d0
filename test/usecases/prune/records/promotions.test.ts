import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../../../src/oci/digest.ts'
import { explain } from '../../../../src/usecases/prune/policy/explain.ts'
import { claimedAttestation, newKeys, promotionOf } from '../../../support/attestations.ts'
import { index } from '../../../support/images.ts'
import { ago, built, isoAgo, movesOf, policyOf, recordScene } from '../../../support/record-scene.ts'
import { globs, rule } from '../../../support/repository-graphs.ts'

const puts = (...entries: readonly (readonly [digest: string, days: number])[]) =>
  movesOf({
    puts: new Map(entries.map(([digest, days]) => [parseDigest(digest), { tag: 'stable', at: ago(days) }])),
  })

describe('an image that was promoted recently', () => {
  it('is kept whatever the age of its build, by the audit log', async () => {
    const { push, decide } = await recordScene()
    const [promoted, old] = [built('promoted', 60), built('old', 60)]
    await push(promoted, 'stable')
    await push(old, 'old')
    const { deletedTags, plan } = await decide(policyOf(), puts([promoted.root.digest, 0.001]))
    expect(deletedTags).toEqual(['old'])
    expect(plan.tags.find(({ tag }) => tag === 'stable')?.created).toBe(new Date(ago(0.001)).toISOString())
  })

  it('is not known without records, and a promotion target has a warning then', async () => {
    const { push, attest, decide } = await recordScene()
    const old = built('old', 60)
    await push(old, 'stable')
    expect((await decide(policyOf())).warnings).toEqual([])
    const target = policyOf({ isPromotionTarget: true })
    expect(await decide(target)).toMatchObject({
      deletedTags: ['stable'],
      warnings: [expect.stringMatching(/^dray found no records of promotions to this repository/)],
    })
    const byBuild = policyOf({ isPromotionTarget: true, timeFrom: ['annotation', 'config'] })
    expect((await decide(byBuild)).warnings).toEqual([])
    await attest(old, 50)
    expect(await decide(target)).toMatchObject({ deletedTags: ['stable'], warnings: [] })
  })

  it('is kept by an attestation, and the newest of two counts', async () => {
    const { push, attest, decide } = await recordScene()
    const promoted = built('promoted', 60)
    await push(promoted, 'stable')
    await attest(promoted, 40)
    expect((await decide()).deletedTags).toEqual(['stable'])
    await attest(promoted, 1)
    expect((await decide()).deletedTags).toEqual([])
  })

  it('is kept by an attestation under the fallback tag of a registry without the API', async () => {
    const { registry, run, repository, push, decide } = await recordScene('docker-registry-2.8')
    const promoted = built('promoted', 60)
    await push(promoted, 'stable')
    const { attachAndList } = await import('../../../support/attestations.ts')
    const { parseDescriptor } = await import('../../../../src/oci/descriptor.ts')
    const to = { repository }
    await attachAndList(
      run.stores.target(repository),
      {
        promotion: promotionOf(promoted.root.digest, { to, time: isoAgo(1) }),
        subject: parseDescriptor(promoted.root, 'the subject'),
      },
      run.call,
    )
    registry.forget()
    expect((await decide()).deletedTags).toEqual([])
  })

  it('pushes another one out of the newest, whose attestations are read then', async () => {
    const { push, attest, decide } = await recordScene()
    const images = [100, 90, 80, 70].map((days) => built(`of ${days}`, days))
    for (const [i, one] of images.entries()) await push(one, `t${i}`)
    const [first, , third] = images
    if (first === undefined || third === undefined) throw new Error('four images were made')
    await attest(first, 1)
    await attest(third, 50)
    const { deletedTags } = await decide(policyOf({ rules: [rule('few', { keepNewest: 2 })] }))
    // By build, t2 and t3 are the newest. The promotions make t0 and t2 the newest.
    expect(deletedTags).toEqual(['t1', 't3'])
  })

  it('is dated although its build is undated', async () => {
    const { push, decide, evaluate } = await recordScene()
    const undated = built('reproducible', 20_000)
    await push(undated, 'stable')
    expect((await decide()).deletedTags).toEqual([])
    const old = await decide(policyOf(), puts([undated.root.digest, 20]))
    expect(old.deletedTags).toEqual(['stable'])
    const { times } = await evaluate(policyOf(), puts([undated.root.digest, 20]))
    expect(times.of(parseDigest(undated.root.digest))).toMatchObject({ at: ago(20) })
  })

  it('is never older than its build', async () => {
    const { push, evaluate } = await recordScene()
    const one = built('one', 5)
    await push(one, 'stable')
    const { times } = await evaluate(policyOf(), puts([one.root.digest, 60]))
    expect(times.of(parseDigest(one.root.digest))).toMatchObject({ at: ago(5) })
  })

  it('is new although the clock of the registry is behind that of the log', async () => {
    const { push, decide } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    expect((await decide(policyOf(), puts([one.root.digest, -0.5]))).deletedTags).toEqual([])
  })

  it('has the age of its build if timeFrom says so', async () => {
    const { push, decide } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    const policy = policyOf({ timeFrom: ['config', 'promoted'] })
    expect((await decide(policy, puts([one.root.digest, 1]))).deletedTags).toEqual(['stable'])
  })

  it('is kept as an index, by the promotion of the index', async () => {
    const { push, attest, decide } = await recordScene()
    const both = index(['amd64', 'arm64'], { created: isoAgo(60) })
    await push(both, 'stable')
    await attest(both, 1)
    expect((await decide()).deletedTags).toEqual([])
  })
})

describe('an attestation that does not count', () => {
  it('is one about another repository, and is not even mentioned', async () => {
    const { push, attest, evaluate, repository } = await recordScene()
    const copied = built('copied', 60)
    await push(copied, 'stable')
    await attest(copied, 1, { to: { repository: { ...repository, path: 'staging/api' } } })
    const evaluation = await evaluate()
    expect(evaluation.ruleVerdicts.get('stable')?.isDeleted).toBe(true)
    expect(explain(evaluation, policyOf(), { tag: 'stable' }).time.text).toBe('created of the config')
  })

  it('is one about another image', async () => {
    const { push, evaluate } = await recordScene()
    const [own, other] = [built('own', 60), built('other', 60)]
    await push(own, 'stable')
    const { attestationContent } = await import('../../../support/attestations.ts')
    const { body } = await import('../../../support/images.ts')
    const [layer] = body(attestationContent(other, promotionOf(other.root.digest, { time: isoAgo(1) })))[
      'layers'
    ] as readonly { digest: string }[]
    const statement = attestationContent(
      other,
      promotionOf(other.root.digest, { time: isoAgo(1) }),
    ).blobs.get(layer?.digest ?? '')
    await push(claimedAttestation(own, statement ?? '', 'application/vnd.in-toto+json'))
    const evaluation = await evaluate()
    expect(evaluation.ruleVerdicts.get('stable')?.isDeleted).toBe(true)
    expect(explain(evaluation, policyOf(), { tag: 'stable' }).time.text).toContain('an attestation is bad')
  })

  it.each([
    ['in the future', -2],
    ['before 2013', 9000],
  ])('is one with a time %s, and the image is undated and kept', async (text, days) => {
    const { push, attest, evaluate } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    await attest(one, days)
    const evaluation = await evaluate()
    expect(evaluation.ruleVerdicts.get('stable')).toMatchObject({
      isDeleted: false,
      why: { kind: 'undated' },
    })
    expect(explain(evaluation, policyOf(), { tag: 'stable' }).time.text).toContain(text)
  })

  it('is one from before 2013, if there is a later one', async () => {
    const { push, attest, evaluate } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    await attest(one, 9000)
    await attest(one, 40)
    expect((await evaluate()).ruleVerdicts.get('stable')?.isDeleted).toBe(true)
  })

  it('is content that is no statement', async () => {
    const { push, decide } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    await push(claimedAttestation(one, 'not a bundle'))
    expect((await decide()).deletedTags).toEqual(['stable'])
  })

  it('is not one by an unknown key: to keep an image is safe, and its time passes', async () => {
    const { push, attest, decide } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    const [known, unknown] = [newKeys(), newKeys()]
    await attest(one, 1, {}, unknown.signing)
    const keys = async () => await Promise.resolve([known.verify])
    expect((await decide(policyOf(), { keys })).deletedTags).toEqual([])
  })

  it('is none under another name of the repository', async () => {
    const { push, attest, decide, repository } = await recordScene()
    const one = built('one', 60)
    await push(one, 'stable')
    await attest(one, 1, { to: { repository: { ...repository, registry: 'mirror.example.com' } } })
    const identify = ({ path }: { readonly path: string }): string => path
    expect((await decide(policyOf(), { identify })).deletedTags).toEqual([])
  })
})

describe('the requests for promotions', () => {
  it('are none for referrers if nothing would be deleted', async () => {
    const { registry, push, decide, counts } = await recordScene()
    for (const days of [1, 2, 3]) await push(built(`of ${days}`, days), `t${days}`)
    registry.forget()
    await decide()
    expect(counts()).toEqual({ 'GET tags': 1, 'GET manifest': 3, 'GET blob': 3 })
  })

  it('are one list of referrers for each image that would be deleted, and no more if that keeps it', async () => {
    const { registry, push, attest, decide, counts } = await recordScene()
    for (const days of [1, 2, 60, 70]) {
      const one = built(`of ${days}`, days)
      await push(one, `t${days}`)
      if (days > 14) await attest(one, 1)
    }
    registry.forget()
    expect((await decide()).deletedTags).toEqual([])
    // Each attestation is a manifest and a blob.
    expect(counts()).toEqual({ 'GET tags': 1, 'GET manifest': 6, 'GET blob': 6, 'GET referrers': 2 })
  })

  it('list the referrers of an image that is deleted only once', async () => {
    const { registry, push, decide, counts } = await recordScene()
    for (const days of [1, 60, 70]) await push(built(`of ${days}`, days), `t${days}`)
    registry.forget()
    expect((await decide()).deletedTags).toEqual(['t60', 't70'])
    expect(counts()).toEqual({ 'GET tags': 1, 'GET manifest': 3, 'GET blob': 3, 'GET referrers': 3 })
  })

  it('do not include the log or referrers if no rule needs a time', async () => {
    const { registry, push, decide, counts } = await recordScene()
    await push(built('kept', 60), 'v1')
    const moves = () => Promise.reject(new Error('the audit log was read'))
    const policy = policyOf({ rules: [rule('never', { tags: globs('pr-*') })] })
    registry.forget()
    expect((await decide(policy, { moves })).deletedTags).toEqual([])
    expect(counts()).toEqual({ 'GET tags': 1, 'GET manifest': 1 })
  })

  it('do not include the log if promoted is not in timeFrom', async () => {
    const { push, decide } = await recordScene()
    await push(built('old', 60), 'v1')
    const moves = () => Promise.reject(new Error('the audit log was read'))
    const policy = policyOf({ timeFrom: ['annotation', 'config'] })
    expect((await decide(policy, { moves })).deletedTags).toEqual(['v1'])
  })
})
