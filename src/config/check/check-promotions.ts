import type { Config } from '../config.ts'
import type { ReportIssue } from '../shape.ts'

/** Environments of a cycle that a message names. */
const maxNamed = 6

interface PromotionVisit {
  readonly name: string
  readonly from: readonly string[]
  /** the next entry of `from` */
  next: number
}

/**
 * Reports `promoteFrom` if promotions lead back to an environment: images move in one direction.
 * It visits each environment once, and reports one entry of each cycle that it meets.
 */
export function checkPromotionCycles(environments: Config['environments'], report: ReportIssue): void {
  const seen = new Set<string>()
  for (const start of environments.keys()) {
    const stack: PromotionVisit[] = []
    const depths = new Map<string, number>()
    const enter = (name: string): void => {
      if (seen.has(name)) return
      seen.add(name)
      depths.set(name, stack.length)
      stack.push({ name, from: environments.get(name)?.promoteFrom ?? [], next: 0 })
    }
    enter(start)
    for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
      const index = visit.next++
      const source = visit.from[index]
      if (source === undefined) {
        depths.delete(visit.name)
        stack.pop()
        continue
      }
      const depth = depths.get(source)
      if (depth === undefined) enter(source)
      else if (source !== visit.name) {
        const cycle = stack.slice(depth).map(({ name }) => name)
        const message = `promotions form a cycle: ${formatCycle(cycle)}`
        report(['environments', visit.name, 'promoteFrom', index], message)
      }
    }
  }
}

/** @param cycle each environment takes images from the next one, and the last from the first */
function formatCycle(cycle: readonly string[]): string {
  const [first = ''] = cycle
  const path = [...cycle.slice(1), first].toReversed()
  const named = path.length > maxNamed ? [...path.slice(0, maxNamed), '…'] : path
  return [...named, path[0]].join(' -> ')
}
