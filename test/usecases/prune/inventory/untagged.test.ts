import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../../src/oci/digest.ts'
import { cosignSignature, image, index, referrer } from '../../../support/images.ts'
import { globs, protection, rule } from '../../../support/repository-graphs.ts'
import { dayMs, listedWorld, now } from '../../../support/retention/listed-world.ts'

const untagged = rule('untagged', { kind: 'untagged', days: 14 })
const oldTags = rule('old', { tags: globs('pr-*'), days: 14 })
const attestation = image({ label: 'attestation', platform: 'unknown/unknown' })

describe('a rule about untagged manifests', () => {
  it('deletes those that nothing reaches, and nothing of a tagged index with its attached artifacts (case 1)', async () => {
    const world = await listedWorld()
    const api = index(['linux/amd64', 'linux/arm64', 'linux/arm/v7', attestation])
    world.put(api, { tags: ['1.4.2'] })
    world.put(referrer(api))
    world.put(referrer(api.manifests[0]?.descriptor ?? api.root, { payload: 'of a platform' }))
    world.put(image({ label: 'alone' }), { name: 'alone' })
    expect((await world.plan([untagged])).deleted).toEqual(['alone'])
    // A vendor that gives no media types: every manifest may be an index.
    for (const digest of world.facts.keys()) world.facts.set(digest, { pushedAt: now - 100 * dayMs })
    expect((await world.plan([untagged])).deleted).toEqual(['alone'])
  })

  it('deletes an untagged index with everything below it and attached to it, the index first', async () => {
    const world = await listedWorld()
    const old = index(['linux/amd64', 'linux/arm64'], { label: 'old' })
    world.put(old, { name: 'old' })
    world.put(referrer(old), { name: 'sbom' })
    const { decision } = await world.plan([untagged])
    expect(decision.plan.others.map(({ role }) => role).toSorted()).toEqual([
      'child',
      'child',
      'evidence',
      'untagged',
    ])
    expect(decision.plan.count).toEqual({ images: 0, deleted: 0, untaggedManifests: 1 })
    expect(decision.plan.steps[0]).toMatchObject({ kind: 'deleteManifest', untagged: true, losesTags: [] })
    expect(decision.plan.steps[0]?.why.text).toBe(
      'untagged: nothing reaches it, pushed 100d ago, longer ago than 14d',
    )
  })

  it('keeps a child that an untagged and a tagged index share (case 3)', async () => {
    const world = await listedWorld()
    const shared = image({ label: 'shared' })
    world.put(index([shared, 'linux/arm64'], { label: 'live' }), { tags: ['1.4.2'] })
    const own = image({ label: 'own', platform: 'linux/arm/v7' })
    world.put(own, { name: 'own' })
    world.put(index([shared, own], { label: 'old' }), { name: 'old' })
    expect((await world.plan([untagged])).deleted).toEqual(['old', 'own'])
  })

  it('keeps attached artifacts of a live subject, and cosign tags with theirs (case 5)', async () => {
    const world = await listedWorld()
    const live = image({ label: 'live' })
    const dead = image({ label: 'dead' })
    world.put(live, { tags: ['1.4.2'] })
    world.put(cosignSignature(live))
    const sbom = referrer(live)
    world.put(sbom)
    world.put(referrer(sbom, { payload: 'about the SBOM' }))
    world.put(dead, { name: 'dead' })
    world.put(cosignSignature(dead), { name: 'signature' })
    expect((await world.plan([untagged])).deleted).toEqual(['dead', 'signature'])
  })

  it('keeps a part of an image that only the vendor names', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    world.put(index([child]), { tags: ['1.4.2'] })
    // Harbor takes attestations of BuildKit out of the children of an index.
    const provenance = world.put(attestation)
    world.facts.set(provenance, { pushedAt: now - 100 * dayMs, subject: child.root.digest as Digest })
    const { deleted, snapshot } = await world.plan([untagged])
    expect(deleted).toEqual([])
    expect(snapshot.graph.nodes.get(provenance)?.isListed).toBeUndefined()
  })

  it('counts age from the newest push of what it deletes, never from created (case 41)', async () => {
    const world = await listedWorld()
    const child = image({ label: 'of an index to come', created: '2015-01-01T00:00:00Z' })
    world.put(child, { pushed: 0.001, name: 'child' })
    expect((await world.plan([untagged])).deleted).toEqual([])
    const old = image({ label: 'signed a minute ago' })
    world.put(old, { name: 'old' })
    world.put(referrer(old), { pushed: 0.001, name: 'signature' })
    const { deleted, explain } = await world.plan([untagged])
    expect(deleted).toEqual([])
    expect(explain('old')).toMatchObject({
      verdict: 'keep',
      why: { kind: 'kept', text: 'untagged: pushed 1m ago, not longer ago than 14d' },
    })
  })

  it('keeps a manifest without a push time, and one from the future or before 2013 (case 32)', async () => {
    const world = await listedWorld()
    const ages = { unknown: undefined, future: -1, ancient: 6000 }
    for (const [label, days] of Object.entries(ages)) {
      const digest = world.put(image({ label }), { name: label })
      const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json' }
      world.facts.set(digest, days === undefined ? entry : { ...entry, pushedAt: now - days * dayMs })
    }
    expect((await world.plan([untagged])).deleted).toEqual([])
  })

  it('keeps what is in use by digest, and what that reaches', async () => {
    const world = await listedWorld()
    const used = index(['linux/amd64'], { label: 'used' })
    const digest = world.put(used)
    const inUse = [{ at: { digest }, by: 'gitops/api.yaml', protection: 'in use' }]
    expect((await world.plan([untagged])).deleted).toHaveLength(2)
    expect((await world.plan([untagged], { inUse })).deleted).toEqual([])
  })

  it('deletes nothing if one index cannot be read, and other rules delete (case 4)', async () => {
    const world = await listedWorld()
    const broken = world.put(index(['linux/amd64'], { label: 'broken' }))
    world.put(image({ label: 'alone' }), { name: 'alone' })
    world.put(image({ label: 'pr' }), { tags: ['pr-1'] })
    const kept = await world.storage.manifest('dev/api', broken)
    if (kept === undefined) throw new Error('the index is not there')
    await world.storage.putManifest('dev/api', { ...kept, bytes: Buffer.from('{') }, [])
    const { deleted, warnings, decision } = await world.plan([untagged, oldTags])
    expect(deleted).toEqual(['pr-1'])
    expect(warnings.join('\n')).toMatch(
      /the rule "untagged" deletes nothing, because dray cannot read sha256:/,
    )
    expect(decision.refusals).toEqual([])
  })

  it('deletes nothing if an index is gone between the list and its read (case 2)', async () => {
    const world = await listedWorld()
    const gone = world.put(index(['linux/amd64', 'linux/arm64']))
    world.put(image({ label: 'alone' }), { name: 'alone' })
    const { deleted, warnings } = await world.plan([untagged], {
      between: () => void world.storage.deleteManifest('dev/api', gone),
    })
    expect(deleted).toEqual([])
    expect(warnings.join('\n')).toContain('the inventory lists it, and the OCI API does not find it')
  })

  it('ignores a manifest without a media type that HEAD and GET do not find', async () => {
    const world = await listedWorld()
    const gone = world.put(image({ label: 'gone' }))
    world.facts.set(gone, { pushedAt: now - 100 * dayMs })
    world.put(image({ label: 'alone' }), { name: 'alone' })
    const { deleted } = await world.plan([untagged], {
      between: () => void world.storage.deleteManifest('dev/api', gone),
    })
    expect(deleted).toEqual(['alone'])
  })

  it('keeps a manifest that got a tag, an index or a subject after the list (case 31)', async () => {
    const world = await listedWorld()
    const tagged = image({ label: 'tagged' })
    const child = image({ label: 'child' })
    world.put(tagged)
    world.put(child)
    const { deleted, warnings } = await world.plan([untagged], {
      between: () => {
        world.put(tagged, { tags: ['new'] })
        world.put(index([child]), { tags: ['index'] })
      },
    })
    expect(deleted).toEqual([])
    expect(warnings.join('\n')).toContain('the inventory of The Vendor lacks')
  })

  it('is refused without an inventory, and other rules delete (case 33)', async () => {
    const world = await listedWorld()
    world.put(image({ annotations: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' } }), {
      tags: ['pr-1'],
    })
    const { deleted, decision } = await world.plan([untagged, oldTags], {
      reading: { kind: 'none' },
      timeFrom: ['annotation'],
    })
    expect(deleted).toEqual(['pr-1'])
    expect(decision.refusals).toMatchObject([
      { rule: 'untagged', error: { code: 'config', message: 'cannot apply the rule "untagged"' } },
    ])
    expect(decision.refusals[0]?.error.hint).toContain('kind: harbor')
  })

  it.each([{ untagged: false }, { pushedAt: false }])(
    'is refused if the inventory knows %j',
    async (knows) => {
      const world = await listedWorld()
      world.put(image({ label: 'alone' }))
      const { deleted, decision } = await world.plan([untagged], { knows })
      expect(deleted).toEqual([])
      expect(decision.refusals).toMatchObject([{ rule: 'untagged', error: { code: 'config' } }])
    },
  )

  it('keeps an index with which the registry would delete a kept child', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    const digest: Digest = world.put(child)
    world.put(index([child]), { tags: ['pr-1'] })
    const inUse = [{ at: { digest }, by: 'gitops/api.yaml', protection: 'in use' }]
    expect((await world.plan([oldTags], { inUse })).deleted).toEqual(['pr-1'])
    const kept = await world.plan([oldTags], { inUse, deletes: { cascades: true } })
    expect(kept.deleted).toEqual([])
    expect(kept.explain('pr-1').why.text).toMatch(/The Vendor would also delete sha256:.*, which is kept/)
  })

  it('keeps a locked manifest, an archived one and the image of a locked tag, with the vendor (cases 12 and 20)', async () => {
    const world = await listedWorld()
    const lock = { of: 'delete', text: 'legal hold' } as const
    const locked = world.put(image({ label: 'locked' }), { name: 'locked' })
    world.facts.set(locked, { ...world.facts.get(locked), locked: lock })
    const archived = world.put(image({ label: 'archived' }), { name: 'archived' })
    world.facts.set(archived, { ...world.facts.get(archived), status: 'ARCHIVED' })
    const immutable = world.put(image({ label: 'pr' }), { tags: ['pr-1'] })
    const { deleted, explain } = await world.plan([untagged, oldTags], {
      change: (snapshot) => ({
        ...snapshot,
        entries: new Map(
          [...snapshot.entries].map(([digest, entry]) => [
            digest,
            digest === immutable
              ? { ...entry, tags: [{ name: 'pr-1', locked: { of: 'write', text: 'immutable tag rule' } }] }
              : entry,
          ]),
        ),
      }),
    })
    expect(deleted).toEqual([])
    expect(explain('pr-1').why).toEqual({
      kind: 'locked',
      by: 'The Vendor',
      text: 'locked in The Vendor (tag pr-1): immutable tag rule',
    })
    expect(explain('locked').protections).toContainEqual({
      name: 'The Vendor',
      matches: true,
      text: 'locked in The Vendor: legal hold',
    })
  })

  it('keeps what a protection reaches', async () => {
    const world = await listedWorld()
    world.put(index(['linux/amd64'], { label: 'prod' }), { tags: ['prod'] })
    const { deleted } = await world.plan([untagged, rule('all', { days: 1 })], {
      protect: [protection(globs('prod'))],
    })
    expect(deleted).toEqual([])
  })
})
