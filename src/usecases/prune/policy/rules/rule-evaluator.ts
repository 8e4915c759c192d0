import type { Rule, RuleOrder } from '../../../../config/retention/policy.ts'
import type { Digest } from '../../../../oci/digest.ts'
import type { Why } from '../../../../plan/prune/prune-plan.ts'
import { formatSpan } from '../age.ts'
import { judgeUse, type RuleOptions } from './rule-options.ts'
import type { ConditionResult, RuleResult } from '../explanation.ts'
import { NewestCount } from './newest-count.ts'
import { positionOf } from './order.ts'
import {
  describeSelector,
  matchVersionLike,
  selectTag,
  type TagMatch,
} from '../../../../selectors/select-tag.ts'
import { findGroup, formatGroup, type TagGroup } from '../../../../selectors/tag-group.ts'

/** The result of a rule for a tag that it selects. */
export interface DecidedResult {
  readonly result: RuleResult
  readonly isDeleted: boolean
  readonly why: Why
}

/** A tag that the rule selects. */
interface SelectedTag {
  readonly tag: string
  readonly digest: Digest
  readonly match: TagMatch
  /** the rule is by version, and the tag is version-like: the rule keeps it */
  readonly isVersionLike: boolean
}

type KeptKind = Extract<Why['kind'], 'kept' | 'undated' | 'unparsable' | 'versionLike' | 'notApplied'>

/** A condition, and how it keeps a tag. */
type Condition = ConditionResult & { readonly kind: KeptKind }

/** Applies one rule to the tags that no earlier rule selects. */
export class RuleEvaluator {
  readonly rule: Rule
  readonly #options: RuleOptions
  readonly #candidates: ReadonlyMap<string, SelectedTag>
  /** by group */
  readonly #counts: ReadonlyMap<string, NewestCount>

  /** @param open the tags that no earlier rule selects */
  constructor(rule: Rule, open: ReadonlyMap<string, Digest>, options: RuleOptions) {
    this.rule = rule
    this.#options = options
    this.#candidates = selectCandidates(rule, open, options)
    this.#counts = rule.keepNewest === undefined ? new Map() : this.#countNewest(rule.keepNewest)
  }

  /** The tags that the rule selects and therefore decides about. */
  get selected(): readonly string[] {
    return [...this.#candidates.keys()]
  }

  selects(tag: string): boolean {
    return this.#candidates.has(tag)
  }

  /** Why the rule does not select a tag. */
  get unselected(): RuleResult {
    const { name, tags, kind } = this.rule
    const selector = describeSelector(tags)
    const text =
      kind === 'broken' ? `it selects ${selector} on broken indexes` : `${selector} does not select it`
    return { name, verdict: 'notSelected', text, conditions: [] }
  }

  /** @param tag one that the rule selects */
  decide(tag: string): DecidedResult {
    const candidate = this.#candidates.get(tag)
    if (candidate === undefined) throw new TypeError(`the rule ${this.rule.name} does not select ${tag}`)
    const obstacle = this.#options.notApplied?.get(this.rule.name)
    if (obstacle !== undefined) return this.#kept('notApplied', `dray cannot apply the rule: ${obstacle}`, [])
    if (candidate.isVersionLike) {
      const { scheme } = this.#options.reading
      const text = `version-like tag, which the scheme ${scheme} does not read`
      return this.#kept('versionLike', text, [{ name: 'version', keeps: true, text }])
    }
    const found = this.#groupOf(candidate)
    if ('missing' in found) {
      const text = `it has no ${found.missing}`
      return this.#kept('unparsable', text, [{ name: 'groupBy', keeps: true, text }])
    }
    return this.#byConditions(candidate, found.group)
  }

  /** As `decide`, with its group and its place in the order. */
  explain(tag: string): RuleResult {
    const { result } = this.decide(tag)
    const candidate = this.#candidates.get(tag)
    const found = candidate === undefined || candidate.isVersionLike ? undefined : this.#groupOf(candidate)
    if (candidate === undefined || found === undefined || 'missing' in found) return result
    const { groupBy, orderBy } = this.rule
    const position = this.#counts.get(formatGroup(found.group))?.placeOf(candidate.digest)
    return {
      ...result,
      ...(groupBy !== undefined && { group: found.group }),
      ...(position !== undefined && { position: { by: describeOrder(orderBy), ...position } }),
    }
  }

  #byConditions(candidate: SelectedTag, group: TagGroup): DecidedResult {
    const { name, tags, reason } = this.rule
    const newest = this.#keepNewest(candidate, group)
    const isUndated = newest?.name === 'time'
    const conditions = [
      newest,
      isUndated ? undefined : this.#olderThan(candidate),
      this.#notPulledFor(candidate),
    ].filter((one) => one !== undefined)
    const results = conditions.map(({ name: condition, keeps, text }) => ({ name: condition, keeps, text }))
    // A use that keeps the image makes its time irrelevant.
    const keepers = conditions.filter(({ keeps }) => keeps)
    const keeping = keepers.find(({ kind }) => kind !== 'undated') ?? keepers[0]
    if (keeping !== undefined) return this.#kept(keeping.kind, keeping.text, results)
    const text =
      results.length === 0
        ? `${describeSelector(tags)} selects it`
        : results.map((condition) => condition.text).join(', ')
    return {
      result: { name, verdict: 'delete', text, conditions: results },
      isDeleted: true,
      why: { kind: 'rule', by: name, text: reason ?? `${name}: ${text}` },
    }
  }

