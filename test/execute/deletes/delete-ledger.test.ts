import { describe, expect, it } from 'vitest'
import { DeleteLedger } from '../../../src/execute/deletes/delete-ledger.ts'
import { PendingDeletes, findLiveDeletes } from '../../../src/execute/deletes/live-set.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type {
  DeleteManifestStep,
  DeleteStep,
  RepositoryPlan,
  TagVerdict,
} from '../../../src/plan/prune/prune-plan.ts'
import { rejectDeletes } from '../../../src/usecases/prune/review.ts'
import type { RepositoryGraph } from '../../../src/images/graph/repository-graph.ts'
import { countOperations } from '../../support/count-operations.ts'
import { manifestStep, untagStep } from '../../support/delete-steps.ts'
import { repositoryPlan } from '../../support/prune-plans.ts'

const failure = { code: 'network', message: 'no' } as const

function step(name: string, after: readonly string[] = [], subject?: string): DeleteManifestStep {
  return manifestStep({
    id: name,
    after,
    target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(name), size: 1 },
    losesTags: [`tag-of-${name}`],
    ...(subject !== undefined && { subject: digestOf(subject) }),
  })
}

function planOf(steps: readonly DeleteStep[]): RepositoryPlan {
  const tags = steps.flatMap((one): readonly TagVerdict[] => {
    if (one.kind === 'deleteTag')
      return [{ tag: one.tag, digest: one.digest, verdict: 'untag', why: one.why }]
    const { losesTags, target, why } = one
    return losesTags.map((tag) => ({ tag, digest: target.digest, verdict: 'delete', why }))
  })
  const { repository } = steps[0] ?? manifestStep()
  return repositoryPlan('@dev/api', tags, { repository, steps })
}

const ledgerOf = (...steps: readonly DeleteStep[]): DeleteLedger => new DeleteLedger(planOf(steps))
const ids = (steps: readonly DeleteStep[]): readonly string[] => steps.map(({ id }) => id)
const all = Infinity

describe('steps that are ready', () => {
  it('are those whose predecessors have succeeded, and steps after another come first', () => {
    const [a, b, c, d] = [step('a'), step('b'), step('c', ['a']), step('d', ['a', 'b'])]
    const ledger = ledgerOf(a, b, c, d)
    expect(ids(ledger.takeReady('deleteManifest', 1))).toEqual(['a'])
    ledger.settle(a, 'done')
    expect(ids(ledger.takeReady('deleteManifest', all))).toEqual(['c', 'b'])
    ledger.settle(b, 'unchanged')
    expect(ids(ledger.takeReady('deleteManifest', all))).toEqual(['d'])
  })

  it('come in the order of the plan whichever predecessor ends first', () => {
    const [a, b, c, d] = [step('a'), step('b'), step('c', ['b']), step('d', ['a'])]
    const ledger = ledgerOf(a, b, c, d)
    ledger.takeReady('deleteManifest', 2)
    ledger.settle(a, 'done')
    ledger.settle(b, 'done')
    expect(ids(ledger.takeReady('deleteManifest', all))).toEqual(['c', 'd'])
  })

  it('are of the requested kind', () => {
    const ledger = ledgerOf(step('a'), untagStep())
    expect(ids(ledger.takeReady('deleteTag', all))).toEqual(['t1'])
    expect(ids(ledger.takeReady('deleteManifest', all))).toEqual(['a'])
  })

  it.each([
    ['failed', 'notAttempted'],
    ['refused', 'notAttempted'],
    ['conflict', 'conflict'],
    ['kept', 'kept'],
  ] as const)('do not include steps after one that is %s, which become %s', (result, then) => {
    const [a, b, c] = [step('a'), step('b', ['a']), step('c', ['b'])]
    const ledger = ledgerOf(a, b, c)
    ledger.takeReady('deleteManifest', all)
    ledger.settle(a, result, failure)
    expect(ledger.takeReady('deleteManifest', all)).toEqual([])
    expect(ledger.outcomes.map((one) => one.result)).toEqual([result, then, then])
  })

  it('do not include steps after one with an unknown result', () => {
    const [a, b] = [step('a'), step('b', ['a'])]
    const ledger = ledgerOf(a, b)
    ledger.takeReady('deleteManifest', all)
    ledger.leaveOpen(a, failure)
    expect(ledger.takeReady('deleteManifest', all)).toEqual([])
    expect(ids(ledger.takeUnrecorded().map((one) => one.step))).toEqual(['b'])
  })
})

