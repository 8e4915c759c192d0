import type { Rule } from '../../../config/retention/policy.ts'
import type { Reach } from '../../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import { lastPushOf } from '../../../images/inventory/last-pulls.ts'
import { firstImage } from '../../../oci/created.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Why } from '../../../plan/prune/prune-plan.ts'
import { formatSpan } from '../policy/age.ts'
import type { ConditionResult, RuleResult } from '../policy/explanation.ts'
import type { UseVerdict } from '../policy/rules/rule-options.ts'

/** The verdict of a rule on a manifest that nothing reaches. */
export interface UntaggedVerdict {
  readonly isDeleted: boolean
  readonly why: Why
  /** the time that its age counts from, in milliseconds since 1970; undefined: unknown */
  readonly pushedAt: number | undefined
  readonly results: readonly RuleResult[]
}

export interface UntaggedOptions {
  readonly rules: readonly Rule[]
  readonly graph: RepositoryGraph
  readonly reach: Reach
  readonly inventory: InventorySnapshot
  /** manifests that something other than a tag keeps, or that another rule decides about */
  readonly others: Iterable<Digest>
  readonly now: number
  readonly judgeUse: (digest: Digest, notPulledFor: number) => UseVerdict
  /** by the name of a rule that dray cannot apply: the reason */
  readonly notApplied: ReadonlyMap<string, string>
}

/**
 * Applies the first rule about untagged manifests to those that no tag, no index and no subject
 * reaches. The manifests below one are deleted with it. Pure.
 */
export function judgeUntagged(options: UntaggedOptions): ReadonlyMap<Digest, UntaggedVerdict> {
  const { notApplied } = options
  const rule = options.rules.find(({ kind }) => kind === 'untagged')
  if (rule === undefined) return new Map()
  const obstacle = notApplied.get(rule.name)
  const { graph, reach, others } = options
  const verdicts = new SharedVerdicts()
  const tagged = [...graph.tags.values()].filter((digest) => digest !== null)
  const reached = reach.all([...tagged, ...others])
  return new Map(
    findUntagged(options, reached).map((digest) => [
      digest,
      verdicts.share(
        obstacle === undefined ? judge(digest, rule, reached, options) : keepAll(rule, obstacle),
      ),
    ]),
  )
}

/** One object for the reasons of equal verdicts: few of them differ. */
class SharedVerdicts {
  readonly #known = new Map<string, UntaggedVerdict>()

  share(verdict: UntaggedVerdict): UntaggedVerdict {
    const known = this.#known.get(verdict.why.text)
    if (known === undefined) this.#known.set(verdict.why.text, verdict)
    if (known === undefined || known.pushedAt === verdict.pushedAt) return known ?? verdict
    return { ...known, pushedAt: verdict.pushedAt }
  }
}

/**
 * The manifests without a tag, by the inventory and by the OCI API, that no other manifest reaches.
 * One in a cycle of attached artifacts is none.
 */
function findUntagged(
  { graph, reach, inventory }: UntaggedOptions,
  reached: ReadonlySet<Digest>,
): readonly Digest[] {
  const isCandidate = (digest: Digest): boolean =>
    !reached.has(digest) && inventory.entries.get(digest)?.tags.length === 0
  const below = new Set(graph.missing)
  for (const digest of graph.nodes.keys())
    if (!reached.has(digest)) for (const other of reach.from(digest)) below.add(other)
  return [...graph.nodes.keys()].filter((digest) => isCandidate(digest) && !below.has(digest))
}

function judge(
  digest: Digest,
  rule: Rule,
  reached: ReadonlySet<Digest>,
  { graph, reach, inventory, now, judgeUse }: UntaggedOptions,
): UntaggedVerdict {
  const own = [...reach.all([digest], reached)].filter((one) => graph.nodes.has(one))
  const pushedAt = newestPush(own, inventory)
  const { name, olderThan = Infinity, notPulledFor } = rule
  if (pushedAt === undefined || pushedAt < firstImage)
    return keep(rule, 'undated', undefined, { text: 'the time of the push is unknown' })
  const age = now - pushedAt
  const isYoung = age <= olderThan
  const limit = formatSpan(olderThan)
  const conditions: ConditionResult[] = [
    {
      name: 'olderThan',
      keeps: isYoung,
      text: `pushed ${formatSpan(age)} ago, ${isYoung ? 'not longer' : 'longer'} ago than ${limit}`,
    },
  ]
  if (notPulledFor !== undefined) {
    const { isUnused, text } = judgeUse(digest, notPulledFor)
    conditions.push({ name: 'notPulledFor', keeps: !isUnused, text })
  }
  const keeping = conditions.find(({ keeps }) => keeps)
  if (keeping !== undefined) return keep(rule, 'kept', pushedAt, keeping, conditions)
  const text = ['nothing reaches it', ...conditions.map((one) => one.text)].join(', ')
  return {
    isDeleted: true,
    why: { kind: 'rule', by: name, text: `${name}: ${text}` },
    pushedAt,
    results: [{ name, verdict: 'delete', text, conditions }],
  }
}

/**
 * A push uploads children before their index, and attached artifacts after their subject: the
 * newest of these pushes counts. One unknown time makes it unknown.
 */
function newestPush(digests: readonly Digest[], { entries }: InventorySnapshot): number | undefined {
  let newest: number | undefined
  for (const digest of digests) {
    const entry = entries.get(digest)
    const at = entry === undefined ? undefined : lastPushOf(entry)
    if (at === undefined) return undefined
    newest = Math.max(newest ?? at, at)
  }
  return newest
}

function keep(
  { name }: Rule,
  kind: 'kept' | 'undated' | 'notApplied',
  pushedAt: number | undefined,
  { text }: Pick<ConditionResult, 'text'>,
  conditions: readonly ConditionResult[] = [],
): UntaggedVerdict {
  return {
    isDeleted: false,
    why: { kind, by: name, text: `${name}: ${text}` },
    pushedAt,
    results: [{ name, verdict: 'keep', text, conditions }],
  }
}

function keepAll(rule: Rule, obstacle: string): UntaggedVerdict {
  return keep(rule, 'notApplied', undefined, { text: `dray cannot apply the rule: ${obstacle}` })
}
