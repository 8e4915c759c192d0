import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import {
  changedImages,
  imagesToDecideAgain,
  explainForbidden,
  mayMoveAgain,
  type MoveDirection,
  movedUnderway,
  planOfImages,
} from '../../../src/plan/attempts/decide-again.ts'
import type { TagMover } from '../../../src/plan/attempts/tag-mover.ts'
import { nothingTransferred, type StepOutcome } from '../../../src/plan/outcome.ts'
import type {
  HighestPrecondition,
  OperationName,
  Plan,
  TagOverride,
  TagStep,
} from '../../../src/plan/plan.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }
const [old, theirs, ours] = [digestOf('old'), digestOf('theirs'), digestOf('ours')]
const root = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: ours, size: 42 }
const rule: HighestPrecondition = {
  kind: 'highest',
  repository,
  line: {},
  version: '1.5.0',
  buildMetadata: false,
}
const by = (operation: OperationName): TagMover => ({
  run: 'theirs',
  operation,
  actor: { user: 'ada', host: 'laptop' },
  time: '2026-11-23T00:00:00.000Z',
  phase: 'outcome',
})

interface Tag {
  readonly before: Digest | null
  readonly isFloating?: boolean
  readonly override?: TagOverride
}

/** A plan for `api` and `web`, with a step for each tag; the tags of `web` begin with `web`. */
function planOf(tags: Readonly<Record<string, Tag>>, digest = ours): Plan {
  const images = ['api', 'web'] as const
  const imageOf = (tag: string) => (tag.startsWith('web') ? 'web' : 'api')
  const entries = Object.entries(tags)
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-11-23T00:00:00.000Z',
    tool: '1',
    policy: 'sha256:policy',
    placements: images.map((image) => ({
      id: image,
      image,
      from: { repository },
      to: { repository },
      root: { ...root, digest },
      tags: entries
        .filter(([tag]) => imageOf(tag) === image)
        .map(([tag, { before }]) => ({ tag, before, change: 'move' as const })),
      evidence: { found: 0, missing: 0 },
    })),
    steps: entries.map(([tag, { before, isFloating = false, override }]): TagStep => ({
      kind: 'tag',
      id: tag,
      placement: imageOf(tag),
      after: [],
      expect: [{ kind: 'tag', repository, tag, digest: before }, ...(isFloating ? [rule] : [])],
      repository,
      tag,
      target: { ...root, digest },
      from: repository,
      ...(override !== undefined && { override }),
    })),
    refusals: [],
  }
}

const outcome = (step: string, result: StepOutcome['result'], movedBy?: TagMover | null): StepOutcome => ({
  step,
  result,
  transferred: nothingTransferred,
  ...(movedBy !== undefined && { movedBy }),
})

describe('a run may move a tag that was moved since it read it', () => {
  const plain = {}
  const floating = { rule }
  const forced = { override: 'moveTag' } as const
  const backward = { override: 'allowBackward' } as const
  type Case = [object, TagMover | null | undefined, MoveDirection, boolean]
  it.each<Case>([
    [plain, by('promote'), 'unknown', true],
    [plain, by('copy'), 'unknown', true],
    [plain, by('tag'), 'unknown', true],
    [plain, by('prune'), 'unknown', true],
    [plain, by('rollback'), 'unknown', false],
    [plain, null, 'unknown', false],
    [plain, null, 'forward', false],
    [plain, undefined, 'unknown', false],
    [floating, by('promote'), 'unknown', true],
    [floating, by('promote'), 'backward', true],
    [floating, by('rollback'), 'backward', false],
    [floating, by('rollback'), 'forward', false],
    [floating, null, 'forward', true],
    [floating, null, 'backward', false],
    [floating, null, 'unknown', false],
    [floating, undefined, 'forward', true],
    [floating, undefined, 'backward', false],
    [forced, by('promote'), 'unknown', false],
    [forced, null, 'unknown', false],
    [backward, by('promote'), 'forward', false],
    [backward, null, 'forward', false],
  ])('%j, moved by %j, %s: %s', (tag, mover, direction, expected) => {
    expect(mayMoveAgain(tag, mover, direction)).toBe(expected)
  })
})

