import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../src/lib/errors.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { checkConsistency } from '../../src/plan/consistency.ts'
import type { HighestPrecondition, Plan, Precondition, TagStep } from '../../src/plan/plan.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('root'), size: 100 }
const repository = { registry: 'r.example', path: 'prod/api' }
const before = digestOf('before')
const own: Precondition = { kind: 'tag', repository, tag: 'latest', digest: before }
const highest: HighestPrecondition = {
  kind: 'highest',
  repository,
  line: {},
  version: '1.4.2',
  buildMetadata: false,
}

/** `latest` moves to 1.4.2, as `dray tag` plans it, with a step of other preconditions. */
function planWith(expected: readonly Precondition[], override?: TagStep['override']): Plan {
  const marked = override === undefined ? {} : { override }
  return {
    schema: 'dray.plan/1',
    operation: override === 'rollback' ? 'rollback' : 'tag',
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0.1.0',
    policy: 'sha256:0',
    placements: [
      {
        id: 'p',
        image: 'api:1.4.2',
        from: { repository, tag: '1.4.2' },
        to: { repository },
        root,
        tags: [
          { tag: '1.4.2', before: root.digest, change: 'unchanged' },
          { tag: 'latest', before, change: 'move', reason: 'highest version', ...marked },
        ],
        evidence: { found: 0, missing: 0 },
      },
    ],
    steps: [
      {
        id: 'g',
        placement: 'p',
        after: [],
        expect: expected,
        kind: 'tag',
        repository,
        tag: 'latest',
        target: root,
        from: repository,
        ...marked,
      },
    ],
    refusals: [],
  }
}

const check = (plan: Plan) => () => checkConsistency(plan, 'p.json')

describe('a floating tag that a plan moves for its version', () => {
  it('expects that this version is the highest, or has an override', () => {
    expect(check(planWith([own, highest]))).not.toThrow()
    expect(check(planWith([own, { ...highest, scheme: 'loose', version: '1.04.2.0' }]))).not.toThrow()
    expect(check(planWith([own], 'allowBackward'))).not.toThrow()
    expect(check(planWith([own], 'moveTag'))).not.toThrow()
  })

  it('expects the exact tag if it is rolled back', () => {
    const exact: Precondition = { kind: 'tag', repository, tag: '1.4.2', digest: root.digest }
    expect(check(planWith([own, exact], 'rollback'))).not.toThrow()
    expect(check(planWith([own], 'rollback'))).toThrow(
      expect.objectContaining({ why: expect.stringContaining('does not fit its placement') }),
    )
    expect(check(planWith([own, { ...exact, digest: before }], 'rollback'))).toThrow(
      expect.objectContaining({ why: expect.stringContaining('does not fit') }),
    )
  })

  it.each<[string, readonly Precondition[]]>([
    ['nothing', [own]],
    ['a higher version than it gets', [own, { ...highest, version: '999.0.0' }]],
    ['an invalid version', [own, { ...highest, version: 'high' }]],
    ['a version of another scheme', [own, { ...highest, scheme: 'calver' }]],
    ['the versions of a variant', [own, { ...highest, line: { variant: 'alpine' }, variants: ['alpine'] }]],
    ['the versions of another tag', [own, { ...highest, line: { major: 1 } }]],
    ['a line without the version', [own, { ...highest, line: { major: 2 } }]],
    ['a channel that is not configured', [own, { ...highest, line: { channel: 'latest' } }]],
    ['another repository', [own, { ...highest, repository: { ...repository, path: 'prod/web' } }]],
  ])('does not rest on %s', (_, expected) => {
    expect(check(planWith(expected))).toThrow(
      expect.objectContaining({ why: expect.stringContaining('does not fit its placement') }),
    )
  })
})

it('lets version tags follow the source only in a plan of a sync', () => {
  const plan = planWith([own, highest], 'movedTags')
  expect(check({ ...plan, operation: 'sync' })).not.toThrow()
  const others = (['tag', 'promote', 'copy'] as const).map((operation) => {
    const error = thrownBy(check({ ...plan, operation }))
    return isDrayError(error) ? error.why : error
  })
  expect(new Set(others)).toEqual(new Set(['p follows a source, and the plan is not a sync']))
})

function thrownBy(run: () => void): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return error
  }
}
