import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { nothingTransferred, type StepOutcome, summarise } from '../../src/plan/outcome.ts'
import type { Placement, Plan, PlannedTag, Refusal, TagStep } from '../../src/plan/plan.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('root'), size: 100 }
const from = { registry: 'r.example', path: 'staging/api' }
const create: PlannedTag = { tag: '1', before: null, change: 'create' }
const so: PlannedTag = { tag: '1', before: root.digest, change: 'unchanged' }
const error = { code: 'refused', message: 'no' } as const

function placement(id: string, tags: readonly PlannedTag[], missing = 0): Placement {
  const to = { repository: { registry: `${id}.example`, path: 'prod/api' } }
  return {
    id,
    image: 'api:1',
    from: { repository: from, tag: '1' },
    to,
    root,
    tags,
    evidence: { found: missing, missing },
    size: 100,
  }
}

function tagStep({ id, to }: Placement): TagStep {
  const { repository } = to
  return {
    id: `${id}.g1`,
    placement: id,
    after: [],
    expect: [{ kind: 'tag', repository, tag: '1', digest: null }],
    kind: 'tag',
    repository,
    tag: '1',
    target: root,
    from,
  }
}

function plan(
  placements: readonly Placement[],
  refusals: readonly Refusal[],
  steps: Plan['steps'] = [],
): Plan {
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0',
    policy: 'sha256:0',
    placements,
    steps,
    refusals,
  }
}

const statuses = (of: Plan): string[] => summarise(of, []).placements.map(({ status }) => status)

describe('a target of an image that is refused at another target', () => {
  const refused: Refusal = { image: 'api:1', placement: 'b', error }

  it.each<[string, readonly PlannedTag[], number]>([
    ['lacks the tag', [create], 0],
    ['lacks evidence', [so], 1],
    ['gets the image without a tag', [], 0],
  ])('and %s was not attempted', (_, tags, missing) => {
    expect(statuses(plan([placement('a', tags, missing), placement('b', [create])], [refused]))).toEqual([
      'notAttempted',
      'refused',
    ])
  })

  it('is unchanged if it is up to date', () => {
    expect(statuses(plan([placement('a', [so]), placement('b', [create])], [refused]))).toEqual([
      'unchanged',
      'refused',
    ])
  })
})

describe('a placement', () => {
  it('is unchanged if the plan has no step for it', () => {
    expect(statuses(plan([placement('a', [so]), placement('b', [])], []))).toEqual(['unchanged', 'unchanged'])
  })

  it('is not attempted if a step has no outcome', () => {
    const a = placement('a', [create])
    expect(statuses(plan([a], [], [tagStep(a)]))).toEqual(['notAttempted'])
  })

  it('is promoted if a step was done, and its tag points at the new image', () => {
    const a = placement('a', [create])
    const outcomes = [{ step: 'a.g1', result: 'done', transferred: nothingTransferred }] as const
    expect(summarise(plan([a], [], [tagStep(a)]), outcomes).placements).toMatchObject([
      { status: 'promoted', tags: [{ before: null, after: root.digest, changed: true }] },
    ])
  })

  it('is refused if its image is refused', () => {
    expect(statuses(plan([placement('a', [create])], [{ image: 'api:1', error }]))).toEqual(['refused'])
  })
})

describe('a tag that was not put on the image', () => {
  const [seen, found] = [digestOf('seen'), digestOf('found')]
  const a = placement('a', [{ tag: '1', before: seen, change: 'move' }])
  const tagAfter = (...outcomes: readonly Omit<StepOutcome, 'step' | 'transferred'>[]) =>
    summarise(
      plan([a], [], [tagStep(a)]),
      outcomes.map((outcome) => ({ step: 'a.g1', transferred: nothingTransferred, ...outcome })),
    ).placements[0]?.tags[0]

  it('is on what the check found after a conflict, whatever the plan saw', () => {
    expect(tagAfter({ result: 'conflict', before: found, error, movedBy: null })).toEqual({
      tag: '1',
      before: found,
      after: found,
      changed: false,
      planned: seen,
      wanted: root.digest,
      movedBy: null,
    })
  })

  it.each<[string, readonly Omit<StepOutcome, 'step' | 'transferred'>[], object]>([
    ['if it was not checked', [], {}],
    ['if its step was not attempted', [{ result: 'notAttempted', error }], {}],
    ['after a write that failed', [{ result: 'failed', before: found, error }], { before: found }],
  ])('has no digest of now %s', (_, outcomes, known) => {
    const expected = { tag: '1', changed: false, planned: seen, wanted: root.digest, ...known }
    expect(tagAfter(...outcomes)).toEqual(expected)
  })
})
