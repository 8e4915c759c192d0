import type { DrayError, ErrorCode } from '../errors.ts'
import type { DeleteStep } from '../plan/prune-plan.ts'

/** What follows from a delete that failed, for it and for the other deletes of its kind in the repository. */
export type Consequence =
  /** it stays, and nothing is wrong with that */
  | 'keepIt'
  /** none of its kind can be deleted here; they stay, and nothing is wrong with that */
  | 'keepAll'
  /** this one may not be deleted; the others may be */
  | 'refuseIt'
  /** none of its kind may be deleted here */
  | 'refuseAll'
  | 'failIt'

/** An answer that speaks of the user or of the registry's settings, not of what was to be deleted. */
const denials: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden'])
/** The delete may have happened all the same. */
const unclear: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'unavailable', 'protocol'])

/**
 * What a failure means: pure. A denial is of all where no delete of this kind has succeeded yet: a registry lets a user delete or not. `unsupported` says
 * that there are no such deletes at all, `refused` that this piece is held: by an index (zot, GAR), a lock (ACR), or because it has no tag (Quay). A tag
 * that cannot be deleted alone stays, its digest stays anyway; a part without tags stays with whatever holds it.
 */
export function consequenceOf(
  step: DeleteStep,
  { code }: DrayError,
  { isProven }: { readonly isProven: boolean },
): Consequence {
  if (denials.has(code)) return isProven ? 'failIt' : 'refuseAll'
  if (code === 'unsupported') return step.kind === 'deleteTag' ? 'keepAll' : 'refuseAll'
  if (code !== 'refused') return 'failIt'
  if (step.kind === 'deleteTag' || step.losesTags.length === 0) return 'keepIt'
  return isProven ? 'failIt' : 'refuseIt'
}

/** Whether an error leaves open what became of the delete: then the registry is looked at. */
export function isUnclear({ code }: DrayError): boolean {
  return unclear.has(code)
}
