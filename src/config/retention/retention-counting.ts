import { nearest } from '../../lib/nearest.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import { versionGroups } from '../../semver/line.ts'
import type { WrittenRule } from '../schema/schema-retention.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'
import type { RuleOrder } from './policy.ts'

type Counting = Pick<WrittenRule, 'groupBy' | 'orderBy' | 'keepNewest'>

/** The groups of a rule as a list; undefined if it has none. */
export function groupsOf({ groupBy }: Counting): readonly string[] | undefined {
  return typeof groupBy === 'string' ? [groupBy] : groupBy
}

/** The order of a rule, by default that of time. */
export function orderOf({ orderBy = 'time' }: Counting): RuleOrder {
  return typeof orderBy === 'object' ? { by: 'number', group: orderBy.number } : { by: orderBy }
}

/**
 * The mistakes of `groupBy` and `orderBy`.
 * @param selected the tags of the rule; undefined if they have a mistake, so that their groups are
 * unknown
 * @param counter the key that counts
 */
export function mistakesOfCounting(
  written: Counting,
  selected: { readonly tags: TagSelector | undefined } | undefined,
  path: Path,
  counter: 'keepNewest' | 'newest' = 'keepNewest',
): readonly Issue[] {
  const { groupBy, orderBy, keepNewest } = written
  const useless = (['groupBy', 'orderBy'] as const)
    .filter((key) => keepNewest === undefined && written[key] !== undefined)
    .map((key): Issue => {
      return { path: [...path, key], at: 'key', message: `\`${key}\` needs \`${counter}\``, needs: true }
    })
  if (selected === undefined) return useless
  const { tags } = selected
  const named = tags?.kind === 'regex' ? tags.regex.groups : []
  const groups = groupsOf(written) ?? []
  const ofGroups = groups.flatMap((group, i): readonly Issue[] => {
    const at = [...path, 'groupBy', ...(typeof groupBy === 'string' ? [] : [i])]
    const isNew = groups.indexOf(group) === i
    const message = isNew
      ? noGroup(group, [...named, ...versionGroups])
      : `${JSON.stringify(group)} is listed twice`
    return message === undefined ? [] : [{ path: at, at: 'value', message, needs: tags === undefined }]
  })
  const ofOrder = typeof orderBy === 'object' ? noGroup(orderBy.number, named) : undefined
  if (ofOrder === undefined) return [...useless, ...ofGroups]
  const at = [...path, 'orderBy', 'number']
  return [...useless, ...ofGroups, { path: at, at: 'value', message: ofOrder, needs: tags === undefined }]
}

function noGroup(group: string, known: readonly string[]): string | undefined {
  if (known.includes(group)) return undefined
  const near = nearest(group, known)
  const message = `there is no group ${JSON.stringify(group)}`
  if (near !== undefined) return `${message}; did you mean ${JSON.stringify(near)}?`
  if (known.length > 0) return `${message}; known: ${known.join(', ')}`
  return `${message}; \`tags\` needs a regular expression with it`
}
