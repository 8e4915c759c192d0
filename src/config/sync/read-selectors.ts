import type { TagSelector } from '../../selectors/tag-selector.ts'
import type { Path } from '../key-path.ts'
import { groupsOf, mistakesOfCounting } from '../retention/retention-counting.ts'
import { parseSelector } from '../retention/retention-selector.ts'
import { readVersions } from '../retention/retention-versions.ts'
import type { WrittenSyncRule, WrittenSyncSelector } from '../schema/schema-sync.ts'
import type { RuleContext } from './rule-context.ts'
import type { SyncSelector } from './sync-rule.ts'

/**
 * Parses `include`. As in a retention rule, a range has a pre-release only if it names one of the
 * same version. Entries with a mistake are undefined.
 */
export function readInclude(
  written: readonly WrittenSyncSelector[],
  path: Path,
  context: RuleContext,
): readonly (SyncSelector | undefined)[] {
  return written.map((entry, i) => readSelector(entry, [...path, i], context))
}

/** Parses `exclude`, which takes what `tags` takes; undefined if it has a mistake. */
export function readExclude(
  written: NonNullable<WrittenSyncRule['exclude']>,
  path: Path,
  { issues }: RuleContext,
): TagSelector | undefined {
  return parseSelector(written, 'copy', path, issues)
}

function readSelector(
  written: WrittenSyncSelector,
  path: Path,
  { issues }: RuleContext,
): SyncSelector | undefined {
  const { tags, semver, groupBy, newest } = written
  const selected = readSelected(written, path, issues)
  const isValid = selected !== undefined || (tags === undefined && semver === undefined)
  const counting = { groupBy, keepNewest: newest }
  const wrong = mistakesOfCounting(counting, isValid ? { tags: selected?.tags } : undefined, path, 'newest')
  issues.push(...wrong)
  if (selected === undefined) return undefined
  const groups = groupsOf(counting)
  return {
    ...selected,
    ...(groups !== undefined && { groupBy: groups }),
    ...(newest !== undefined && { newest }),
  }
}

function readSelected(
  { tags, semver }: WrittenSyncSelector,
  path: Path,
  issues: RuleContext['issues'],
): Pick<SyncSelector, 'tags' | 'variant' | 'newestVersions'> | undefined {
  if ((tags === undefined) === (semver === undefined)) {
    const isNeither = tags === undefined
    const message = `an entry needs one of \`tags\` and \`semver\`${isNeither ? '' : ', not both'}`
    issues.push({ path, at: 'value', message, ...(isNeither && { needs: true }) })
    return undefined
  }
  if (tags !== undefined) {
    const selector = parseSelector(tags, 'copy', [...path, 'tags'], issues)
    return selector === undefined ? undefined : { tags: selector }
  }
  if (semver === undefined) return undefined
  const versions = readVersions(semver, 'copy', [...path, 'semver'], issues)
  if (versions === undefined) return undefined
  const { newest: newestVersions, ...rest } = versions
  return { ...rest, ...(newestVersions !== undefined && { newestVersions }) }
}
