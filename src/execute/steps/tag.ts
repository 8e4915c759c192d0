import { isFresh } from '../../lib/freshness.ts'
import type { Transferred } from '../../plan/outcome.ts'
import { isOfTag } from '../../plan/plan.ts'
import type { TagCheck } from '../tags/tag-checks.ts'
import type { TagWrite } from '../tags/tag-writer.ts'
import type { PreparedStep, StepContext, StepOrder } from './prepared-step.ts'

/**
 * A step that checks and writes a tag.
 * @param copyContent comes between the intent and the last check
 */
export function checkedTagStep(
  tag: TagWrite,
  context: StepContext,
  { followsContent, copyBegun }: StepOrder,
  copyContent?: () => Promise<Transferred>,
): PreparedStep {
  const { tags, clock, call, contentCall } = context
  const planned = followsContent ? undefined : plannedCheck(tag, context.plannedAt)
  const early = copyBegun === undefined ? undefined : readEarly(copyBegun, () => tags.check(tag, call))
  let first: TagCheck | undefined
  return {
    check: async () => {
      const known = planned ?? (await early?.check)
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
 * date.
 */
function plannedCheck({ repository, tag, expect }: TagWrite, at: number | undefined): TagCheck | undefined {
  const own = expect.find((one) => isOfTag(one, repository, tag))
  if (own === undefined || at === undefined) return undefined
  return { at, found: own.digest, state: 'expected' }
}

/**
 * Checks a tag while the copy before it mounts its layers, so that the check costs no round trip.
 */
function readEarly(
  copyBegun: Promise<void>,
  read: () => Promise<TagCheck>,
): { readonly check?: Promise<TagCheck> } {
  const early: { check?: Promise<TagCheck> } = {}
  void copyBegun.then(() => {
    early.check = read()
    // the check may not be used, and then its failure does not matter
    early.check.catch(() => undefined)
  })
  return early
}