  #keepNewest(candidate: SelectedTag, group: TagGroup): Condition | undefined {
    const { keepNewest, orderBy } = this.rule
    if (keepNewest === undefined) return undefined
    const count = this.#counts.get(formatGroup(group))
    const position = this.#positionOf(candidate)
    const isByTime = orderBy.by === 'time'
    const keepsAll = count === undefined || count.keepsAll
    if (position.by === 'none' && !(isByTime && keepsAll)) {
      const { text } = position
      return isByTime
        ? { name: 'time', keeps: true, text, kind: 'undated' }
        : { name: 'orderBy', keeps: true, text, kind: 'unparsable' }
    }
    const keeps = keepsAll || position.by === 'none' || count.keeps(candidate.digest, position)
    const which = isByTime ? `newest ${keepNewest}` : `highest ${keepNewest} by ${describeOrder(orderBy)}`
    const of = formatGroup(group)
    const text = `${keeps ? '' : 'not '}among the ${which}${of === '' ? '' : ` of ${of}`}`
    return { name: 'keepNewest', keeps, text, kind: 'kept' }
  }

  #olderThan({ digest }: SelectedTag): Condition | undefined {
    const { olderThan, kind } = this.rule
    const { now, times, broken } = this.#options
    if (olderThan === undefined) return undefined
    const limit = formatSpan(olderThan)
    const index = kind === 'broken' ? broken?.get(digest) : undefined
    const time = index === undefined ? times.of(digest) : { kind: 'dated' as const, at: index.since }
    if (time.kind === 'undated')
      return { name: 'time', keeps: true, text: `unknown time: ${time.text}`, kind: 'undated' }
    const age = now - time.at
    const keeps = age <= olderThan
    const is = index === undefined ? `${formatSpan(age)} old` : `${index.text} for ${formatSpan(age)}`
    const text = `${is}, ${keeps ? 'not ' : ''}${index === undefined ? 'older' : 'longer'} than ${limit}`
    return { name: 'olderThan', keeps, text, kind: 'kept' }
  }

  #notPulledFor({ digest }: SelectedTag): Condition | undefined {
    const { notPulledFor } = this.rule
    if (notPulledFor === undefined) return undefined
    const { isUnused, text } = judgeUse(this.#options, digest, notPulledFor)
    return { name: 'notPulledFor', keeps: !isUnused, text, kind: 'kept' }
  }

  #kept(kind: KeptKind, text: string, conditions: readonly ConditionResult[]): DecidedResult {
    const { name } = this.rule
    return {
      result: { name, verdict: 'keep', text, conditions },
      isDeleted: false,
      why: { kind, by: name, text: `${name}: ${text}` },
    }
  }

  #groupOf({ tag, match }: SelectedTag): ReturnType<typeof findGroup> {
    return findGroup(this.rule, tag, match, this.#options.reading)
  }

  #positionOf({ tag, digest, match }: SelectedTag): ReturnType<typeof positionOf> {
    const { times, reading } = this.#options
    return positionOf(this.rule.orderBy, { ...match, tag, time: () => times.of(digest), reading })
  }

  #countNewest(keep: number): ReadonlyMap<string, NewestCount> {
    const counts = new Map<string, NewestCount>()
    for (const candidate of this.#candidates.values()) {
      const found = candidate.isVersionLike ? undefined : this.#groupOf(candidate)
      if (found === undefined || 'missing' in found || this.#options.kept.has(candidate.digest)) continue
      const key = formatGroup(found.group)
      const count = counts.get(key) ?? new NewestCount(keep)
      const position = this.#positionOf(candidate)
      count.add(candidate.digest, position.by === 'none' ? undefined : position)
      counts.set(key, count)
    }
    return counts
  }
}

function selectCandidates(
  rule: Rule,
  open: ReadonlyMap<string, Digest>,
  { reading, broken }: RuleOptions,
): ReadonlyMap<string, SelectedTag> {
  const candidates = new Map<string, SelectedTag>()
  for (const [tag, digest] of open) {
    if (rule.kind === 'broken' && broken?.has(digest) !== true) continue
    const versionLike = matchVersionLike(rule, tag, reading)
    const match = versionLike ?? selectTag(rule.tags, tag, reading)
    if (match !== undefined)
      candidates.set(tag, { tag, digest, match, isVersionLike: versionLike !== undefined })
  }
  return candidates
}

/** `time`, `version`, `name`, `number n`. */
function describeOrder(order: RuleOrder): string {
  return order.by === 'number' ? `number ${order.group}` : order.by
}
