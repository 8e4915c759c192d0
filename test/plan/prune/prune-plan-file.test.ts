import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { canonicalJson } from '../../../src/plan/canonical-json.ts'
import { formatPlanFile, maxPlanSize, parsePlanFile } from '../../../src/plan/plan-file.ts'
import { hashOfPlan } from '../../../src/plan/plan-hash.ts'
import type {
  DeleteManifestStep,
  DeleteStep,
  DeleteTagStep,
  ManifestVerdict,
  PrunePlan,
  PruneRefusal,
  RepositoryPlan,
  TagVerdict,
} from '../../../src/plan/prune/prune-plan.ts'

const repository = { registry: 'r.example', path: 'dev/api' }
const other = { registry: 'r.example', path: 'dev/web' }
const [index, child, kept, used] = ['index', 'child', 'kept', 'used'].map((text) => digestOf(text)) as [
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
]
const sig = `${index.replace(':', '-')}.sig`
const why = { kind: 'rule', by: 'old', text: 'old: 41d old, older than 30d' } as const
const orphan = { kind: 'orphan', by: index, text: `part of ${index}` } as const

function manifestStep(
  id: string,
  digest: typeof index,
  rest: Partial<DeleteManifestStep> = {},
): DeleteManifestStep {
  const target = { mediaType: mediaTypes.manifest, digest, size: 100 }
  return { kind: 'deleteManifest', id, repository, after: [], why, target, losesTags: [], ...rest }
}
const tagStep: DeleteTagStep = {
  kind: 'deleteTag',
  id: 't1',
  repository,
  after: [],
  why,
  tag: 'pr-2',
  digest: kept,
}
const shown = (tag: string, digest: typeof index, verdict: TagVerdict['verdict']): TagVerdict => ({
  tag,
  digest,
  verdict,
  why,
  created: '2026-01-02T03:04:05.000Z',
  size: 1000,
})
const steps: readonly DeleteStep[] = [
  manifestStep('m1', index, { losesTags: ['pr-1', 'pr-1b'] }),
  manifestStep('m2', child, { after: ['m1'], why: orphan, losesTags: [sig], subject: index }),
  tagStep,
]
const evidence: ManifestVerdict = {
  digest: child,
  role: 'evidence',
  of: [index],
  verdict: 'delete',
  why: orphan,
  size: 100,
}
const refusal: PruneRefusal = { repository: other, error: { code: 'refused', message: 'too many' } }
const api: RepositoryPlan = {
  repository,
  image: '@dev/api',
  environment: 'dev',
  now: '2026-11-23T00:00:00.000Z',
  tags: [
    shown('pr-1', index, 'delete'),
    shown('pr-1b', index, 'delete'),
    shown(sig, child, 'delete'),
    shown('prod', kept, 'keep'),
    shown('pr-2', kept, 'untag'),
    { tag: 'gone', digest: null, verdict: 'keep', why: { kind: 'dangling', text: 'nothing is there' } },
  ],
  others: [evidence, { digest: used, role: 'child', of: [index], verdict: 'keep', why, size: 100 }],
  roots: [used],
  steps,
  count: { images: 2, deleted: 1 },
  freed: 2000,
  referrers: 'read',
}
const web: RepositoryPlan = { ...api, repository: other, image: '@dev/web', tags: [], others: [], steps: [] }
const plan: PrunePlan = {
  schema: 'dray.plan/1',
  operation: 'prune',
  createdAt: '2026-11-23T00:00:00.000Z',
  tool: '0.1.0',
  policy: digestOf('policy'),
  policyName: 'nightly',
  inUse: [{ name: 'gitops/prod.yaml', images: 3 }],
  repositories: [api, web],
  refusals: [refusal],
}

const read = (text: string) => parsePlanFile(text, 'p.json')
/** The plan with a repository that is otherwise, and a hash that fits. */
const planWith = (rest: Partial<RepositoryPlan>, run: Partial<PrunePlan> = {}): string =>
  formatPlanFile({ ...plan, repositories: [{ ...api, ...rest }, web], ...run })
const tagsWith = (tag: string, rest: Partial<TagVerdict>): Partial<RepositoryPlan> => ({
  tags: api.tags.map((one) => (one.tag === tag ? { ...one, ...rest } : one)),
})
const stepsWith = (id: string, rest: object): Partial<RepositoryPlan> => ({
  steps: steps.map((step) => (step.id === id ? { ...step, ...rest } : step)),
})

