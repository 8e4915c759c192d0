import type { Rule, RuleKind } from '../../../config/retention/policy.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Why } from '../../../plan/prune/prune-plan.ts'
import type { RuleResult } from './explanation.ts'
import type { RuleOptions } from './rules/rule-options.ts'
import { RuleEvaluator } from './rules/rule-evaluator.ts'
import type { ImageTime } from './times.ts'

/** The verdict of the first rule that selects a tag. */
export interface RuleVerdict {
  readonly isDeleted: boolean
  /** why the rule deletes or keeps it, or that no rule selects it */
  readonly why: Why
}

/** Whether the time of an image can decide about a tag that the rule selects. */
export function needsTime({ kind, keepNewest, orderBy, olderThan }: Rule): boolean {
  if (kind !== 'tags' && kind !== 'broken') return false
  return (keepNewest !== undefined && orderBy.by === 'time') || (olderThan !== undefined && kind === 'tags')
}

/** The names of the rules with a condition that needs the time of an image. */
export function namesOfTimedRules({ rules }: { readonly rules: readonly Rule[] }): ReadonlySet<string> {
  return new Set(rules.filter(needsTime).map(({ name }) => name))
}

/**
 * Applies the rules to each tag: the first rule that selects a tag decides about it, and later
 * rules do not see the tag. Pure.
 */
export function applyRules(
  tags: ReadonlyMap<string, Digest>,
  options: RuleOptions,
): ReadonlyMap<string, RuleVerdict> {
  const verdicts = new Map<string, RuleVerdict>([...tags.keys()].map((tag) => [tag, unmatched]))
  for (const evaluator of evaluateInOrder(tags, options)) {
    for (const tag of evaluator.selected) verdicts.set(tag, evaluator.decide(tag))
  }
  return verdicts
}

const unmatched: RuleVerdict = {
  isDeleted: false,
  why: { kind: 'unmatched', text: 'no rule selects it' },
}

/**
 * Returns the digests of the tags about which a rule cannot decide without the time of the image.
 * Pure.
 */
export function findUndecided(
  tags: ReadonlyMap<string, Digest>,
  options: Omit<RuleOptions, 'times'>,
): ReadonlySet<Digest> {
  const times = { of: (): ImageTime => ({ kind: 'undated', text: '' }) }
  const verdicts = applyRules(tags, { ...options, times })
  return new Set(
    [...tags].flatMap(([tag, digest]) =>
      verdicts.get(tag)?.why.kind === 'undated' && !options.kept.has(digest) ? [digest] : [],
    ),
  )
}

/** Returns the result of every rule for one tag, in the order of the policy. Pure. */
export function explainRules(
  tag: string,
  tags: ReadonlyMap<string, Digest>,
  options: RuleOptions,
): readonly RuleResult[] {
  const evaluators = new Map(evaluateInOrder(tags, options).map((one) => [one.rule, one]))
  const deciding = [...evaluators.values()].find((one) => one.selects(tag))
  let isDecided = false
  return options.rules.map((rule): RuleResult => {
    const { name, kind } = rule
    const evaluator = evaluators.get(rule)
    if (evaluator === undefined) return { name, verdict: 'notSelected', text: others[kind], conditions: [] }
    if (evaluator === deciding) {
      isDecided = true
      return evaluator.explain(tag)
    }
    if (!isDecided || deciding === undefined) return evaluator.unselected
    const text = `the earlier rule ${deciding.rule.name} decides about this tag`
    return { name, verdict: 'skipped', text, conditions: [] }
  })
}

const others: Readonly<Record<RuleKind, string>> = {
  tags: '',
  broken: '',
  superseded: 'it selects superseded digests',
  orphaned: 'it selects orphaned attached artifacts',
  untagged: 'it selects manifests without a tag',
}

/** Evaluates the rules that select tags. Each sees the tags that no earlier one selects. */
function evaluateInOrder(tags: ReadonlyMap<string, Digest>, options: RuleOptions): readonly RuleEvaluator[] {
  const open = new Map(tags)
  return options.rules
    .filter(({ kind }) => kind === 'tags' || kind === 'broken')
    .map((rule) => {
      const evaluator = new RuleEvaluator(rule, open, options)
      for (const tag of evaluator.selected) open.delete(tag)
      return evaluator
    })
}
