import { describe, expect, it } from 'vitest'
import { exitOfPlan, exitOfRun, problemOf, type RunResult } from '../../../src/cli/command/run-exit.ts'
import { DrayError, type ErrorCode } from '../../../src/lib/errors.ts'

const running = new AbortController().signal
const stopped = AbortSignal.abort(new DrayError('interrupted', 'interrupted'))

/** A part without a problem counts as done, unless it has nothing to delete (`idle`). */
function result(statuses: readonly string[], refusals: readonly ErrorCode[] = []): RunResult {
  return {
    parts: statuses.map((status) => {
      const problem = problemOf(status)
      return { problem, countsAsDone: problem === undefined && status !== 'idle' }
    }),
    refusals: refusals.map((code) => ({ error: { code, message: code } })),
  }
}

describe('the exit code of an executed plan', () => {
  it.each<[number, readonly string[], readonly ErrorCode[]]>([
    [0, [], []],
    [0, ['promoted', 'unchanged'], []],
    [0, ['idle'], []],
    [1, ['failed'], []],
    [1, ['failed', 'notAttempted'], []],
    [1, ['failed', 'conflict'], []],
    [1, ['failed', 'idle'], []],
    [1, ['refused'], ['refused', 'network']],
    [1, [], ['not-found']],
    [3, ['conflict'], []],
    [3, ['conflict', 'notAttempted'], []],
    [3, ['conflict', 'idle'], []],
    [3, ['refused'], []],
    [3, ['refused', 'notAttempted'], ['refused']],
    [3, ['refused'], ['conflict']],
    [3, [], ['refused']],
    [4, ['promoted', 'failed'], []],
    [4, ['unchanged', 'refused'], ['refused']],
    [4, ['promoted'], ['not-found']],
  ])('is %i after %j and the refusals %j', (code, statuses, refusals) => {
    expect(exitOfRun(result(statuses, refusals), running)).toBe(code)
  })

  it('is 4 if the only part is partly done', () => {
    const parts = [{ problem: 'conflict', countsAsDone: true }] as const
    expect(exitOfRun({ parts, refusals: [] }, running)).toBe(4)
  })

  it('is 4 after a success that is incomplete, and the code of a problem otherwise', () => {
    expect(exitOfRun(result(['promoted']), running, true)).toBe(4)
    expect(exitOfRun(result(['idle']), running, true)).toBe(4)
    expect(exitOfRun(result(['refused']), running, true)).toBe(3)
  })

  it('is 130 after a stop, and 0 if everything was done nevertheless', () => {
    expect(exitOfRun(result(['promoted', 'notAttempted']), stopped)).toBe(130)
    expect(exitOfRun(result(['promoted']), stopped)).toBe(0)
  })

  it('is 1 after a timeout', () => {
    const late = AbortSignal.abort(new DrayError('timeout', 'too late'))
    expect(exitOfRun(result(['promoted', 'failed']), late)).toBe(1)
  })
})

describe('the exit code of a plan that is only shown', () => {
  it.each<[number, string, RunResult, boolean]>([
    [0, 'nothing to do', result(['unchanged']), false],
    [2, 'changes', result(['notAttempted']), true],
    [4, 'changes and a refusal', result(['notAttempted'], ['refused']), true],
    [4, 'one image that is up to date and one that is refused', result(['unchanged'], ['refused']), false],
    [3, 'an idle repository and a refusal', result(['idle'], ['refused']), false],
    [3, 'refusals alone', result([], ['refused']), false],
    [1, 'refusals and failures, in any order', result([], ['refused', 'not-found']), false],
    [1, 'failures and refusals', result([], ['not-found', 'refused']), false],
  ])('is %i for %s', (code, _, of, hasSteps) => {
    expect(exitOfPlan(of, hasSteps, true)).toBe(code)
  })

  it('is 0 for changes without --detailed-exitcode', () => {
    expect(exitOfPlan(result(['notAttempted']), true, false)).toBe(0)
  })
})
