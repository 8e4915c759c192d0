import { milliseconds, type RuleData, type SelectorData, type TagsData } from '../policy-data.ts'
import type { ManifestSummary } from '../snapshot.ts'
import { compareNaturally } from './natural-order.ts'
import { isGlobs, matchRegex, selects } from './selectors.ts'
import {
  comparePrecedence,
  isVersionLike,
  lineOf,
  type OracleVersion,
  type ReadingData,
  textOrderOf,
  versionOf,
} from './versions.ts'

export interface TagRuleFacts {
  readonly reading: ReadingData
  readonly now: number
  readonly manifests: ReadonlyMap<string, ManifestSummary>
  readonly protectedDigests: ReadonlySet<string>
  readonly firstSeen: ReadonlyMap<string, number>
  readonly timeOf: (digest: string) => number | undefined
}

/** An image tag, and its digest. */
export type TaggedImage = readonly [tag: string, digest: string]

/** Tags of one group of one rule that are counted and kept together. */
export interface CountedGroup {
  readonly rule: RuleData
  /** protected ones, and those without an order, are not in it */
  readonly digests: ReadonlySet<string>
}

/**
 * The tags that rules delete and no protection keeps. The first rule that selects a tag decides
 * about it (retention.md, Rules 1).
 * @param rules those that apply to the repository
 * @param onGroup called with each group that `keepNewest` counts
 */
export function tagsToDelete(
  tags: readonly TaggedImage[],
  rules: readonly RuleData[],
  facts: TagRuleFacts,
  onGroup: (group: CountedGroup) => void = () => undefined,
): Set<string> {
  const deleted = new Set<string>()
  let remaining = tags
  for (const rule of rules) {
    const selected = remaining.filter((one) => isSelected(rule, one, facts))
    remaining = remaining.filter((one) => !selected.includes(one))
    const read = selected.filter(([tag]) => !(isByVersion(rule) && isVersionLike(tag, facts.reading)))
    const groups = Map.groupBy(read, ([tag]) => groupOf(rule, tag, facts.reading))
    for (const [group, members] of groups) {
      if (group === undefined) continue
      for (const tag of deletedOfGroup(rule, members, facts, onGroup)) deleted.add(tag)
    }
  }
  return deleted
}

function isSelected(
  rule: RuleData,
  [tag, digest]: TaggedImage,
  { reading, manifests }: TagRuleFacts,
): boolean {
  const { kind = 'tags', tags } = rule
  const isUnread = isByVersion(rule) && isVersionLike(tag, reading)
  const selector = isUnread ? withoutVersions(tags) : tags
  if (!selects(selector, tag, { reading, isKept: false })) return false
  if (kind === 'broken') return isBroken(digest, manifests)
  return kind === 'tags'
}

/** Whether a rule reads versions. It keeps version-like tags, because it cannot read them. */
function isByVersion({ tags, groupBy = [], orderBy }: RuleData): boolean {
  const isMap = tags !== undefined && !isGlobs(tags)
  const isInRange = isMap && (tags.semver !== undefined || isByRange(tags.exclude))
  const parts = new Set(['major', 'minor', 'patch', 'variant'])
  const isGrouped = [groupBy].flat().some((name) => parts.has(name) && !hasGroup(tags, name))
  return isInRange || orderBy === 'version' || isGrouped
}

function isByRange(exclude: readonly string[] | SelectorData | undefined): boolean {
  return exclude !== undefined && !isGlobs(exclude) && exclude.semver !== undefined
}

function hasGroup(tags: TagsData | undefined, name: string): boolean {
  return tags !== undefined && !isGlobs(tags) && tags.regex?.includes(`(?<${name}>`) === true
}

/** The selector without its ranges. */
function withoutVersions(tags: TagsData | undefined): TagsData | undefined {
  if (tags === undefined || isGlobs(tags)) return tags
  const { semver: _, exclude, ...rest } = tags
  return exclude === undefined || isByRange(exclude) ? rest : { ...rest, exclude }
}