describe('steps without an intent', () => {
  it('are those of the wave, then those after them, then the next ones, each once and up to the limit', () => {
    const [a, b, c, d] = [step('a'), step('b'), step('c'), step('d', ['a'])]
    const ledger = ledgerOf(a, b, c, d)
    const wave = ledger.takeReady('deleteManifest', 1)
    expect(ids(ledger.takeUnannounced(wave, 3))).toEqual(['a', 'd', 'b'])
    ledger.settle(a, 'done')
    const next = ledger.takeReady('deleteManifest', 2)
    expect(ids(next)).toEqual(['d', 'b'])
    expect(ledger.takeUnannounced(next, 3)).toEqual([])
    expect(ids(ledger.takeUnannounced(ledger.takeReady('deleteManifest', 1), 3))).toEqual(['c'])
  })

  it('are all of those of a wave that is longer than the limit', () => {
    const ledger = ledgerOf(step('a'), step('b'), step('c'))
    expect(ids(ledger.takeUnannounced(ledger.takeReady('deleteManifest', 2), 1))).toEqual(['a', 'b'])
  })

  it('do not include steps that have ended', () => {
    const [a, b] = [step('a'), step('b')]
    const ledger = ledgerOf(a, b)
    const wave = ledger.takeReady('deleteManifest', 1)
    ledger.settle(b, 'conflict', failure)
    expect(ids(ledger.takeUnannounced(wave, 9))).toEqual(['a'])
  })
})

describe('a postponed manifest', () => {
  it('is ready again, before others, once its referrers are deleted', () => {
    const [image, other] = [step('image'), step('other')]
    const signature = step('signature', ['image'], 'image')
    const ledger = ledgerOf(image, other, signature)
    ledger.takeReady('deleteManifest', 1)
    expect(ledger.postpone(image)).toBe(true)
    expect(ids(ledger.takeReady('deleteManifest', 1))).toEqual(['signature'])
    ledger.settle(signature, 'done')
    expect(ids(ledger.takeReady('deleteManifest', all))).toEqual(['image', 'other'])
    expect(ledger.postpone(image)).toBe(false)
  })

  it('blocks its dependents that are not its referrers', () => {
    const [image, child] = [step('image'), step('child', ['image'])]
    const signature = step('signature', ['image'], 'image')
    const ledger = ledgerOf(image, child, signature)
    ledger.takeReady('deleteManifest', 1)
    ledger.postpone(image)
    expect(ids(ledger.takeReady('deleteManifest', all))).toEqual(['signature'])
  })

  it('is not postponed if the plan deletes no referrer of it', () => {
    expect(ledgerOf(step('image')).postpone(step('image'))).toBe(false)
  })
})

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

const shapes: readonly (readonly [name: string, of: (count: number) => readonly DeleteManifestStep[]])[] = [
  ['images that stand alone', (count) => range(count).map((i) => step(`m${i}`))],
  ['a chain', (count) => range(count).map((i) => step(`m${i}`, i === 0 ? [] : [`m${i - 1}`]))],
  ['an index of all others', (count) => range(count).map((i) => step(`m${i}`, i === 0 ? [] : ['m0']))],
  [
    'images with a signature each',
    (count) =>
      range(count).map((i) => (i % 2 === 0 ? step(`m${i}`) : step(`m${i}`, [`m${i - 1}`], `m${i - 1}`))),
  ],
]

const grown = (operations: (count: number) => number): number => operations(800) / operations(400)

