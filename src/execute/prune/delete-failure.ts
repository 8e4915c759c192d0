import type { DrayError, ErrorCode } from '../../lib/errors.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'
import type { Capabilities } from '../../images/ports.ts'

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

/** An answer that speaks of the user, not of what was to be deleted. */
const denials: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden'])
/** The delete may have happened all the same. */
const unclear: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'protocol'])

/**
 * What a failure means: pure. A denial is of all where no delete of this kind has succeeded yet: a registry lets a user delete or not. A tag that cannot be
 * deleted alone stays, its digest stays anyway; a part without tags that the registry keeps stays with whatever holds it.
 */
export function consequenceOf(step: DeleteStep, { code }: DrayError, isProven: boolean): Consequence {
  if (denials.has(code)) return isProven ? 'failIt' : 'refuseAll'
  if (code === 'unsupported') return step.kind === 'deleteTag' ? 'keepAll' : 'refuseAll'
  if (code !== 'refused') return 'failIt'
  return step.kind === 'deleteTag' || step.losesTags.length === 0 ? 'keepIt' : 'refuseIt'
}

/**
 * Whether evidence may be what holds a manifest. Only of a registry that wants the tags gone first, and they are: there nothing leads to it any more, and the
 * evidence has nobody to speak to. Elsewhere what is refused stays, with its evidence.
 */
export function isHeldByEvidence(step: DeleteStep, { code }: DrayError, store: Capabilities): boolean {
  const isOfThisOne = code === 'refused' || code === 'forbidden'
  return step.kind === 'deleteManifest' && isOfThisOne && store.capability('deleteTagged') === 'no'
}

/** Whether an error leaves open what became of the delete: then the registry is looked at. */
export function isUnclear({ code }: DrayError): boolean {
  return unclear.has(code)
}
