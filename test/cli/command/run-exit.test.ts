import { describe, expect, it } from 'vitest'
import { exitOfOutcome, exitOfPlan } from '../../../src/cli/command/run-exit.ts'
import { DrayError, type ErrorCode } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { nothingMoved, type PlacementStatus, type RunOutcome } from '../../../src/plan/outcome.ts'
import type { CopyStep, Placement, Plan } from '../../../src/plan/plan.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('root'), size: 1 }
const repository = { registry: 'r.example', path: 'api' }
const going = new AbortController().signal
const stopped = AbortSignal.abort(new DrayError('interrupted', 'interrupted'))

function outcome(statuses: readonly PlacementStatus[], refusals: readonly ErrorCode[] = []): RunOutcome {
  return {
    placements: statuses.map((status, i) => ({
      placement: `i${i}.t1`,
      status,
      tags: [],
      moved: nothingMoved,
      evidenceCarried: 0,
      errors: [],
    })),
    refusals: refusals.map((code) => ({ image: 'api:1', error: { code, message: code } })),
    moved: nothingMoved,
  }
}

describe('a run that was carried out ends with', () => {
  it.each<[number, readonly PlacementStatus[], readonly ErrorCode[]]>([
    [0, [], []],
    [0, ['promoted', 'unchanged'], []],
    [1, ['failed'], []],
    [1, ['failed', 'notAttempted'], []],
    [1, ['failed', 'conflict'], []],
    [1, ['refused'], ['refused', 'network']],
    [1, [], ['not-found']],
    [3, ['conflict'], []],
    [3, ['conflict', 'notAttempted'], []],
    [3, ['refused', 'notAttempted'], ['refused']],
    [3, ['refused'], ['conflict']],
    [3, [], ['refused']],
    [4, ['promoted', 'failed'], []],
    [4, ['unchanged', 'refused'], ['refused']],
    [4, ['promoted'], ['not-found']],
  ])('%i after %j and the refusals %j', (code, statuses, refusals) => {
    expect(exitOfOutcome(outcome(statuses, refusals), going)).toBe(code)
  })

  it('130 where it was stopped before all was done, and 0 where all was done nevertheless', () => {
    expect(exitOfOutcome(outcome(['promoted', 'notAttempted']), stopped)).toBe(130)
    expect(exitOfOutcome(outcome(['promoted']), stopped)).toBe(0)
  })

  it('1 where its time was up', () => {
    const late = AbortSignal.abort(new DrayError('timeout', 'too late'))
    expect(exitOfOutcome(outcome(['promoted', 'failed']), late)).toBe(1)
  })
})

const placement: Placement = {
  id: 'i1.t1',
  image: 'api:1',
  from: { repository },
  to: { repository },
  root,
  tags: [{ tag: '1', before: root.digest, change: 'unchanged' }],
  evidence: { found: 0, missing: 0 },
  size: 1,
}
const step: CopyStep = {
  id: 'c',
  placement: 'i1.t1',
  after: [],
  expect: [],
  kind: 'copy',
  root,
  from: repository,
  to: repository,
  rootBy: 'digest',
}

function plan(
  placements: readonly Placement[],
  steps: readonly CopyStep[],
  refusals: readonly ErrorCode[] = [],
): Plan {
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0',
    policy: 'sha256:0',
    placements,
    steps,
    refusals: refusals.map((code) => ({ image: 'web:1', error: { code, message: code } })),
  }
}

describe('a plan that was only shown ends with', () => {
  it.each<[number, string, Plan]>([
    [0, 'nothing to do', plan([placement], [])],
    [2, 'changes', plan([placement], [step])],
    [4, 'changes and a refusal', plan([placement], [step], ['refused'])],
    [4, 'one image that is there and one that is refused', plan([placement], [], ['refused'])],
    [3, 'refusals alone', plan([], [], ['refused'])],
    [1, 'refusals and failures, whatever their order', plan([], [], ['refused', 'not-found'])],
    [1, 'failures and refusals', plan([], [], ['not-found', 'refused'])],
  ])('%i for %s', (code, _, of) => {
    expect(exitOfPlan(of, true)).toBe(code)
  })

  it('0 for changes where nobody asked for the detail', () => {
    expect(exitOfPlan(plan([placement], [step]), false)).toBe(0)
  })
})
