import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { summarisePrune, summariseRepository } from '../../../src/plan/prune/prune-outcome.ts'
import { listPruneVariables, renderPruneSummary } from '../../../src/render/prune/prune-ci.ts'
import { renderPruneOutcome } from '../../../src/render/prune/prune-outcome.ts'
import { shortenDigest } from '../../../src/render/text/format.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { pruneOutcome } from '../../support/prune-outcomes.ts'
import { manifestVerdict, prunePlan, repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'

const page = { style: plainStyle, width: undefined }
const old = (tag: string) => tagVerdict(tag, 'delete', whys.rule)
const untag = (tag: string) => tagVerdict(tag, 'untag', whys.rule, { digest: digestOf('prod') })
const immutable = {
  code: 'refused',
  message: 'cannot delete the manifest: r.example.com keeps it',
  why: 'configured as immutable',
  status: 412,
  registryCode: 'PRECONDITION',
} as const
const locked = { result: 'locked', error: immutable } as const
const kept = { result: 'kept', error: { code: 'unsupported', message: 'no' } } as const

describe('the outcome of a prune with locked items', () => {
  const plan = prunePlan([
    repositoryPlan('@dev/api', [old('n-1'), old('n-2'), old('n-3')], {
      others: [manifestVerdict('n-1', 'amd64', 'child')],
    }),
  ])
  const outcome = pruneOutcome(plan, { '@dev/api': { m1: locked, p1: kept } })

  it('names each with the reason of the registry, apart from what was deleted', () => {
    expect(renderPruneOutcome(plan, outcome, page, { durationMs: 100 })).toBe(
      `
pruned  @dev/api
  2 images deleted (2 manifests), 1 locked
  locked: n-1: 412 PRECONDITION, configured as immutable
  1 manifest kept: a locked image needs it
The registry refused to delete locked items, and dray keeps them. With --strict, the exit code is 4.
No remaining image refers to 1.0 KiB. The registry frees this space at its next garbage collection.
Deleted 2 images (2 manifests) in 1 of 1 repository, 1 locked, 1 manifest kept with them, in less than 1 s.
`.trim(),
    )
  })

  it('has them in the variables and in the table of CI', () => {
    expect(listPruneVariables(plan, 'sha256:0', outcome)).toMatchObject({ deleted: '2', locked: '1' })
    expect(renderPruneSummary(plan, outcome)).toContain('| @dev/api | 2 | 1.0 KiB | pruned, 1 locked |')
  })

  it('has a row in CI and no problem if all are locked', () => {
    const all = pruneOutcome(plan, { '@dev/api': { m1: locked, m2: locked, m3: locked, p1: kept } })
    expect(renderPruneSummary(plan, all)).toContain('| @dev/api | 0 | 0 B | up to date, 3 locked |')
    const text = renderPruneOutcome(plan, all, page, { durationMs: 100 })
    expect(text).toContain('Nothing deleted in 1 repository, 3 locked, 1 manifest kept with them, in')
  })

  it('has at most ten lines for a repository', () => {
    const tags = Array.from({ length: 12 }, (_, n) => old(`n-${n}`))
    const many = prunePlan([repositoryPlan('@dev/api', tags)])
    const steps = Object.fromEntries(tags.map((_, n) => [`m${n + 1}`, locked]))
    const text = renderPruneOutcome(many, pruneOutcome(many, { '@dev/api': steps }), page, { durationMs: 1 })
    expect(text.match(/locked: n-/g)).toHaveLength(10)
    expect(text).toContain('and 2 more locked: see the audit log or --json')
  })
})

describe('the outcome of a prune with superseded images', () => {
  const superseded = (name: string) =>
    manifestVerdict('', name, 'superseded', { of: [], why: whys.rule, formerTags: ['stable'] })
  const plan = prunePlan([
    repositoryPlan('@prod/api', [tagVerdict('stable', 'keep', whys.unmatched)], {
      others: [superseded('a'), superseded('b'), manifestVerdict('a', 'amd64', 'child')],
      count: { images: 1, deleted: 0, superseded: 2 },
    }),
  ])
  const [a, b] = ['a', 'b'].map((name) => shortenDigest(digestOf(name)))

  it('counts and names them', () => {
    const outcome = pruneOutcome(plan)
    const text = renderPruneOutcome(plan, outcome, page, { durationMs: 100 })
    expect(text).toContain('  2 superseded images deleted (3 manifests)\n')
    expect(text).toContain(`  ${a} (was stable), ${b} (was stable)\n`)
    expect(text).toContain('Deleted 2 superseded images (3 manifests) in 1 of 1 repository, in')
    expect(listPruneVariables(plan, 'sha256:0', outcome)).toMatchObject({ deleted: '2', changed: 'true' })
    expect(listPruneVariables(plan, 'sha256:0', undefined)).toMatchObject({ deleted: '2' })
    expect(renderPruneSummary(plan, outcome)).toContain('| @prod/api | 0 and 2 superseded |')
    expect(renderPruneSummary(plan, undefined)).toContain('| @prod/api | 0 of 1 and 2 superseded |')
  })

  it('does not name a locked one as deleted', () => {
    const outcome = pruneOutcome(plan, { '@prod/api': { p2: locked } })
    const text = renderPruneOutcome(plan, outcome, page, { durationMs: 100 })
    expect(text).toContain(`1 superseded image deleted (2 manifests), 1 locked\n  ${a} (was stable)\n`)
    expect(text).toContain(`  locked: ${b}: 412 PRECONDITION`)
  })
})

describe('the outcome of a prune with tags that cannot be deleted', () => {
  it('tells them apart from locked items', () => {
    const plan = prunePlan([repositoryPlan('@dev/api', [untag('pr-1'), untag('pr-2')])])
    const outcome = pruneOutcome(plan, { '@dev/api': { t1: kept, t2: locked } })
    const text = renderPruneOutcome(plan, outcome, page, { durationMs: 100 })
    expect(text).toContain('  locked: pr-2: 412 PRECONDITION, configured as immutable')
    expect(text).toContain('  1 kept: this registry does not delete single tags, or children of an index')
    expect(text).toContain('1 locked, 1 kept by the registry, in')
  })
})

describe('the outcome of a prune through the API of a vendor', () => {
  it('names the API and how many it deleted, and not the OCI API', () => {
    const plan = prunePlan([repositoryPlan('@dev/api', [old('n-1'), old('n-2'), old('n-3')])])
    const by = (api: string) => ({ result: 'done', by: api }) as const
    const outcome = pruneOutcome(plan, { '@dev/api': { m1: by('oci'), m2: by('ecr'), m3: by('ecr') } })
    const text = renderPruneOutcome(plan, outcome, page, { durationMs: 1 })
    expect(text).toContain('  3 images deleted (3 manifests), 2 of them through the API of ecr\n')
    const all = pruneOutcome(plan, { '@dev/api': { m1: by('ecr'), m2: by('ecr'), m3: by('ecr') } })
    const vendorName = (kind: string) => (kind === 'ecr' ? 'Amazon ECR' : kind)
    expect(renderPruneOutcome(plan, all, page, { durationMs: 1, vendorName })).toContain(
      '  3 images deleted (3 manifests) through the API of Amazon ECR\n',
    )
  })

  it('names where the vendor keeps what was deleted, and only then (case 26)', () => {
    const restorableBy = 'in the tag history until the time machine of the namespace expires'
    const plan = prunePlan([repositoryPlan('@dev/api', [old('n-1')], { restorableBy })])
    const line = `Deleted content can be restored ${restorableBy}.`
    const deleted = pruneOutcome(plan, { '@dev/api': { m1: { result: 'done', by: 'oci' } } })
    expect(renderPruneOutcome(plan, deleted, page, { durationMs: 1 })).toContain(line)
    const absent = pruneOutcome(plan, { '@dev/api': { m1: { result: 'unchanged' } } })
    expect(renderPruneOutcome(plan, absent, page, { durationMs: 1 })).not.toContain(line)
  })

  it('counts untagged manifests without images', () => {
    const plan = prunePlan([
      repositoryPlan('@dev/api', [tagVerdict('prod', 'keep', whys.unmatched)], {
        others: [
          manifestVerdict('', 'a', 'untagged', { of: [] }),
          manifestVerdict('', 'b', 'untagged', { of: [] }),
        ],
        count: { images: 1, deleted: 0, untaggedManifests: 2 },
      }),
    ])
    const text = renderPruneOutcome(plan, pruneOutcome(plan), page, { durationMs: 1 })
    expect(text).toContain('  2 manifests deleted\n')
    expect(text).toContain('Deleted 2 manifests in 1 of 1 repository, in')
  })
})

describe('the outcome of a prune that lost an image', () => {
  it('counts it as deleted, and gives the reason', () => {
    const one = repositoryPlan('@dev/api', [untag('pr-1')])
    const plan = prunePlan([one])
    const error = { code: 'protocol', message: 'deleted an image together with its tag pr-1' } as const
    const { repository } = one
    const outcomes = [{ step: 't1', repository, result: 'done', error, losesTags: ['pr-1', 'prod'] }] as const
    const outcome = summarisePrune(plan, new Map([[one, summariseRepository(plan, one, outcomes)]]))
    const text = renderPruneOutcome(plan, outcome, page, { durationMs: 100 })
    expect(text).toContain('failed  @dev/api\n  1 image deleted (1 manifest)\n  deleted an image together')
    expect(text).toContain('Deleted 1 image (1 manifest) in 1 of 1 repository, in')
  })
})
