import { variantGlobProblem } from '../check/check-tags.ts'
import type { Path } from '../key-path.ts'
import type { WrittenVersions } from '../schema/schema-selectors.ts'
import type { Issue } from '../shape.ts'
import type { TagProtection } from './policy.ts'
import { parseVersions, type SelectorUse } from './retention-selector.ts'

/**
 * Reads the key `semver` of a protection or of a sync rule; undefined if its range or a variant has
 * a mistake. Every mistake is added to `issues`.
 */
export function readVersions(
  { range, variant, newestPer, count }: WrittenVersions,
  use: SelectorUse,
  path: Path,
  issues: Issue[],
): Pick<TagProtection, 'tags' | 'variant' | 'newest'> | undefined {
  const tags = parseVersions(range, use, [...path, 'range'], issues)
  for (const [key, value, other] of [
    ['newestPer', newestPer, count],
    ['count', count, newestPer],
  ] as const) {
    if (value === undefined || other !== undefined) continue
    const missing = key === 'count' ? 'newestPer' : 'count'
    const message = `\`${key}\` needs \`${missing}\``
    issues.push({ path: [...path, key], at: 'key', message, needs: true })
  }
  const variants = typeof variant === 'string' ? [variant] : variant
  const wrong = (variants ?? []).flatMap((glob, i): Issue[] => {
    const message = variantGlobProblem(glob, [])
    const at = [...path, 'variant', ...(typeof variant === 'string' ? [] : [i])]
    return message === undefined ? [] : [{ path: at, at: 'value', message }]
  })
  issues.push(...wrong)
  if (tags === undefined || wrong.length > 0) return undefined
  const isWhole = newestPer !== undefined && count !== undefined
  return {
    tags,
    ...(variants !== undefined && { variant: variants }),
    ...(isWhole && { newest: { per: newestPer, count } }),
  }
}
