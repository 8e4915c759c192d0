import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Rule, TimeSource } from '../../../../src/config/retention/policy.ts'
import { mediaTypes } from '../../../../src/oci/media-types.ts'
import type { RepositoryNode } from '../../../../src/images/graph/repository-node.ts'
import { decideRepository } from '../../../../src/usecases/prune/decide-repository.ts'
import { checkPruneConsistency } from '../../../../src/plan/prune/prune-consistency.ts'
import type { Digest } from '../../../../src/oci/digest.ts'
import { fallbackTag } from '../../../../src/oci/evidence-tags.ts'
import { ago, isoAgo, policyOf } from '../../../support/record-scene.ts'
import { digestNamed, globs, protection, rule } from '../../../support/repository-graphs.ts'

const days = 14
const tagNames = ['stable', 'latest', 'v1', 'v2', 'keep-1', 'pr-1', 'pr-2'] as const
const anyImage = fc.nat({ max: 7 })
const anyAge = fc.integer({ min: 0, max: 60 })
const anyTag = fc.constantFrom(...tagNames)

/** Images 0 to 7: the last three are an index, a referrer and an index of the index. */
const anyRepository = fc.record({
  built: fc.array(fc.option(anyAge), { minLength: 8, maxLength: 8 }),
  tags: fc.dictionary(anyTag, anyImage),
  children: fc.array(fc.nat({ max: 5 }), { maxLength: 3 }),
  subject: fc.nat({ max: 9 }),
  signed: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
  promoted: fc.uniqueArray(fc.tuple(anyImage, anyAge), { maxLength: 5, selector: ([i]) => i }),
  superseded: fc.array(fc.tuple(anyTag, anyImage, anyAge), { maxLength: 8 }),
  inUse: fc.array(anyImage, { maxLength: 2 }),
  kinds: fc.subarray(['superseded', 'orphaned', 'broken', 'tags'] as const, { minLength: 1 }),
  keepNewest: fc.option(fc.integer({ min: 1, max: 3 })),
  timeFrom: fc.constantFrom<readonly TimeSource[]>(['promoted', 'annotation'], ['promoted']),
})

it('an image that is protected, promoted recently, in use or unread is never in a plan to delete', () => {
  fc.assert(
    fc.property(anyRepository, (one) => {
      const nameOf = (i: number): Digest => digestNamed(`image ${i}`)
      const subject = one.subject === 6 ? undefined : nameOf(one.subject)
      const nodeOf = (i: number): RepositoryNode => {
        const age = one.built[i] ?? null
        const children = i === 5 ? one.children.filter((child) => child < 5) : i === 7 ? [5] : []
        return {
          descriptor: { mediaType: mediaTypes.manifest, digest: nameOf(i), size: 1 },
          kind: children.length > 0 ? 'index' : 'manifest',
          children: children.map((child) => ({ digest: nameOf(child), isAttestation: false })),
          blobs: [],
          ...(age !== null && { created: isoAgo(age) }),
          ...(i === 6 && subject !== undefined && { subject }),
        }
      }
      const nodes = new Map(Array.from({ length: 8 }, (_, i) => [nameOf(i), nodeOf(i)] as const))
      const signatures = one.signed.map((of) => [`${fallbackTag(nameOf(of))}.sig`, nameOf(4)] as const)
      const tags = new Map([
        ...Object.entries(one.tags).map(([tag, i]) => [tag, nameOf(i)] as const),
        ...signatures,
      ])
      const promoted = new Map(
        one.promoted.map(([i, age]) => [nameOf(i), { at: ago(age), text: 'promoted' }] as const),
      )
      const rules = one.kinds.map((kind): Rule => {
        const keepNewest =
          one.keepNewest === null || kind === 'orphaned' ? {} : { keepNewest: one.keepNewest }
        return rule(kind, { kind, days, ...keepNewest })
      })
      const policy = policyOf({ rules, timeFrom: one.timeFrom, protect: [protection(globs('keep-*'))] })
      const missing = { digests: [digestNamed('missing')], since: ago(60) }
      const repository = { registry: 'r.example', path: 'prod/api' }
      const { plan } = decideRepository(
        {
          repository,
          image: '@prod/api',
          inUse: one.inUse.map((i) => ({ at: { digest: nameOf(i) }, by: 'a pod', protection: 'pods' })),
          orphaned: [],
          graph: { repository, tags, nodes, missing: new Set() },
          configTimes: new Map(),
          now: ago(0),
          canUntag: 'yes',
          referrers: 'read',
          history: {
            promoted,
            ignored: new Map(),
            superseded: one.superseded.map(([tag, i, age]) => ({ tag, digest: nameOf(i), at: ago(age) })),
            orphaned: new Map(signatures.map(([tag]) => [tag, missing])),
            broken: new Map(tags.has('v1') ? [['v1', missing]] : []),
            sparse: new Set(),
          },
        },
        policy,
      )
      const below = (digest: Digest): readonly Digest[] => {
        const children = nodes.get(digest)?.children.flatMap((child) => below(child.digest)) ?? []
        return [digest, ...children]
      }
      const protectedDigests = [
        ...one.inUse.map(nameOf),
        ...[...tags].flatMap(([tag, digest]) => (tag.startsWith('keep-') ? [digest] : [])),
      ].flatMap(below)
      const recent = new Set(one.promoted.filter(([, age]) => age < days).map(([i]) => nameOf(i)))
      const tagged = new Set(
        [...tags].flatMap(([tag, digest]) => (tag.startsWith('sha256-') ? [] : [digest])),
      )
      const broken = tags.get('v1')
      const isRecentImage = (digest: Digest): boolean =>
        recent.has(digest) && tagged.has(digest) && digest !== broken
      for (const step of plan.steps) {
        if (step.kind === 'deleteTag') continue
        const { digest } = step.target
        expect(protectedDigests).not.toContain(digest)
        expect(isRecentImage(digest)).toBe(false)
        const isNominated = step.formerTags !== undefined
        expect(isNominated && (recent.has(digest) || tagged.has(digest))).toBe(false)
        // A kept index is whole: none of its manifests is deleted.
        const kept = [...nodes.keys()].filter(
          (other) => !plan.steps.some((s) => s.kind === 'deleteManifest' && s.target.digest === other),
        )
        for (const other of kept) expect(below(other)).not.toContain(digest)
      }
      const whole = {
        schema: 'dray.plan/1',
        operation: 'prune',
        createdAt: '',
        tool: '',
        policy: '',
      } as const
      checkPruneConsistency({ ...whole, inUse: [], repositories: [plan], refusals: [] }, 'the plan')
    }),
    { numRuns: 500, seed: 20261128 },
  )
})
