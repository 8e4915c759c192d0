import { toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { nothingTransferred, type StepOutcome, type Transferred } from '../../plan/outcome.ts'
import type { Step } from '../../plan/plan.ts'

type Before = Digest | null | undefined

/**
 * @param before what the tag of the step pointed at just before; undefined if the step writes no
 * tag
 */
export function succeeded(
  step: Step,
  result: 'done' | 'unchanged',
  before: Before,
  transferred: Transferred = nothingTransferred,
): StepOutcome {
  return { step: step.id, result, transferred, ...(before !== undefined && { before }) }
}

export function failure(step: Step, error: unknown, before?: Before): StepOutcome {
  const info = toErrorInfo(error)
  return {
    step: step.id,
    result: info.code === 'conflict' ? 'conflict' : 'failed',
    error: info,
    transferred: nothingTransferred,
    ...(before !== undefined && { before }),
  }
}

export function notAttempted(step: Step, why: string): StepOutcome {
  return {
    step: step.id,
    result: 'notAttempted',
    error: { code: 'interrupted', message: `not attempted: ${why}` },
    transferred: nothingTransferred,
  }
}
