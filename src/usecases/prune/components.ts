/** A node on the path of the search, with the edges that are not followed yet. */
interface Visit<T> {
  readonly node: T
  readonly edges: Iterator<T>
}

/**
 * The strongly connected components of the graph that `nodes` span (Tarjan's algorithm, without
 * recursion: a chain can be longer than the stack is deep). Takes time in proportion to nodes and
 * edges. Pure.
 * @param edgesOf edges to other nodes than `nodes` are ignored
 */
export function findComponents<T>(
  nodes: readonly T[],
  edgesOf: (node: T) => Iterable<T>,
): readonly (readonly T[])[] {
  const members = new Set(nodes)
  const index = new Map<T, number>()
  const lowest = new Map<T, number>()
  const open: T[] = []
  const isOpen = new Set<T>()
  const components: T[][] = []
  const lower = (node: T, to: number | undefined): void => {
    lowest.set(node, Math.min(lowest.get(node) ?? 0, to ?? 0))
  }
  const enter = (node: T): Visit<T> => {
    lowest.set(node, index.size)
    index.set(node, index.size)
    open.push(node)
    isOpen.add(node)
    return { node, edges: edgesOf(node)[Symbol.iterator]() }
  }
  const close = (node: T): void => {
    if (lowest.get(node) !== index.get(node)) return
    const component = open.splice(open.lastIndexOf(node))
    for (const one of component) isOpen.delete(one)
    components.push(component)
  }
  for (const root of nodes) {
    const path = index.has(root) ? [] : [enter(root)]
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const { node, edges } = visit
      const edge = edges.next()
      if (edge.done === true) {
        path.pop()
        close(node)
        const parent = path.at(-1)
        if (parent !== undefined) lower(parent.node, lowest.get(node))
      } else if (members.has(edge.value)) {
        if (!index.has(edge.value)) path.push(enter(edge.value))
        else if (isOpen.has(edge.value)) lower(node, index.get(edge.value))
      }
    }
  }
  return components
}