describe('a plan file of a prune', () => {
  it('reads back as the plan that was written, with the same hash', () => {
    expect(read(formatPlanFile(plan))).toEqual(plan)
    expect(hashOfPlan(read(formatPlanFile(plan)))).toBe(hashOfPlan(plan))
  })

  it('reads back what rules of other kinds select, and counts superseded digests', () => {
    const former = digestOf('former')
    const verdict = { digest: former, role: 'superseded', of: [], verdict: 'delete', why, size: 1 } as const
    const superseded = {
      others: [...api.others, { ...verdict, formerTags: ['stable'], lastTaggedAt: plan.createdAt }],
      steps: [...steps, manifestStep('m3', former, { formerTags: ['stable'] })],
      tags: tagsWith('pr-2', { missingChildren: [{ digest: child, platform: 'linux/arm64' }] }).tags ?? [],
      count: { ...api.count, superseded: 1 },
    }
    const broken = { steps: superseded.steps.map((step) => ({ ...step, absent: [child] })) }
    const written = planWith({ ...superseded, ...broken })
    expect(read(written)).toEqual({ ...plan, repositories: [{ ...api, ...superseded, ...broken }, web] })
    const hint = expect.objectContaining({ code: 'malformed' }) as Error
    expect(() => read(planWith({ ...superseded, count: api.count }))).toThrow(hint)
    expect(() => read(planWith({ count: { ...api.count, superseded: 1 } }))).toThrow(hint)
  })

  it('can have version-like tags that a protection keeps', () => {
    const unread: TagVerdict = {
      ...shown('2024.04.1', kept, 'keep'),
      why: { kind: 'versionLike', by: 'releases', text: 'protected: releases (version-like tag)' },
    }
    const written = read(planWith({ tags: [...api.tags, unread] })) as PrunePlan
    expect(written.repositories[0]?.tags.at(-1)).toEqual(unread)
  })

  it('of an earlier version is read with the new names, and keeps its hash', () => {
    const spared = { kind: 'spared', by: 'nightlies', text: 'nightlies: not older than 30d' }
    const [tag, ...tags] = api.tags
    const [part, ...others] = api.others
    const old = {
      ...plan,
      repositories: [
        {
          ...api,
          tags: [{ ...tag, verdict: 'keep', why: spared }, ...tags],
          others: [{ ...part, role: 'leftover' }, ...others],
          steps: [],
        },
      ],
    }
    const saved = digestOf(canonicalJson(old))
    const found = read(JSON.stringify({ ...old, hash: saved })) as PrunePlan
    const [first] = found.repositories
    expect(first?.tags[0]?.why).toEqual({ ...spared, kind: 'kept' })
    expect(first?.others[0]?.role).toBe('orphaned')
    expect(hashOfPlan(found)).toBe(saved)
  })

  it('is refused after an edit', () => {
    const edited = formatPlanFile(plan).replaceAll('dev/api', 'prod/api')
    expect(() => read(edited)).toThrow(expect.objectContaining({ code: 'refused' }))
  })

  it('of another version is refused with that version', () => {
    const later = formatPlanFile({ ...plan, schema: 'dray.plan/2' as 'dray.plan/1' })
    expect(() => read(later)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it.each<[string, string]>([
    ['an unknown key', planWith({ extra: 1 } as object)],
    ['an invalid digest', planWith({ roots: ['sha256:1' as typeof index] })],
    ['a repository twice', formatPlanFile({ ...plan, repositories: [web, web] })],
    ['a tag twice', planWith({ tags: [...api.tags, shown('prod', used, 'keep')] })],
    ['a manifest twice', planWith({ others: [...api.others, ...api.others] })],
    ['a step twice', planWith({ steps: [...steps, tagStep] })],
    ['a digest that is deleted twice', planWith({ steps: [...steps, { ...manifestStep('m3', child) }] })],
    ['a tag that is deleted twice', planWith({ steps: [...steps, { ...tagStep, id: 't2' }] })],
    ['a step in another repository', planWith(stepsWith('m1', { repository: other }))],
    ['a step that comes after itself', planWith(stepsWith('m1', { after: ['m1'] }))],
    ['a step that comes after a later one', planWith(stepsWith('m1', { after: ['m2'] }))],
    [
      'a digest that is not shown as deleted',
      planWith(stepsWith('m2', manifestStep('m2', digestOf('else')))),
    ],
    ['a digest with a kept tag', planWith(tagsWith('pr-1b', { verdict: 'keep' }))],
    ['a digest with a tag that is untagged', planWith(tagsWith('pr-1b', { verdict: 'untag' }))],
    ['a digest without one of its tags in losesTags', planWith(stepsWith('m1', { losesTags: ['pr-1'] }))],
    [
      'a digest with a tag of another digest in losesTags',
      planWith(stepsWith('m1', { losesTags: ['pr-1', 'prod'] })),
    ],
    ['a digest with a tag twice in losesTags', planWith(stepsWith('m1', { losesTags: ['pr-1', 'pr-1'] }))],
    ['a digest that is in use', planWith({ roots: [used, index] })],
    [
      'a child that is shown as kept',
      planWith({ others: api.others.map((one) => ({ ...one, verdict: 'keep' })) }),
    ],
    ['a tag that is shown as kept', planWith(tagsWith('pr-2', { verdict: 'keep' }))],
    ['a tag that is not shown', planWith(stepsWith('t1', { tag: 'else' }))],
    ['a tag with another digest than the shown one', planWith(stepsWith('t1', { digest: used }))],
    [
      'a tag step for a digest that is deleted',
      planWith({ ...tagsWith('pr-2', { digest: child }), ...stepsWith('t1', { digest: child }) }),
    ],
    ['steps in a refused repository', planWith({}, { refusals: [{ ...refusal, repository }] })],
    [
      'steps in a refused run',
      planWith({}, { refusals: [{ error: { code: 'refused', message: 'too many' } }] }),
    ],
  ])('is refused with %s, whatever its hash', (_, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('is refused if it names another operation', () => {
    const { hash: _, ...value } = JSON.parse(formatPlanFile(plan)) as Record<string, unknown>
    const forged = { ...value, operation: 'promote' }
    const text = JSON.stringify({ ...forged, hash: digestOf(canonicalJson(forged)) })
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('has room to delete 10,000 images with four children each, and to keep twice as many', () => {
    const parts = [1, 2, 3, 4]
    const step = manifestStep('m10000', child, { after: ['m9999'], why: orphan, subject: index })
    const part = { ...evidence, of: [index, kept] }
    const one = [shown('pull-request-12345', index, 'delete'), step, ...parts.flatMap(() => [step, part])]
    const indented = JSON.stringify([[[one]]], undefined, 2)
    expect(indented.length * 30_000).toBeLessThan(maxPlanSize)
  })
})
