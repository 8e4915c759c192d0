import type { DriftState } from '../../plan/sync/drift.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { formatCount } from '../text/format.ts'

/** The differences that a run without a change can have. */
const unchanged: readonly (readonly [DriftState, string])[] = [
  ['extra', 'extra'],
  ['kept', 'kept'],
  ['changed', 'changed by another client'],
]

/** `In sync: 120 tags in 30 repositories.`, with the number of the tags that are not. Pure. */
export function inSyncText({ drift }: Pick<SyncPlan, 'drift'>): string {
  const tags = drift.flatMap((one) => one.tags)
  const selected = drift.reduce((total, one) => total + one.selected, 0)
  const differing = tags.filter(({ source }) => source !== null).length
  const where = formatCount(drift.length, 'repository', 'repositories')
  const counts = unchanged.flatMap(([state, text]) => {
    const count = tags.filter((one) => one.state === state).length
    return count === 0 ? [] : [`${count} ${text}`]
  })
  const others = counts.length === 0 ? '' : ` Not changed: ${counts.join(', ')} (see --dry-run).`
  return `In sync: ${formatCount(selected - differing, 'tag')} in ${where}.${others}`
}
