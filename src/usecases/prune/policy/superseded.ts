import type { Rule } from '../../../config/retention/policy.ts'
import type { SupersededDigest } from '../../../audit/moves/tag-moves.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Why } from '../../../plan/prune/prune-plan.ts'
import { formatSpan } from './age.ts'
import type { ConditionResult, RuleResult } from './explanation.ts'
import type { UseVerdict } from './rules/rule-options.ts'

/** The verdict of the rules on a superseded digest. */
export interface SupersededVerdict {
  readonly isDeleted: boolean
  readonly why: Why
  /** the tags that pointed to it before, the newest move first */
  readonly tags: readonly string[]
  /** when a tag was last on it: the newest move or promotion, in milliseconds since 1970 */
  readonly lastUse: number
  readonly results: readonly RuleResult[]
}

export interface SupersededOptions {
  readonly rules: readonly Rule[]
  /** each tag and digest that it pointed to before, with the newest move */
  readonly superseded: readonly SupersededDigest[]
  readonly select: (rule: Rule, tag: string) => boolean
  /** whether a digest exists and has no tag */
  readonly isUntagged: (digest: Digest) => boolean
  /** digests that are protected or in use: no rule deletes them, and they take no slot */
  readonly kept: { has(digest: Digest): boolean }
  /** when dray last put a tag on a digest, in milliseconds since 1970 */
  readonly promotedAt: (digest: Digest) => number | undefined
  /** milliseconds since 1970 */
  readonly now: number
  /** the verdict of `notPulledFor` on a digest */
  readonly judgeUse: (digest: Digest, notPulledFor: number) => UseVerdict
  /** by the name of a rule that dray cannot apply: the reason */
  readonly notApplied: ReadonlyMap<string, string>
}

/** A digest that a tag pointed to before, and the first rule that selects the tag. */
interface Selected extends SupersededDigest {
  readonly rule: Rule
}

/**
 * Applies the rules of the kind `superseded`. For each tag, the first rule that selects it decides,
 * and a digest is deleted only if all rules that select one of its tags agree. `keepNewest` counts
 * for each tag, newest move first. Age counts from the last move of any tag off the digest. Pure.
 */
export function judgeSuperseded(options: SupersededOptions): ReadonlyMap<Digest, SupersededVerdict> {
  const { superseded, isUntagged, kept } = options
  const rules = options.rules.filter(({ kind }) => kind === 'superseded')
  if (rules.length === 0) return new Map()
  const untagged = superseded.filter(({ digest }) => isUntagged(digest) && !kept.has(digest))
  const selected = untagged.flatMap((one): readonly Selected[] => {
    const rule = rules.find((candidate) => options.select(candidate, one.tag))
    return rule === undefined ? [] : [{ ...one, rule }]
  })
  const newestSince = findNewest(selected)
  const moves = Map.groupBy(untagged, ({ digest }) => digest)
  const verdicts = new Map<Digest, SupersededVerdict>()
  for (const [digest, ofDigest] of Map.groupBy(selected, (one) => one.digest)) {
    const byNewest = ofDigest.toSorted((a, b) => b.at - a.at || (a.tag < b.tag ? -1 : 1))
    const all = moves.get(digest) ?? []
    const lastUse = Math.max(...all.map(({ at }) => at), options.promotedAt(digest) ?? 0)
    const judged = byNewest.map((one) => judge(one, lastUse, newestSince.get(one.tag), options))
    const deciding = judged.find(({ verdict }) => verdict === 'keep') ?? judged[0]
    if (deciding === undefined) continue
    const isDeleted = deciding.verdict === 'delete'
    const { name, text } = deciding
    verdicts.set(digest, {
      isDeleted,
      why: { kind: isDeleted ? 'rule' : 'kept', by: name, text: `${name}: ${text}` },
      tags: byNewest.map(({ tag }) => tag),
      lastUse,
      results: judged,
    })
  }
  return verdicts
}

/** By tag: moves of this time or later are among the newest; none if all are. */
function findNewest(selected: readonly Selected[]): ReadonlyMap<string, number> {
  const since = new Map<string, number>()
  for (const [tag, moves] of Map.groupBy(selected, (one) => one.tag)) {
    const keep = moves[0]?.rule.keepNewest
    if (keep === undefined || moves.length <= keep) continue
    const times = moves.map(({ at }) => at).sort((a, b) => b - a)
    since.set(tag, times[keep - 1] ?? Infinity)
  }
  return since
}

function judge(
  { tag, rule, at, digest }: Selected,
  lastUse: number,
  newestSince: number | undefined,
  { rules, now, judgeUse, notApplied }: SupersededOptions,
): RuleResult {
  const conditions: ConditionResult[] = []
  // A rule about untagged manifests can select every superseded digest too.
  const deciding = rules
    .slice(0, rules.indexOf(rule))
    .find((earlier) => earlier.kind === 'untagged' && notApplied.has(earlier.name))
  const { name } = deciding ?? rule
  const obstacle = notApplied.get(name)
  if (obstacle !== undefined)
    return { name, verdict: 'keep', text: `dray cannot apply the rule: ${obstacle}`, conditions }
  if (rule.keepNewest !== undefined) {
    const keeps = newestSince === undefined || at >= newestSince
    const text = `${keeps ? '' : 'not '}among the newest ${rule.keepNewest} of ${tag}`
    conditions.push({ name: 'keepNewest', keeps, text })
  }
  if (rule.olderThan !== undefined) {
    const age = now - lastUse
    const keeps = age <= rule.olderThan
    const text = `last tagged ${formatSpan(age)} ago, ${keeps ? 'not older' : 'older'} than ${formatSpan(rule.olderThan)}`
    conditions.push({ name: 'olderThan', keeps, text })
  }
  if (rule.notPulledFor !== undefined) {
    const { isUnused, text } = judgeUse(digest, rule.notPulledFor)
    conditions.push({ name: 'notPulledFor', keeps: !isUnused, text })
  }
  const keeping = conditions.find(({ keeps }) => keeps)
  const reasons = (keeping === undefined ? conditions : [keeping]).map((condition) => condition.text)
  const text = [`${tag} pointed to it until ${formatSpan(now - at)} ago`, ...reasons].join(', ')
  return { name: rule.name, verdict: keeping === undefined ? 'delete' : 'keep', text, conditions }
}
