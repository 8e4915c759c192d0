import { isFresh } from '../../lib/freshness.ts'
import type { Transferred } from '../../plan/outcome.ts'
import { isOfTag } from '../../plan/plan.ts'
import type { TagCheck } from '../tags/tag-checks.ts'
import type { TagWrite } from '../tags/tag-writer.ts'
import type { PreparedStep, StepContext, StepOrder } from './prepared-step.ts'

/** A check that is valid for this long after a copy begins is expected to serve its tag. */
const shortCopyMs = 1000

/**
 * A step that checks and writes a tag.
 * @param copyContent comes between the intent and the last check
 */
export function checkedTagStep(
  tag: TagWrite,
  context: StepContext,
  order: StepOrder,
  copyContent?: () => Promise<Transferred>,
): PreparedStep {
  const { tags, clock, call, contentCall } = context
  const planned = plannedCheck(tag, context, order)
  const { copyBegun } = order
  // the copy takes a while
  const isNew = (): boolean => planned !== undefined && isFresh(planned.at, clock.now() + shortCopyMs)
  const early =
    copyBegun === undefined
      ? undefined
      : readEarly(copyBegun, () => (isNew() ? undefined : tags.check(tag, call)))
  let first: TagCheck | undefined
  return {
    check: async () => {
      const known = (await early?.check) ?? planned
      first =
        known !== undefined && isFresh(known.at, clock.now())
          ? await tags.checkGates(tag, known, call)
          : await tags.check(tag, call)
      return first
    },
    act: async (recordIntent) =>
      await tags.write(
        tag,
        first ?? (await tags.check(tag, call)),
        { recordIntent, stop: contentCall.signal, ...(copyContent !== undefined && { copyContent }) },
        call,
      ),
  }
}

/**
 * The reading of the plan as a check of the tag. A plan has a step only for a tag that is not up to
 * date. After a copy it counts only for a new tag of a sync, whose lists show what is absent.
 */
function plannedCheck(
  { repository, tag, expect }: TagWrite,
  { plannedAt: at, isSync }: StepContext,
  { followsContent }: StepOrder,
): TagCheck | undefined {
  const own = expect.find((one) => isOfTag(one, repository, tag))
  if (own === undefined || at === undefined) return undefined
  if (followsContent && !(isSync && own.digest === null)) return undefined
  return { at, found: own.digest, state: 'expected' }
}

/**
 * Checks a tag while the copy before it mounts its layers, so that the check costs no round trip.
 */
function readEarly(
  copyBegun: Promise<void>,
  read: () => Promise<TagCheck> | undefined,
): { readonly check?: Promise<TagCheck> } {
  const early: { check?: Promise<TagCheck> } = {}
  void copyBegun.then(() => {
    const check = read()
    if (check === undefined) return
    early.check = check
    // the check may not be used, and then its failure does not matter
    check.catch(() => undefined)
  })
  return early
}
