import * as v from 'valibot'
import { descriptor, digest, error, natural, repository, tag, time } from '../shapes.ts'

/** Creates the shape of a `PrunePlan` in a file. */
export function createPrunePlanShape(): v.GenericSchema {
  const why = v.strictObject({
    kind: v.picklist([
      'rule',
      'protection',
      'inUse',
      'hold',
      'locked',
      'disputed',
      'notApplied',
      'unmatched',
      'kept',
      'undated',
      'unparsable',
      'versionLike',
      'reached',
      'evidence',
      'cannotUntag',
      'dangling',
      'orphan',
    ]),
    by: v.exactOptional(v.string()),
    text: v.string(),
  })
  const tagVerdict = v.strictObject({
    tag,
    digest: v.nullable(digest),
    verdict: v.picklist(['keep', 'delete', 'untag']),
    why,
    created: v.exactOptional(time),
    size: v.exactOptional(natural),
    missingChildren: v.exactOptional(
      v.array(v.strictObject({ digest, platform: v.exactOptional(v.string()) })),
    ),
  })
  const manifestVerdict = v.strictObject({
    digest,
    role: v.picklist(['child', 'evidence', 'orphaned', 'superseded', 'untagged']),
    of: v.array(digest),
    verdict: v.picklist(['keep', 'delete']),
    why,
    size: natural,
    formerTags: v.exactOptional(v.array(tag)),
    lastTaggedAt: v.exactOptional(time),
    pushedAt: v.exactOptional(time),
  })
  const stepBase = {
    id: v.string(),
    repository,
    after: v.array(v.string()),
    why,
    absent: v.exactOptional(v.array(digest)),
  }
  const step = v.variant('kind', [
    v.strictObject({
      ...stepBase,
      kind: v.literal('deleteManifest'),
      target: descriptor,
      losesTags: v.array(tag),
      subject: v.exactOptional(digest),
      formerTags: v.exactOptional(v.array(tag)),
      untagged: v.exactOptional(v.literal(true)),
    }),
    v.strictObject({ ...stepBase, kind: v.literal('deleteTag'), tag, digest }),
  ])
  const repositoryPlan = v.strictObject({
    repository,
    image: v.string(),
    environment: v.exactOptional(v.string()),
    rule: v.exactOptional(v.string()),
    now: time,
    tags: v.array(tagVerdict),
    others: v.array(manifestVerdict),
    roots: v.array(digest),
    steps: v.array(step),
    count: v.strictObject({
      images: natural,
      deleted: natural,
      superseded: v.exactOptional(natural),
      untaggedManifests: v.exactOptional(natural),
    }),
    freed: natural,
    isFreedMost: v.exactOptional(v.literal(true)),
    referrers: v.picklist(['read', 'remembered']),
    inventory: v.exactOptional(v.string()),
    restorableBy: v.exactOptional(v.string()),
  })

  return v.strictObject({
    schema: v.literal('dray.plan/1'),
    operation: v.literal('prune'),
    createdAt: time,
    tool: v.string(),
    policy: v.string(),
    policyName: v.exactOptional(v.string()),
    inUse: v.array(v.strictObject({ name: v.string(), images: natural })),
    repositories: v.array(repositoryPlan),
    refusals: v.array(
      v.strictObject({ repository: v.exactOptional(repository), rule: v.exactOptional(v.string()), error }),
    ),
  })
}