it.each([
  [{}, null, 'unknown', 'the audit log has no record of the move'],
  [
    { rule },
    null,
    'backward',
    'the audit log has no record of the move, and the tag moved to a lower version',
  ],
  [
    { rule },
    null,
    'unknown',
    'the audit log has no record of the move, and dray cannot determine whether the tag moved to a higher version',
  ],
  [{ rule }, by('rollback'), 'unknown', 'a rollback moved it'],
  [
    { override: 'moveTag' } as const,
    by('promote'),
    'unknown',
    'the override applies only to the state that the plan shows',
  ],
] as const)('a run does not move %j again, moved by %j, %s: %s', (tag, mover, direction, why) => {
  expect(explainForbidden(tag, mover, direction)).toBe(why)
})

describe('the images to decide again', () => {
  const plan = planOf({ stable: { before: old }, qa: { before: old }, web: { before: old } })
  const decided = (...steps: readonly StepOutcome[]) => [...imagesToDecideAgain({ plan, steps })]

  it('are those with a conflict that a run of the same audit log explains', () => {
    const web = outcome('web', 'done')
    expect(decided(outcome('stable', 'conflict', by('promote')), outcome('qa', 'done'), web)).toEqual(['api'])
  })

  it.each<[string, StepOutcome]>([
    ['a step failed', outcome('qa', 'failed')],
    ['another conflict has no explanation', outcome('qa', 'conflict', null)],
  ])('are without an image of which %s', (_, other) => {
    expect(decided(outcome('stable', 'conflict', by('promote')), other)).toEqual([])
  })

  it('are none without a conflict', () => {
    expect(decided(outcome('stable', 'done'), outcome('qa', 'notAttempted'))).toEqual([])
  })

  it('are those whose floating tag somebody moved, because the direction is read later', () => {
    const floating = planOf({ latest: { before: old, isFloating: true } })
    expect([
      ...imagesToDecideAgain({ plan: floating, steps: [outcome('latest', 'conflict', null)] }),
    ]).toEqual(['api'])
  })
})

describe('the tags that were moved under way', () => {
  const first = planOf({ stable: { before: old }, qa: { before: old } })
  const moved = (again: Plan, ...steps: readonly StepOutcome[]) =>
    movedUnderway({ plan: first, steps }, again)

  it('are those that the new plan writes over another digest than the run saw', () => {
    const again = planOf({ stable: { before: theirs }, qa: { before: old } })
    expect(moved(again)).toEqual([{ repository, tag: 'stable', image: 'api', from: old, to: theirs }])
  })

  it('count from what the run itself wrote', () => {
    const again = planOf({ stable: { before: theirs } })
    expect(moved(again, outcome('stable', 'done'))).toMatchObject([{ from: ours, to: theirs }])
  })

  it('have the rule and the override of the new plan', () => {
    const again = planOf({
      stable: { before: null, isFloating: true },
      qa: { before: theirs, override: 'moveTag' },
    })
    expect(moved(again)).toMatchObject([{ to: null, rule }, { override: 'moveTag' }])
  })

  it('include a tag that stayed, if only an override lets it move now', () => {
    const again = planOf({ stable: { before: old, override: 'allowBackward' } })
    expect(moved(again)).toMatchObject([{ from: old, to: old, override: 'allowBackward' }])
  })

  it('are without a tag that the run had not read before', () => {
    expect(moved(planOf({ other: { before: theirs } }))).toEqual([])
  })
})

it('an image is changed if its source is another image by now', () => {
  const plan = planOf({ stable: { before: old } })
  expect([...changedImages({ plan }, planOf({ stable: { before: theirs } }))]).toEqual([])
  const changed = planOfImages(planOf({ stable: { before: theirs } }, theirs), new Set(['api']))
  expect([...changedImages({ plan }, changed)]).toEqual(['api'])
})

it('the part of a plan about some images has their placements, steps and refusals only', () => {
  const error = { code: 'refused', message: 'no' } as const
  const plan = {
    ...planOf({ stable: { before: old }, web: { before: old } }),
    refusals: ['api', 'web'].map((image) => ({ image, error })),
  }
  const part = planOfImages(plan, new Set(['web']))
  expect(part.placements.map(({ id }) => id)).toEqual(['web'])
  expect(part.steps.map(({ id }) => id)).toEqual(['web'])
  expect(part.refusals).toEqual([{ image: 'web', error }])
})
