import type { Call } from '../../lib/call.ts'
import type { ManifestReader, TagLister } from '../../images/ports.ts'
import { findFirstTag, listTags } from '../../images/tags/tags.ts'
import type { MoveDirection, MovedUnderway } from '../../plan/attempts/decide-again.ts'
import { readingOf } from '../../plan/plan.ts'
import { isInLine } from '../../semver/line.ts'
import { compareDescending, versionTagsIn } from '../../semver/version.ts'

/** The highest versions of a line that are resolved to find out where its floating tag went. */
const maxResolved = 64

/**
 * Reads whether a floating tag went to a higher or a lower version of its line: the higher one of
 * its two digests is the first that a version tag is on, from the highest version down.
 * @throws what the store throws.
 */
export async function readMoveDirection(
  { from, to, rule }: Pick<MovedUnderway, 'from' | 'to' | 'rule'>,
  store: ManifestReader & TagLister,
  call: Call,
): Promise<MoveDirection> {
  if (rule === undefined || to === null) return 'unknown'
  const listed = versionTagsIn(await listTags(store, call), readingOf(rule))
  const versions = compareDescending(listed.filter(({ version }) => isInLine(version, rule.line)))
  const names = versions.slice(0, maxResolved).map(({ tag }) => tag)
  let isForward = false
  const first = await findFirstTag(
    store,
    names,
    (digest) => {
      if (digest !== from && digest !== to) return false
      isForward = digest === to
      return true
    },
    call,
  )
  if (first === undefined) return 'unknown'
  return isForward ? 'forward' : 'backward'
}
