import { formatRepository } from '../../oci/reference.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'

/** More images than these, or more than half of a repository's, are much. */
const manyImages = 50

/**
 * What has to be typed before much is deleted: the name of the repository, or of several the number of images that go. Undefined where a yes is enough.
 * Pure.
 */
export function largeDelete({ repositories }: PrunePlan): string | undefined {
  const losing = repositories.filter(({ steps, count }) => steps.length > 0 && count.deleted > 0)
  const deleted = losing.reduce((sum, { count }) => sum + count.deleted, 0)
  const isMuch = deleted > manyImages || losing.some(({ count }) => count.deleted * 2 > count.images)
  const [first, second] = losing
  if (!isMuch || first === undefined) return undefined
  return second === undefined ? formatRepository(first.repository) : String(deleted)
}
