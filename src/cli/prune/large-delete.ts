import { formatRepository } from '../../oci/reference.ts'
import { countDeletes } from '../../plan/prune/count-deletes.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'

/** A delete of more images, or of more than half of a repository, is large. */
const manyImages = 50

/**
 * Returns the text that a person must type before a large delete: the name of the repository, or
 * the number of images if there are several repositories. Undefined if a yes is enough.
 */
export function textToConfirm({ repositories }: PrunePlan): string | undefined {
  const losing = repositories.filter(({ steps, count }) => steps.length > 0 && countDeletes(count) > 0)
  const deleted = losing.reduce((sum, { count }) => sum + countDeletes(count), 0)
  const isMuch = deleted > manyImages || losing.some(({ count }) => count.deleted * 2 > count.images)
  const [first, second] = losing
  if (!isMuch || first === undefined) return undefined
  return second === undefined ? formatRepository(first.repository) : String(deleted)
}
