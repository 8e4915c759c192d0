import { isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import type { Path } from './key-path.ts'

/**
 * Finds the offsets of keys. It indexes each map once, because a file may have as many mistakes as
 * keys.
 */
export class PositionMap {
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>()

  /** Follows a path as far as it exists. */
  offsetOf(root: Node | null, path: Path, of: 'key' | 'value'): number {
    let node: unknown = root
    let offset = startOf(root) ?? 0
    for (const [depth, step] of path.entries()) {
      const found = this.#child(node, step)
      if (found === undefined) return offset
      const wantsKey = of === 'key' && depth === path.length - 1
      offset = startOf(wantsKey ? found.key : found.value) ?? startOf(found.key) ?? offset
      node = found.value
    }
    return offset
  }

  #child(node: unknown, step: string | number): { key: unknown; value: unknown } | undefined {
    if (isSeq(node) && typeof step === 'number') {
      const value = node.items[step]
      return value === undefined ? undefined : { key: value, value }
    }
    return isMap(node) ? this.#pairsOf(node).get(String(step)) : undefined
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map)
    if (known !== undefined) return known
    const pairs = new Map(
      map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [])),
    )
    this.#pairs.set(map, pairs)
    return pairs
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