/** Whether an index, or an index in it, lists a manifest that does not exist. */
function isBroken(digest: string, manifests: ReadonlyMap<string, ManifestSummary>): boolean {
  return (
    manifests
      .get(digest)
      ?.children.some((child) => !manifests.has(child.digest) || isBroken(child.digest, manifests)) === true
  )
}

function deletedOfGroup(
  rule: RuleData,
  members: readonly TaggedImage[],
  facts: TagRuleFacts,
  onGroup: (group: CountedGroup) => void,
): readonly string[] {
  const { keepNewest, olderThan, kind } = rule
  const candidates = members.filter(([, digest]) => !facts.protectedDigests.has(digest))
  const kept = keepNewest === undefined ? [] : newest(rule, keepNewest, candidates, facts, onGroup)
  return candidates.flatMap(([tag, digest]) => {
    if (kept.includes(digest)) return []
    if (keepNewest !== undefined && orderOf(rule, [tag, digest], facts) === undefined) return []
    if (olderThan !== undefined) {
      const time = kind === 'broken' ? (facts.firstSeen.get(digest) ?? facts.now) : facts.timeOf(digest)
      if (time === undefined || facts.now - time <= milliseconds(olderThan)) return []
    }
    return [tag]
  })
}

/** The digests that `keepNewest` keeps (retention.md, Rules 4). */
function newest(
  rule: RuleData,
  count: number,
  members: readonly TaggedImage[],
  facts: TagRuleFacts,
  onGroup: (group: CountedGroup) => void,
): readonly string[] {
  const highest = new Map<string, OrderValue>()
  for (const [tag, digest] of members) {
    const order = orderOf(rule, [tag, digest], facts)
    const known = highest.get(digest)
    if (order !== undefined && (known === undefined || compareOrders(order, known) > 0))
      highest.set(digest, order)
  }
  onGroup({ rule, digests: new Set(highest.keys()) })
  return [...highest].flatMap(([digest, order]) => {
    const higher = [...highest.values()].filter((other) => compareOrders(other, order) > 0)
    return higher.length < count ? [digest] : []
  })
}

type OrderValue = number | bigint | string | OrderedVersion
interface OrderedVersion {
  readonly version: OracleVersion
  readonly reading: ReadingData
}

/** Undefined if the tag has no value in the order of the rule. */
function orderOf(
  { orderBy = 'time', tags }: RuleData,
  [tag, digest]: TaggedImage,
  { reading, timeOf }: TagRuleFacts,
): OrderValue | undefined {
  if (orderBy === 'time') return timeOf(digest)
  if (orderBy === 'name') return tag
  if (orderBy === 'version') {
    const version = versionOf(tag, reading)
    return version === undefined ? undefined : { version, reading }
  }
  const text = namedGroups(tags, tag)[orderBy.number]
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined
}

function compareOrders(a: OrderValue, b: OrderValue): number {
  if (typeof a === 'object' && typeof b === 'object')
    return comparePrecedence(a.version, b.version, textOrderOf(a.reading))
  if (typeof a === 'string' && typeof b === 'string') return compareNaturally(a, b)
  return a === b ? 0 : a < b ? -1 : 1
}

/** Undefined if the tag lacks a value of `groupBy`. */
function groupOf({ groupBy = [], tags }: RuleData, tag: string, reading: ReadingData): string | undefined {
  const values = [groupBy].flat().map((name) => namedGroups(tags, tag)[name] ?? partOf(name, tag, reading))
  return values.includes(undefined) ? undefined : JSON.stringify(values)
}

function partOf(name: string, tag: string, reading: ReadingData): string | undefined {
  const version = versionOf(tag, reading)
  if (version === undefined) return undefined
  if (name === 'variant') return version.variant
  return name === 'major' || name === 'minor' || name === 'patch' ? lineOf(version, name) : undefined
}

function namedGroups(tags: RuleData['tags'], tag: string): Readonly<Record<string, string | undefined>> {
  if (tags === undefined || isGlobs(tags) || tags.regex === undefined) return {}
  return matchRegex(tags.regex, tag) ?? {}
}
