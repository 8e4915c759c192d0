import type { DrayError, ErrorCode } from '../../lib/errors.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'
import type { SourceRepository } from '../../images/ports.ts'

/**
 * The consequence of a failed delete, for it and for the other deletes of its kind in the
 * repository.
 */
type Consequence =
  /** the registry keeps this one and deletes others: it is kept, which is no error */
  | 'lockIt'
  /** the registry deletes it by itself later, which is no error */
  | 'keepIt'
  /** none of its kind can be deleted here; they are kept, which is no error */
  | 'keepAll'
  /** none of its kind may be deleted here */
  | 'refuseAll'
  | 'failIt'

/** Responses that are about the user, not about what was to be deleted. */
const denials: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden', 'config'])
/** Statuses of a registry, or of a proxy before it, that deletes nothing here for now. */
const unexplained: ReadonlySet<number | undefined> = new Set([400, 403, 405])
/** The registry may have deleted it anyway. */
const unclear: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'protocol'])

/**
 * Returns what a failure means: pure. A denial, or a 400 that is not explained, before the first
 * success is for all deletes of the kind: a registry allows them to a user or not. A tag that
 * cannot be deleted alone is kept, as its manifest is kept.
 * @param isProven a delete of this kind has succeeded
 */
export function consequenceOf(step: DeleteStep, { code, status }: DrayError, isProven: boolean): Consequence {
  // Quay answers 404 for a manifest without tags, and removes it later.
  if (code === 'refused') return status === 404 && isUntagged(step) ? 'keepIt' : 'lockIt'
  if (code === 'unsupported') return step.kind === 'deleteTag' ? 'keepAll' : 'refuseAll'
  const isDenial = denials.has(code) || (code === 'protocol' && unexplained.has(status))
  return isDenial && !isProven ? 'refuseAll' : 'failIt'
}

function isUntagged(step: DeleteStep): boolean {
  return step.kind === 'deleteManifest' && step.losesTags.length === 0
}

/**
 * Whether the registry may keep a manifest because of its attached artifacts. Only a registry that
 * requires tags to be deleted first does this: the tags are deleted by then, and the artifacts can
 * be deleted before the manifest. Otherwise a refused manifest is kept together with its artifacts.
 */
export function isKeptByEvidence(
  step: DeleteStep,
  { code, status }: DrayError,
  store: SourceRepository,
): boolean {
  // Attached artifacts do not keep an image at Docker Hub, which answers 403
  // (github.com/docker/hub-feedback/issues/2465).
  const isAboutManifest = code === 'refused' && status !== 403
  return step.kind === 'deleteManifest' && isAboutManifest && store.capability('deleteTagged') === 'no'
}

/**
 * Returns the digests that the registry names as those that keep a manifest. If an index keeps it,
 * its attached artifacts must stay. Only the message of the registry shows that.
 */
export function keepersIn(step: DeleteStep, { why = '' }: DrayError): readonly string[] {
  const own = step.kind === 'deleteManifest' ? step.target.digest : step.digest
  return (why.match(/sha256:[0-9a-f]{64}/g) ?? []).filter((digest) => digest !== own)
}

/** Whether the error leaves open what became of the delete. Then the registry is read. */
export function isUnclear({ code }: DrayError): boolean {
  return unclear.has(code)
}
