import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { DocumentPath } from '../../references/document-path.ts'
import type { DocumentFault } from '../../references/documents.ts'

/** Maps, arrays and scalars that a search visits; aliases make of a few lines any number. */
const maxVisits = 1_000_000

/** Maps and arrays within each other. The library passes a map and its pair for each level. */
const maxAncestors = 400

/** A key of a map, with the map that has it: another one if it is merged. */
export interface OwnedPair {
  readonly map: YAMLMap
  readonly pair: Pair
}

/** The map with the pair of a node, or the array of a node. */
export type NodeParent =
  | { readonly collection: YAMLMap; readonly pair: Pair }
  | { readonly collection: YAMLSeq; readonly pair?: undefined }

/** The nodes of a document, with the aliases and merges that read one of them in several places. */
export class DocumentNodes {
  readonly #root: unknown
  readonly #targets = new Map<Alias, Node>()
  readonly #keys = new Set<unknown>()
  readonly #parents = new Map<unknown, NodeParent>()
  readonly #indexes = new Map<YAMLMap, ReadonlyMap<string, Pair>>()
  /** why the document is not edited */
  readonly fault: DocumentFault | undefined

  constructor(document: Document.Parsed) {
    this.#root = document.contents
    const anchors = new Map<string, Node>()
    let fault: DocumentFault | undefined
    const stop = (why: string, node: Node): symbol => {
      fault = { why, offset: node.range?.[0] ?? 0 }
      return visit.BREAK
    }
    visit(document, {
      Node: (key, node, ancestors) => {
        if (ancestors.length > maxAncestors) return stop('it is nested deeper than 200 levels', node)
        if (key === 'key') this.#keys.add(node)
        const [outer, parent] = ancestors.slice(-2)
        if (isPair(parent) && isMap(outer)) this.#parents.set(node, { collection: outer, pair: parent })
        else if (isSeq(parent)) this.#parents.set(node, { collection: parent })
        if (isAlias(node)) {
          const target = anchors.get(node.source)
          if (target === undefined) return stop(`there is no anchor &${node.source} before the alias`, node)
          if (ancestors.includes(target)) return stop('an alias contains itself', node)
          this.#targets.set(node, target)
        } else if (node.anchor !== undefined) anchors.set(node.anchor, node)
        return undefined
      },
    })
    this.fault = fault
  }

  /** Returns the node that an alias repeats; another node unchanged. */
  resolve(node: unknown): unknown {
    return isAlias(node) ? this.#targets.get(node) : node
  }

  /** Whether a node is the key of a map: an alias can repeat it as a value. */
  isKey(node: unknown): boolean {
    return this.#keys.has(node)
  }

  /** Returns what contains a node; undefined for the root of the document. */
  parentOf(node: unknown): NodeParent | undefined {
    return this.#parents.get(node)
  }

  /** Returns the node at a path, through aliases and merges; undefined if there is none. */
  find(path: DocumentPath): unknown {
    let node = this.resolve(this.#root)
    for (const step of path) {
      if (isMap(node)) node = this.resolve(this.findPair(node, String(step))?.pair.value ?? undefined)
      else if (isSeq(node) && typeof step === 'number') node = this.resolve(node.items[step])
      else return undefined
    }
    return node
  }

  /** Finds a key of a map, also in the maps that it merges; undefined if it has no such key. */
  findPair(map: YAMLMap, key: string): OwnedPair | undefined {
    return this.#findOwner(map, key, undefined, 0)
  }

  /** Returns the paths at which a node is read. One path, unless aliases or merges repeat it. */
  pathsOf(node: unknown): readonly DocumentPath[] {
    const found: DocumentPath[] = []
    this.#walk(node, (visited, path) => {
      if (visited === node) found.push(path)
    })
    return found
  }

  /** Returns the paths at which a key is read that is added to a map. */
  pathsOfKey(map: YAMLMap, key: string): readonly DocumentPath[] {
    const found: DocumentPath[] = []
    this.#walk(map, (visited, path) => {
      if (isMap(visited) && this.#findOwner(visited, key, map, 0)?.map === map) found.push([...path, key])
    })
    return found
  }

  /** @param extended a map that counts as if it had the key */
  #findOwner(map: YAMLMap, key: string, extended: YAMLMap | undefined, depth: number): OwnedPair | undefined {
    const own = this.#indexOf(map).get(key)
    if (own !== undefined) return { map, pair: own }
    if (map === extended && map.items[0] !== undefined) return { map, pair: map.items[0] }
    if (depth > maxMergeDepth) return undefined
    for (const pair of map.items) {
      for (const source of this.#mergedMaps(pair)) {
        const found = this.#findOwner(source, key, extended, depth + 1)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  #indexOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    let index = this.#indexes.get(map)
    if (index === undefined) {
      index = new Map(map.items.flatMap((pair) => (isMerge(pair) ? [] : [[keyOf(pair), pair] as const])))
      this.#indexes.set(map, index)
    }
    return index
  }

  #mergedMaps(pair: Pair): readonly YAMLMap[] {
    if (!isMerge(pair)) return []
    const value = this.resolve(pair.value)
    const sources = isSeq(value) ? value.items.map((item) => this.resolve(item)) : [value]
    return sources.filter((source) => isMap(source))
  }

  /** Visits the nodes on all paths to a node. */
  #walk(target: unknown, visited: (node: unknown, path: DocumentPath) => void): void {
    const leads = new Map<unknown, boolean>()
    let visits = 0
    const step = (raw: unknown, path: DocumentPath): void => {
      const node = this.resolve(raw)
      if (!this.#leadsTo(node, target, leads)) return
      visits += 1
      if (visits > maxVisits) throw new RangeError('too many aliases')
      visited(node, path)
      if (isSeq(node)) for (const [i, item] of node.items.entries()) step(item, [...path, i])
      if (!isMap(node)) return
      for (const key of this.#keysOf(node, 0)) {
        const found = this.findPair(node, key)
        if (found !== undefined) step(found.pair.value, [...path, key])
      }
    }
    step(this.#root, [])
  }

  #keysOf(map: YAMLMap, depth: number): ReadonlySet<string> {
    const keys = new Set<string>()
    for (const pair of map.items) {
      if (!isMerge(pair)) keys.add(keyOf(pair))
      else if (depth <= maxMergeDepth)
        for (const source of this.#mergedMaps(pair))
          for (const key of this.#keysOf(source, depth + 1)) keys.add(key)
    }
    return keys
  }

  #leadsTo(node: unknown, target: unknown, known: Map<unknown, boolean>): boolean {
    if (node === target) return true
    const result = known.get(node)
    if (result !== undefined) return result
    known.set(node, false)
    const children = isMap(node) ? node.items.map(({ value }) => value) : isSeq(node) ? node.items : []
    const leads = children.some((child) => this.#leadsTo(this.resolve(child), target, known))
    known.set(node, leads)
    return leads
  }
}

/** Merges within merged maps; an alias can contain itself. */
const maxMergeDepth = 100

function isMerge({ key }: Pair): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<'
}

/** Keys that are no strings have the text that `resolvedValueOf` gives them. */
export function keyOf({ key }: Pair): string {
  return isScalar(key) && typeof key.value === 'string' ? key.value : ''
}
