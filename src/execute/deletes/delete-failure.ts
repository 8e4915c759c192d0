import type { DrayError, ErrorCode } from '../../lib/errors.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'
import type { SourceRepository } from '../../images/ports.ts'

/**
 * The consequence of a failed delete, for it and for the other deletes of its kind in the
 * repository.
 */
export type Consequence =
  /** it is kept, which is no error */
  | 'keepIt'
  /** none of its kind can be deleted here; they are kept, which is no error */
  | 'keepAll'
  /** this one may not be deleted; the others may be */
  | 'refuseIt'
  /** none of its kind may be deleted here */
  | 'refuseAll'
  | 'failIt'

/** Responses that are about the user, not about what was to be deleted. */
const denials: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden'])
/** The registry may have deleted it anyway. */
const unclear: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'protocol'])

/**
 * Returns what a failure means: pure. A denial before the first success is for all deletes of the
 * kind: a registry allows them to a user or not. A tag that cannot be deleted alone is kept, as its
 * manifest is kept. A manifest without tags that the registry refuses to delete is kept with the
 * manifests that refer to it.
 * @param isProven a delete of this kind has succeeded
 */
export function consequenceOf(step: DeleteStep, { code }: DrayError, isProven: boolean): Consequence {
  if (denials.has(code)) return isProven ? 'failIt' : 'refuseAll'
  if (code === 'unsupported') return step.kind === 'deleteTag' ? 'keepAll' : 'refuseAll'
  if (code !== 'refused') return 'failIt'
  return step.kind === 'deleteTag' || step.losesTags.length === 0 ? 'keepIt' : 'refuseIt'
}

/**
 * Whether the registry may keep a manifest because of its attached artifacts. Only a registry that
 * requires tags to be deleted first does this: the tags are deleted by then, and the artifacts can
 * be deleted before the manifest. Otherwise a refused manifest is kept together with its artifacts.
 */
export function isKeptByEvidence(step: DeleteStep, { code }: DrayError, store: SourceRepository): boolean {
  const isAboutManifest = code === 'refused' || code === 'forbidden'
  return step.kind === 'deleteManifest' && isAboutManifest && store.capability('deleteTagged') === 'no'
}

/** Whether the error leaves open what became of the delete. Then the registry is read. */
export function isUnclear({ code }: DrayError): boolean {
  return unclear.has(code)
}
