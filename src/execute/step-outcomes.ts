import { toErrorInfo } from '../lib/errors.ts'
import { type Moved, nothingMoved, type StepOutcome } from '../plan/outcome.ts'
import type { Step } from '../plan/plan.ts'

export function succeeded(
  step: Step,
  result: 'done' | 'unchanged',
  moved: Moved = nothingMoved,
): StepOutcome {
  return { step: step.id, result, moved }
}

export function failure(step: Step, error: unknown): StepOutcome {
  const info = toErrorInfo(error)
  return {
    step: step.id,
    result: info.code === 'conflict' ? 'conflict' : 'failed',
    error: info,
    moved: nothingMoved,
  }
}

export function notAttempted(step: Step, why: string): StepOutcome {
  return {
    step: step.id,
    result: 'notAttempted',
    error: { code: 'interrupted', message: `not attempted: ${why}` },
    moved: nothingMoved,
  }
}
