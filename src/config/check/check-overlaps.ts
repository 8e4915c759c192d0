import { includesRepositories } from '../../selectors/repository-pattern.ts'
import { includesSelector, type TagSelector } from '../../selectors/tag-selector.ts'
import type { Protection, Rule, TagProtection } from '../retention/policy.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'

/**
 * Finds rules that can delete nothing and protections that add nothing, because other protections
 * cover them. Reports only what the texts alone prove.
 * @param protect as written; undefined for an invalid one
 */
export function checkOverlaps(
  protect: readonly (Protection | undefined)[],
  rules: readonly (Rule | undefined)[],
  path: Path,
): readonly Issue[] {
  const ofProtections = protect.flatMap((one, i): Issue[] => {
    const earlier = one === undefined ? undefined : shadowOf(one, protect.slice(0, i))
    if (one === undefined || earlier === undefined) return []
    const message = `it adds nothing: the earlier protection ${JSON.stringify(earlier)} includes all of it`
    return [{ path: [...path, 'protect', i], at: 'value', message }]
  })
  const ofRules = rules.flatMap((rule, i): Issue[] => {
    // Protections by tags keep no image without a tag.
    const isByTags = rule?.kind === 'tags' || rule?.kind === 'broken'
    const protector = isByTags
      ? protectorOf(protect.filter(isWhole), rule.tags, rule.repositories)
      : undefined
    if (protector === undefined) return []
    const message = `it can delete nothing: everything that it selects is protected by ${protector}`
    return [{ path: [...path, 'rules', i], at: 'value', message }]
  })
  return [...ofProtections, ...ofRules]
}

/**
 * Finds rules that never decide, because earlier rules select every tag that they select. Reports
 * only what the texts alone prove.
 * @param rules as written; undefined for an invalid one
 */
export function findHiddenRules(rules: readonly (Rule | undefined)[], path: Path): readonly Issue[] {
  return rules.flatMap((rule, i): Issue[] => {
    const hiding = rule === undefined ? [] : rulesHiding(rule, rules.slice(0, i))
    if (hiding.length === 0) return []
    const names = hiding.map(({ name }) => JSON.stringify(name)).join(' and ')
    const [isOne, select] = hiding.length === 1 ? ['rule', 'selects'] : ['rules', 'select']
    const message = `it never decides, because the earlier ${isOne} ${names} ${select} everything that it selects: move it up, or exclude its tags there`
    return [{ path: [...path, 'rules', i], at: 'value', message }]
  })
}

/** The earlier rules that together select everything that a rule selects. */
function rulesHiding(rule: Rule, earlier: readonly (Rule | undefined)[]): readonly Rule[] {
  const candidates = earlier
    .filter((one) => one !== undefined)
    .filter((one) => one.kind === rule.kind || (rule.kind === 'broken' && one.kind === 'tags'))
    .filter((one) => includesRepositories(one.repositories, rule.repositories))
  const alone = candidates.find((one) => includesSelector([one.tags], rule.tags))
  if (alone !== undefined) return [alone]
  const isHidden = includesSelector(
    candidates.map((one) => one.tags),
    rule.tags,
  )
  return isHidden ? candidates : []
}

/** The name of an earlier protection that makes this one redundant. */
function shadowOf(one: Protection, earlier: readonly (Protection | undefined)[]): string | undefined {
  return earlier.find((other) => {
    if (other === undefined || !includesRepositories(other.repositories, one.repositories)) return false
    if (one.kind === 'inUse' || other.kind === 'inUse')
      return one.kind === 'inUse' && other.kind === 'inUse' && isSame(one.inUse, other.inUse)
    if (!includesSelector([other.tags], one.tags)) return false
    const hasSameVariants = isSame(other.variant, one.variant)
    // Without the variant, its versions are pre-releases, which can be below the range.
    if (!hasSameVariants && (other.variant !== undefined || other.tags.kind === 'semver')) return false
    // `newest` counts each variant separately.
    return other.newest === undefined || (hasSameVariants && isSame(other.newest, one.newest))
  })?.name
}

/** Names the protections that cover every tag that is selected in these repositories. */
function protectorOf(
  protect: readonly TagProtection[],
  tags: TagSelector | undefined,
  repositories: Rule['repositories'],
): string | undefined {
  const overlapping = protect.filter((one) => includesRepositories(one.repositories, repositories))
  const covering = overlapping.find((one) => includesSelector([one.tags], tags))
  if (covering !== undefined) return `the protection ${JSON.stringify(covering.name)}`
  const together = includesSelector(
    overlapping.map((one) => one.tags),
    tags,
  )
  return together
    ? `the protections ${overlapping.map(({ name }) => JSON.stringify(name)).join(' and ')}`
    : undefined
}

function isWhole(one: Protection | undefined): one is TagProtection {
  return one?.kind === 'tags' && one.newest === undefined && one.variant === undefined
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
