import type { Path } from '../../key-path.ts'
import type { Issue } from '../../shape.ts'
import type { ComparedRule } from './check-writes.ts'
import type { Flow } from './flows.ts'
import { findComponents } from './components.ts'
import type { ComparisonBudget, TextSet } from './text-set.ts'

/** Rules of a cycle that a message names. */
const maxNamed = 6
/** Repositories that pass so many flows are taken to pass them for ever. */
const maxSteps = 64

/** A rule that copies images. */
export type CopyingRule = Pick<ComparedRule, 'index' | 'flows'> & {
  readonly rule: Pick<ComparedRule['rule'], 'name'>
}

/**
 * Finds rules whose copies come back to a repository that they were copied from, directly or over
 * other rules, and rules that copy their own copies deeper and deeper. The tags do not matter,
 * because the attached artifacts of an image travel in both directions too.
 * @param section the path of the list of rules
 */
export function checkCycles(
  rules: readonly CopyingRule[],
  budget: ComparisonBudget,
  section: Path = ['sync'],
): readonly Issue[] {
  const flows = rules.flatMap((one) => one.flows)
  const next = followers(flows, budget)
  const found = new Map<string, Issue>()
  for (const component of findComponents(flows.length, (at) => next[at] ?? [])) {
    const cycle = findCycle(component, { flows, next }, budget)
    if (cycle === undefined) continue
    const steps = cycle.map((at) => flows[at]).filter((flow) => flow !== undefined)
    const key = [...new Set(steps.map(({ rule }) => rule))].sort((a, b) => a - b).join(' ')
    if (!found.has(key)) found.set(key, issueOf(steps, rules, section))
  }
  return [...found.values()]
}

/** The flows that read what each flow writes. */
function followers(flows: readonly Flow[], budget: ComparisonBudget): readonly (readonly number[])[] {
  const plain = Map.groupBy(
    [...flows.keys()].filter((at) => flows[at]?.source.isPlain === true),
    (at) => flows[at]?.source.text ?? '',
  )
  const patterns = [...flows.keys()].filter((at) => flows[at]?.source.isPlain === false)
  return flows.map(({ destination }) => {
    const readers = destination.isPlain
      ? [...(plain.get(destination.text) ?? []), ...patterns]
      : [...flows.keys()]
    return readers.filter((at) => flows[at]?.source.meets(destination, budget))
  })
}

interface FlowGraph {
  readonly flows: readonly Flow[]
  readonly next: readonly (readonly number[])[]
}

/**
 * Follows the repositories through the flows of a component. Returns the flows of a cycle, from a
 * flow to the one before it again. Undefined if the repositories end somewhere: `a` to `b` and `b`
 * to `c` is no cycle for a pattern that has all three.
 */
function findCycle(
  component: readonly number[],
  { flows, next }: FlowGraph,
  budget: ComparisonBudget,
): readonly number[] | undefined {
  const inside = new Set(component)
  // Repositories that pass this many flows pass one of them for the third time.
  const enough = Math.min(2 * component.length + 1, maxSteps)
  const follow = (path: readonly number[], written: TextSet): readonly number[] | undefined => {
    if (path.length > enough) return lastRound(path)
    for (const at of next[path.at(-1) ?? 0] ?? []) {
      const flow = flows[at]
      if (flow === undefined || !inside.has(at)) continue
      const read = written.intersect(flow.source.set, budget)
      const found = read.isEmpty ? undefined : follow([...path, at], flow.follow(read))
      if (found !== undefined) return found
      if (budget.isSpent) return undefined
    }
    return undefined
  }
  for (const at of component) {
    const flow = flows[at]
    const found = flow === undefined ? undefined : follow([at], flow.destination.set)
    if (found !== undefined) return found
  }
  return undefined
}

/** The flows from the last but one visit of the last flow to its last visit. */
function lastRound(path: readonly number[]): readonly number[] {
  const last = path.length - 1
  for (let length = 1; length <= last; length++)
    if (path[last - length] === path[last]) return path.slice(last - length, last)
  return path
}

/** @param cycle in the order of the copies */
function issueOf(cycle: readonly Flow[], rules: readonly CopyingRule[], section: Path): Issue {
  const index = Math.max(...cycle.map(({ rule }) => rule))
  // The message begins with the rule that the file has first.
  const first = Math.min(...cycle.map(({ rule }) => rule))
  const start = cycle.findIndex(({ rule }) => rule === first)
  const ordered = [...cycle.slice(start), ...cycle.slice(0, start)]
  const names = ordered.map(({ rule }) => rules.find((one) => one.index === rule)?.rule.name ?? '')
  const named = names.length > maxNamed ? [...names.slice(0, maxNamed), '…'] : names
  const over = ordered[0]?.source.shown ?? ''
  const message = `the rules form a cycle over ${over}: ${[...named, names[0]].join(' -> ')}`
  return { path: [...section, index], at: 'value', message }
}
