import type { Issue } from '../../shape.ts'
import type { SyncRule } from '../sync-rule.ts'
import type { Flow, RepositoryNames } from './flows.ts'
import { findCommonTag, type SelectedTags } from './tag-overlap.ts'
import type { ComparisonBudget } from './text-set.ts'

/** A rule without mistakes, for comparisons with the others. */
export interface ComparedRule {
  /** its index in the section */
  readonly index: number
  readonly rule: SyncRule
  readonly flows: readonly Flow[]
  readonly tags: SelectedTags
}

/**
 * Finds rules that can write the same tag of a repository, rules that write to the repositories of
 * an exclusive rule, and rules that copy two repositories to the same one. Repositories are the
 * same under all of their names.
 */
export function checkWrites(rules: readonly ComparedRule[], budget: ComparisonBudget): readonly Issue[] {
  const written = rules.map(({ flows }) => new WrittenRepositories(flows))
  return [
    ...rules.flatMap((one) => mergedIn(one, budget)),
    ...rules.flatMap((later, i) =>
      rules.slice(0, i).flatMap((earlier, j): readonly Issue[] => {
        const exclusive = [earlier, later].filter(({ rule }) => rule.delete !== undefined)
        const tag = exclusive.length > 0 ? undefined : findCommonTag(earlier.tags, later.tags, budget)
        if (exclusive.length === 0 && tag === undefined) return []
        const shared = written[i]?.findShared(written[j], budget)
        if (shared === undefined) return []
        if (tag !== undefined) return [sharedTag(earlier, later, `${tag} of ${shared}`)]
        return exclusive.map((one) => sharedRepository(one, one === later ? earlier : later, shared))
      }),
    ),
  ]
}

class WrittenRepositories {
  readonly #plain: ReadonlyMap<string, RepositoryNames>
  readonly #patterns: readonly RepositoryNames[]

  constructor(flows: readonly Flow[]) {
    const all = flows.map(({ destination }) => destination)
    this.#plain = new Map(all.filter(({ isPlain }) => isPlain).map((one) => [one.text, one]))
    this.#patterns = all.filter(({ isPlain }) => !isPlain)
  }

  /** A repository, or the pattern of repositories, that both can write; undefined if none. */
  findShared(other: WrittenRepositories | undefined, budget: ComparisonBudget): string | undefined {
    if (other === undefined) return undefined
    for (const [text, { shown }] of this.#plain) if (other.#plain.has(text)) return shown
    return (
      findPlain(this.#patterns, other.#plain, budget) ??
      findPlain(other.#patterns, this.#plain, budget) ??
      this.#patterns.find((one) => other.#patterns.some((pattern) => one.meets(pattern, budget)))?.shown
    )
  }
}

function findPlain(
  patterns: readonly RepositoryNames[],
  plain: ReadonlyMap<string, RepositoryNames>,
  budget: ComparisonBudget,
): string | undefined {
  if (patterns.length === 0) return undefined
  for (const one of plain.values())
    if (patterns.some((pattern) => pattern.meets(one, budget))) return one.shown
  return undefined
}

/** Two repositories of one rule that have the same destination. */
function mergedIn({ index, rule, flows }: ComparedRule, budget: ComparisonBudget): readonly Issue[] {
  const merged = (flow: Flow, other: Flow): readonly Issue[] => {
    const sources = `${other.source.shown} and ${flow.source.shown}`
    const message = `${sources} would be copied to the same repository ${flow.destination.shown}`
    const path = ['sync', index, 'to', ...(rule.to.length === 1 ? [] : [flow.entry])]
    return [{ path, at: 'value', message }]
  }
  const seen = new Map<string, Flow>()
  for (const flow of flows.filter(({ destination }) => destination.isPlain)) {
    const other = seen.get(flow.destination.text)
    if (other !== undefined && other.source.text !== flow.source.text) return merged(flow, other)
    seen.set(flow.destination.text, flow)
  }
  const patterns = flows.filter(({ destination }) => !destination.isPlain)
  for (const flow of patterns)
    for (const other of flows) {
      // The patterns of one destination can overlap: the same path has the same source.
      if (other.entry === flow.entry) continue
      if (flow.destination.meets(other.destination, budget)) return merged(flow, other)
    }
  return []
}

function sharedTag({ rule }: ComparedRule, { index }: ComparedRule, shared: string): Issue {
  const message = `it can write ${shared}, like the rule ${JSON.stringify(rule.name)}: two rules cannot write the same tag`
  const hint = 'narrow `repositories` or `include`, or use `exclude`, in one of them'
  return { path: ['sync', index], at: 'value', message, hint }
}

function sharedRepository({ index }: ComparedRule, { rule }: ComparedRule, shared: string): Issue {
  const message = `the rule ${JSON.stringify(rule.name)} writes to ${shared} too: only one rule writes to an exclusive destination`
  return { path: ['sync', index, 'delete', 'exclusive'], at: 'key', message }
}
