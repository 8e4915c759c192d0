interface NodeVisit {
  readonly node: number
  readonly next: readonly number[]
  /** the next entry of `next` */
  at: number
}

/**
 * Returns the strongly connected components of a graph that have a cycle, each with its nodes in
 * order (Tarjan). It visits each edge once, without recursion.
 * @param count the nodes are the numbers below
 */
export function findComponents(
  count: number,
  nextOf: (node: number) => readonly number[],
): readonly (readonly number[])[] {
  const order = new Map<number, number>()
  const lowest = new Map<number, number>()
  const open: number[] = []
  const isOpen = new Set<number>()
  const found: number[][] = []
  for (let start = 0; start < count; start++) {
    const visits: NodeVisit[] = []
    const enter = (node: number): void => {
      lowest.set(node, order.size)
      order.set(node, order.size)
      open.push(node)
      isOpen.add(node)
      visits.push({ node, next: nextOf(node), at: 0 })
    }
    const lower = (node: number, to: number | undefined): void => {
      lowest.set(node, Math.min(lowest.get(node) ?? 0, to ?? 0))
    }
    if (!order.has(start)) enter(start)
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const { node } = visit
      const next = visit.next[visit.at++]
      if (next !== undefined) {
        if (!order.has(next)) enter(next)
        else if (isOpen.has(next)) lower(node, order.get(next))
        continue
      }
      visits.pop()
      const parent = visits.at(-1)
      if (parent !== undefined) lower(parent.node, lowest.get(node))
      if (lowest.get(node) !== order.get(node)) continue
      const component = open.splice(open.lastIndexOf(node))
      for (const one of component) isOpen.delete(one)
      if (component.length > 1 || visit.next.includes(node)) found.push(component.sort((a, b) => a - b))
    }
  }
  return found
}
