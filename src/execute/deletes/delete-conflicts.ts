import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'
import { digestOf } from './delete-records.ts'

/** A tag that does not point at what the plan saw. */
export interface MovedTag {
  readonly tag: string
  readonly to: Digest
}

/** The error for a delete that is not executed because the repository has changed. */
export function deleteConflict(step: DeleteStep, why: string): DrayError {
  const subject = nameOf(step)
  return new DrayError('conflict', `cannot delete ${subject}`, {
    subject,
    why,
    hint: 'The repository changed since the plan was made. To plan again, run dray prune.',
  })
}

export function movedTagConflict(step: DeleteStep, { tag, to }: MovedTag): DrayError {
  const isOnStep = step.kind === 'deleteManifest' && step.target.digest === to
  return deleteConflict(step, `the tag ${tag} points to ${isOnStep ? 'it' : to} now`)
}

/** The error for a delete that comes after another one that is not executed. */
export function predecessorIsKept(step: DeleteStep): ErrorInfo {
  return toErrorInfo(deleteConflict(step, 'a manifest that leads to it is kept'))
}

/** The error for what a manifest leads to that the registry keeps, with the hint about that one. */
export function keptWithPredecessor(step: DeleteStep, { error, result }: DeleteOutcome): ErrorInfo {
  const status = result === 'kept' ? error?.status : undefined
  return {
    ...predecessorIsKept(step),
    code: 'unsupported',
    why: 'the registry keeps a manifest that leads to it',
    ...(status !== undefined && { status }),
    hint:
      error?.hint ??
      'The registry refuses this delete. Keep the image, or ask the administrator of the registry.',
  }
}

/**
 * Adds the pending deletes that come before a conflict, for a registry that deletes what a manifest
 * leads to together with it.
 */
export function withParents(
  conflicts: ReadonlyMap<DeleteStep, ErrorInfo>,
  pending: ReadonlyMap<StepId, DeleteStep>,
): ReadonlyMap<DeleteStep, ErrorInfo> {
  const all = new Map(conflicts)
  for (const step of all.keys())
    for (const id of step.after) {
      const parent = pending.get(id)
      if (parent === undefined || all.has(parent)) continue
      const why = `the registry would also delete ${digestOf(step)}, which is kept`
      all.set(parent, toErrorInfo(deleteConflict(parent, why)))
    }
  return all
}

function nameOf(step: DeleteStep): string {
  const at = step.kind === 'deleteTag' ? { tag: step.tag } : { digest: step.target.digest }
  return formatAt(step.repository, at)
}