describe('the work for twice as many deletes is at most twice as much', () => {
  it.each(shapes)('if all succeed: %s', (_, stepsOf) => {
    const operations = (count: number): number => {
      const plan = planOf(stepsOf(count))
      return countOperations(() => {
        const ledger = new DeleteLedger(plan)
        for (let wave = ledger.takeReady('deleteManifest', 16); wave.length > 0;) {
          for (const one of wave) ledger.settle(one, 'done')
          ledger.takeUnrecorded()
          wave = ledger.takeReady('deleteManifest', 16)
        }
        expect(ledger.progress).toEqual({ done: count, of: count })
      })
    }
    expect(grown(operations)).toBeLessThan(2.1)
  })

  it.each(shapes)('if all fail: %s', (_, stepsOf) => {
    const operations = (count: number): number => {
      const plan = planOf(stepsOf(count))
      return countOperations(() => {
        const ledger = new DeleteLedger(plan)
        for (let wave = ledger.takeReady('deleteManifest', 16); wave.length > 0;) {
          for (const one of wave) ledger.settle(one, 'failed', failure)
          wave = ledger.takeReady('deleteManifest', 16)
        }
        expect(ledger.progress).toEqual({ done: count, of: count })
      })
    }
    expect(grown(operations)).toBeLessThan(2.1)
  })

  it('if the registry requires deletes of all signatures first', () => {
    const operations = (count: number): number => {
      const plan = planOf(shapes[3]?.[1](count) ?? [])
      return countOperations(() => {
        const ledger = new DeleteLedger(plan)
        for (let wave = ledger.takeReady('deleteManifest', 16); wave.length > 0;) {
          for (const one of wave) if (!ledger.postpone(one)) ledger.settle(one, 'done')
          wave = ledger.takeReady('deleteManifest', 16)
        }
        expect(ledger.progress).toEqual({ done: count, of: count })
      })
    }
    expect(grown(operations)).toBeLessThan(2.1)
  })

  it('if a rescan finds that each manifest is reached by another one that stays', () => {
    const operations = (count: number): number => {
      const steps = shapes[0]?.[1](count) ?? []
      const stays = range(count).map((i) => digestOf(`index ${i}`))
      const graph = {
        repository: planOf(steps).repository,
        tags: new Map(stays.map((digest, i) => [`stays-${i}`, digest])),
        nodes: new Map(
          stays.map((digest, i) => [digest, indexNode(digest, steps[i]?.target.digest ?? digest)]),
        ),
        missing: new Set<Digest>(),
      } as unknown as RepositoryGraph
      return countOperations(() => {
        const conflicts = findLiveDeletes(new PendingDeletes(steps, () => true), [], graph, 0)
        expect(conflicts.size).toBe(count)
      })
    }
    expect(grown(operations)).toBeLessThan(2.1)
  })

  it('if a tag of each wave is read again: a read of one tag costs the same however much is deleted', () => {
    const operations = (count: number): number => {
      const steps = shapes[0]?.[1](count) ?? []
      const deletes = new PendingDeletes(steps, () => true)
      const digest = digestOf('other')
      const graph = {
        repository: planOf(steps).repository,
        tags: new Map([['tag-of-m7', digest]]),
        nodes: new Map([[digest, indexNode(digest, digest)]]),
        missing: new Set<Digest>(),
      } as unknown as RepositoryGraph
      return countOperations(() => expect(findLiveDeletes(deletes, [], graph, 0).size).toBe(1))
    }
    expect(operations(800)).toBe(operations(400))
  })

  it.each([
    ['manifests', (count: number): readonly DeleteStep[] => range(count).map((i) => step(`m${i}`))],
    [
      'tags',
      (count: number): readonly DeleteStep[] =>
        range(count).map((i) => untagStep({ id: `t${i}`, tag: `pr-${i}` })),
    ],
  ])('when a saved plan is reviewed: %s', (_, stepsOf) => {
    const operations = (count: number): number => {
      const plan = planOf(stepsOf(count))
      return countOperations(() => expect(rejectDeletes(plan, plan, () => true).size).toBe(0))
    }
    expect(grown(operations)).toBeLessThan(2.1)
  })
})

function indexNode(digest: Digest, child: Digest): object {
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  return {
    descriptor: { mediaType, digest, size: 1 },
    kind: 'index',
    children: [{ mediaType, digest: child, size: 1 }],
    blobs: [],
  }
}
