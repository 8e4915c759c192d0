import type { Rule } from '../../../config/retention/policy.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Why } from '../../../plan/prune/prune-plan.ts'
import { formatSpan } from './age.ts'
import type { ConditionResult, RuleResult } from './explanation.ts'
import { describeSelector, findGroup, selectTag } from './select.ts'
import type { ImageTime, ImageTimes } from './times.ts'

/**
 * The verdict of all rules on a tag: deleted if one rule selects it and no condition of that rule
 * keeps it.
 */
export interface RuleVerdict {
  readonly isDeleted: boolean
  /** why it is deleted, or why the first rule that selects it keeps it, or that none selects it */
  readonly why: Why
  /** in the order of the rules */
  readonly results: readonly RuleResult[]
}

export interface RuleOptions {
  readonly rules: readonly Rule[]
  readonly times: ImageTimes
  /** milliseconds since 1970 */
  readonly now: number
  /** digests that are protected or in use: they take no slot of `keepNewest` */
  readonly kept: { has(digest: Digest): boolean }
}

/** Whether a rule has a condition that needs the time of an image. */
export function needsTime({ keepNewest, olderThan }: Rule): boolean {
  return keepNewest !== undefined || olderThan !== undefined
}

/** Applies the rules to each tag. Pure. */
export function applyRules(
  tags: ReadonlyMap<string, Digest>,
  options: RuleOptions,
): ReadonlyMap<string, RuleVerdict> {
  const rules = options.rules.filter(({ kind }) => kind === 'tags')
  const verdicts = rules.map((rule) => new RuleEvaluator(rule, tags, options))
  return new Map([...tags].map(([tag, digest]) => [tag, combine(verdicts.map((one) => one.of(tag, digest)))]))
}

function combine(results: readonly ReasonedResult[]): RuleVerdict {
  const deleting = results.find(({ verdict }) => verdict === 'delete')
  const first = deleting ?? results.find(({ verdict }) => verdict === 'keep')
  return {
    isDeleted: deleting !== undefined,
    why: first?.why ?? { kind: 'unmatched', text: 'no rule selects it' },
    results: results.map(({ name, verdict, text, conditions }) => ({ name, verdict, text, conditions })),
  }
}

type ReasonedResult = RuleResult & { readonly why?: Why }

/** Applies one rule to the tags of a repository. */
class RuleEvaluator {
  readonly #rule: Rule
  readonly #options: RuleOptions
  /** by group: images of this time or later are among the newest */
  readonly #newestSince: ReadonlyMap<string, number>

  constructor(rule: Rule, tags: ReadonlyMap<string, Digest>, options: RuleOptions) {
    this.#rule = rule
    this.#options = options
    this.#newestSince = rule.keepNewest === undefined ? new Map() : this.#count(tags, rule.keepNewest)
  }

  of(tag: string, digest: Digest): ReasonedResult {
    const rule = this.#rule
    const { name } = rule
    const selected = selectTag(rule.tags, tag)
    if (selected === undefined) {
      const text = `${describeSelector(rule.tags)} does not select it`
      return { name, verdict: 'notSelected', text, conditions: [] }
    }
    const group = findGroup(rule, tag, selected)
    if (group === undefined) {
      const text = `it has no ${rule.groupBy?.join(' or ') ?? 'group'}`
      return this.#keep('unparsable', text, [{ name: 'groupBy', keeps: true, text }])
    }
    if (!needsTime(rule)) {
      const text = `${describeSelector(rule.tags)} selects it`
      return {
        name,
        verdict: 'delete',
        text,
        conditions: [],
        why: { kind: 'rule', by: name, text: `${name}: ${text}` },
      }
    }
    const time = this.#options.times.of(digest)
    if (time.kind === 'undated') {
      return this.#keep('undated', `unknown time: ${time.text}`, [
        { name: 'time', keeps: true, text: time.text },
      ])
    }
    return this.#byTime(time, group)
  }

  #byTime(time: Extract<ImageTime, { kind: 'dated' }>, group: string): ReasonedResult {
    const { name } = this.#rule
    const conditions = [...this.#keepNewest(time.at, group), ...this.#olderThan(time.at)]
    const keeping = conditions.find(({ keeps }) => keeps)
    if (keeping !== undefined) return this.#keep('kept', keeping.text, conditions)
    const text = conditions.map((condition) => condition.text).join(', ')
    return {
      name,
      verdict: 'delete',
      text,
      conditions,
      why: { kind: 'rule', by: name, text: `${name}: ${text}` },
    }
  }

  #keepNewest(at: number, group: string): readonly ConditionResult[] {
    const { keepNewest, groupBy } = this.#rule
    if (keepNewest === undefined) return []
    const since = this.#newestSince.get(group)
    const keeps = since === undefined || at >= since
    const of = groupBy === undefined ? '' : ` of ${groupBy.join(', ')} ${group}`
    const text = `${keeps ? '' : 'not '}among the newest ${keepNewest}${of}`
    return [{ name: 'keepNewest', keeps, text }]
  }

  #olderThan(at: number): readonly ConditionResult[] {
    const { olderThan } = this.#rule
    if (olderThan === undefined) return []
    const age = this.#options.now - at
    const keeps = age <= olderThan
    const text = `${formatSpan(age)} old, ${keeps ? 'not older' : 'older'} than ${formatSpan(olderThan)}`
    return [{ name: 'olderThan', keeps, text }]
  }

  #keep(
    kind: 'kept' | 'undated' | 'unparsable',
    text: string,
    conditions: readonly ConditionResult[],
  ): ReasonedResult {
    const { name } = this.#rule
    return { name, verdict: 'keep', text, conditions, why: { kind, by: name, text: `${name}: ${text}` } }
  }

  /**
   * Returns for each group the time of the last image that is kept; groups that are kept as a whole
   * have none.
   */
  #count(tags: ReadonlyMap<string, Digest>, keep: number): ReadonlyMap<string, number> {
    const { times, kept } = this.#options
    const groups = new Map<string, Map<Digest, number>>()
    for (const [tag, digest] of tags) {
      const selected = selectTag(this.#rule.tags, tag)
      const group = selected === undefined ? undefined : findGroup(this.#rule, tag, selected)
      if (group === undefined || kept.has(digest)) continue
      const time = times.of(digest)
      if (time.kind === 'undated') continue
      const members = groups.get(group) ?? new Map<Digest, number>()
      groups.set(group, members.set(digest, time.at))
    }
    const since = new Map<string, number>()
    for (const [group, members] of groups) {
      if (members.size <= keep) continue
      const newestFirst = [...members.values()].sort((a, b) => b - a)
      // If none is kept, no image is new enough.
      since.set(group, keep === 0 ? Infinity : (newestFirst[keep - 1] ?? Infinity))
    }
    return since
  }
}
