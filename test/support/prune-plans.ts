import { digestOf } from '../../src/oci/digest.ts'
import type {
  DeleteManifestStep,
  ManifestVerdict,
  PrunePlan,
  RepositoryPlan,
  TagVerdict,
  Why,
} from '../../src/plan/prune/prune-plan.ts'

/** The time of these plans, which ages refer to. */
const pruneNow = '2026-11-25T05:02:00.000Z'
const day = 86_400_000
const mebi = 1024 ** 2

export const whys = {
  rule: { kind: 'rule', by: 'nightlies', text: 'nightlies: 41d old, older than 30d' },
  unmatched: { kind: 'unmatched', text: 'no rule selects it' },
  protected: { kind: 'protection', by: 'releases', text: 'protected: releases' },
  young: { kind: 'kept', by: 'nightlies', text: 'nightlies: 3d old, not older than 30d' },
} as const satisfies Record<string, Why>

/** A verdict on a tag with its own digest, which is `days` old. */
export function tagVerdict(
  tag: string,
  verdict: TagVerdict['verdict'],
  why: Why,
  over: Partial<TagVerdict> & { readonly days?: number } = {},
): TagVerdict {
  const { days, ...rest } = over
  return {
    tag,
    digest: digestOf(tag),
    verdict,
    why,
    ...(days !== undefined && { created: new Date(Date.parse(pruneNow) - days * day).toISOString() }),
    size: 120 * mebi,
    ...rest,
  }
}

/** A verdict on a manifest that is deleted with the image of a tag. */
export function manifestVerdict(
  tag: string,
  name: string,
  role: ManifestVerdict['role'],
  over: Partial<ManifestVerdict> = {},
): ManifestVerdict {
  const parent = digestOf(tag)
  return {
    digest: digestOf(name),
    role,
    of: [parent],
    verdict: 'delete',
    why: { kind: 'orphan', by: parent, text: `part of ${parent.slice(0, 19)}, which is deleted` },
    size: 3 * mebi,
    ...over,
  }
}

/** A repository with the steps and counts that follow from its verdicts. */
export function repositoryPlan(
  image: string,
  tags: readonly TagVerdict[],
  over: Partial<RepositoryPlan> = {},
): RepositoryPlan {
  const repository = { registry: 'r.example.com', path: image.replace('@', '') }
  const others = over.others ?? []
  const digests = (all: readonly TagVerdict[]): number => new Set(all.map(({ digest }) => digest)).size
  const deleted = tags.filter(({ verdict, why }) => verdict === 'delete' && why.kind !== 'orphan')
  const imageTags = tags.filter(({ digest, tag }) => digest !== null && !tag.startsWith('sha256-'))
  const step = (
    digest: TagVerdict['digest'],
    why: Why,
    id: string,
    formerTags?: readonly string[],
  ): readonly DeleteManifestStep[] =>
    digest === null
      ? []
      : [
          {
            kind: 'deleteManifest',
            id,
            repository,
            after: [],
            why,
            target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 500 },
            losesTags: tags.filter((tag) => tag.digest === digest).map(({ tag }) => tag),
            ...(formerTags !== undefined && { formerTags }),
          },
        ]
  const images = [...Map.groupBy(deleted, ({ digest }) => digest).values()].flatMap(([one]) => one ?? [])
  return {
    repository,
    image,
    now: pruneNow,
    tags,
    others,
    roots: [],
    steps: [
      ...images.flatMap(({ digest, why }, i) => step(digest, why, `m${i + 1}`)),
      ...others
        .filter(({ verdict }) => verdict === 'delete')
        .flatMap(({ digest, why, formerTags }, i) => step(digest, why, `p${i + 1}`, formerTags)),
      ...tags.flatMap(({ tag, digest, verdict, why }, i) =>
        verdict === 'untag' && digest !== null
          ? [{ kind: 'deleteTag' as const, id: `t${i + 1}`, repository, after: [], why, tag, digest }]
          : [],
      ),
    ],
    count: { images: digests(imageTags), deleted: digests(deleted) },
    freed: deleted.length * 100 * mebi,
    referrers: 'read',
    ...over,
  }
}

export function prunePlan(repositories: readonly RepositoryPlan[], over: Partial<PrunePlan> = {}): PrunePlan {
  return {
    schema: 'dray.plan/1',
    operation: 'prune',
    createdAt: pruneNow,
    tool: '0.1.0',
    policy: 'sha256:0',
    inUse: [],
    repositories,
    refusals: [],
    ...over,
  }
}
