import type { Digest } from '../../oci/digest.ts'
import type { Reach } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { findComponents } from './components.ts'

/** A manifest to delete, and the manifests that dray must delete before it. */
export interface OrderedDelete {
  readonly digest: Digest
  readonly after: readonly Digest[]
}

/**
 * Orders the manifests to delete so that a parent comes before what it reaches: an index before its
 * children (registries refuse to break an index), an image before its attached artifacts. An image
 * therefore never lacks a part, and if the registry refuses a delete, dray keeps
 * what the manifest reaches. Takes time in proportion to manifests and edges. Pure.
 */
export function orderDeletes(
  graph: RepositoryGraph,
  reach: Reach,
  garbage: ReadonlySet<Digest>,
): readonly OrderedDelete[] {
  const parents = new Map<Digest, { hard: Set<Digest>; soft: Set<Digest> }>()
  for (const digest of garbage) parents.set(digest, { hard: new Set(), soft: new Set() })
  for (const digest of garbage) {
    const children = new Set(graph.nodes.get(digest)?.children.map((child) => child.digest))
    for (const below of reach.from(digest)) {
      if (below !== digest) parents.get(below)?.[children.has(below) ? 'hard' : 'soft'].add(digest)
    }
  }
  const { levels, openings } = new Levels(parents).assign()
  return sortByLevel(parents, levels, openings)
}

/** The parents of a manifest: the indexes that list it, and the subjects that it is attached to. */
interface Parents {
  readonly hard: ReadonlySet<Digest>
  readonly soft: ReadonlySet<Digest>
}

const noParents: Parents = { hard: new Set(), soft: new Set() }

type ParentsByDigest = ReadonlyMap<Digest, Parents>

/** Within a level, manifests keep the order in which they were given. */
function sortByLevel(
  parents: ParentsByDigest,
  levels: ReadonlyMap<Digest, number>,
  openings: ReadonlyMap<Digest, readonly Digest[]>,
): readonly OrderedDelete[] {
  const turns: OrderedDelete[][] = []
  for (const [digest, { hard, soft }] of parents) {
    const level = levels.get(digest) ?? 0
    const isEarlier = (before: Digest): boolean => (levels.get(before) ?? 0) < level
    const before = new Set([...hard, ...soft, ...(openings.get(digest) ?? [])])
    const turn = { digest, after: [...before].filter(isEarlier) }
    const others = turns[level]
    if (others === undefined) turns[level] = [turn]
    else others.push(turn)
  }
  return turns.flat()
}

/**
 * Gives each manifest a level above those of its parents (Kahn's algorithm). Index children form no
 * cycle because an index names them by hash. Attached artifacts may form one, because anyone can
 * put a fallback tag on anything: dray opens such a cycle at one of its attached artifacts.
 */
class Levels {
  readonly #parents: ParentsByDigest
  readonly #children = new Map<Digest, Digest[]>()
  readonly #levels = new Map<Digest, number>()
  /** what the manifests at which a cycle is opened wait for, beside their parents */
  readonly #openings = new Map<Digest, readonly Digest[]>()
  /** parents without a level yet */
  readonly #hard = new Map<Digest, number>()
  readonly #soft = new Map<Digest, number>()
  /** The cycles, once only cycles and what they reach have no level. */
  #cycles: Cycles | undefined

  constructor(parents: ParentsByDigest) {
    this.#parents = parents
    for (const [digest, { hard, soft }] of parents) {
      this.#hard.set(digest, hard.size)
      this.#soft.set(digest, soft.size)
      for (const parent of [...hard, ...soft]) {
        const siblings = this.#children.get(parent)
        if (siblings === undefined) this.#children.set(parent, [digest])
        else siblings.push(digest)
      }
    }
  }

  assign(): Pick<Levels, 'levels' | 'openings'> {
    let wave = [...this.#parents.keys()].filter((digest) => this.#isFree(digest))
    for (let level = 0; this.#levels.size < this.#parents.size; level++) {
      if (wave.length === 0) wave = [this.#openCycle()]
      for (const digest of wave) this.#levels.set(digest, level)
      wave = wave.flatMap((digest) => this.#release(digest))
    }
    return this
  }

  get levels(): ReadonlyMap<Digest, number> {
    return this.#levels
  }

  get openings(): ReadonlyMap<Digest, readonly Digest[]> {
    return this.#openings
  }

  #isFree(digest: Digest): boolean {
    return this.#hard.get(digest) === 0 && this.#soft.get(digest) === 0
  }

  /** The children that waited for this parent alone. */
  #release(parent: Digest): readonly Digest[] {
    return (this.#children.get(parent) ?? []).filter((child) => {
      if (this.#levels.has(child)) return false
      const counters = this.#parents.get(child)?.hard.has(parent) === true ? this.#hard : this.#soft
      counters.set(child, (counters.get(child) ?? 0) - 1)
      this.#cycles?.release(parent, child)
      return this.#isFree(child)
    })
  }

  #openCycle(): Digest {
    this.#cycles ??= new Cycles(this.#parents, this.#children, this.#levels, this.#hard)
    for (;;) {
      const digest = this.#cycles.next()
      if (digest === undefined) throw new Error('manifests that contain one another by hash')
      if (this.#levels.has(digest)) continue
      this.#openings.set(digest, this.#cycles.open(digest, this.#parents))
      return digest
    }
  }
}

/**
 * The manifests at which a cycle can be opened: nothing outside of the cycle reaches it any more,
 * and all indexes of the manifest are placed.
 */
class Cycles {
  readonly #members: readonly (readonly Digest[])[]
  /** the cycle of a manifest, by its position in `#members` */
  readonly #cycleOf: ReadonlyMap<Digest, number>
  /** by cycle: edges from manifests outside of it that have no level yet */
  readonly #outside: number[]
  /** indexes without a level yet */
  readonly #hard: ReadonlyMap<Digest, number>
  readonly #candidates: Digest[] = []
  /** by cycle: the manifest at which it was opened first */
  readonly #first = new Map<number, Digest>()
  #taken = 0

  constructor(
    parents: ParentsByDigest,
    children: ReadonlyMap<Digest, readonly Digest[]>,
    levels: ReadonlyMap<Digest, number>,
    hard: ReadonlyMap<Digest, number>,
  ) {
    const cyclic = [...parents.keys()].filter((digest) => !levels.has(digest))
    const components = findComponents(cyclic, (digest) => children.get(digest) ?? [])
    this.#members = components.filter((those) => those.length > 1)
    this.#cycleOf = new Map(this.#members.flatMap((those, i) => those.map((digest) => [digest, i] as const)))
    this.#outside = this.#members.map(() => 0)
    this.#hard = hard
    for (const parent of cyclic) {
      for (const child of children.get(parent) ?? []) this.#count(parent, child, 1)
    }
    for (const [cycle, edges] of this.#outside.entries()) if (edges === 0) this.#offer(cycle)
  }

  /** Undefined if there are no more; the caller skips those that have a level by now. */
  next(): Digest | undefined {
    return this.#candidates[this.#taken++]
  }

  /**
   * Opens a cycle at a manifest, and returns what the manifest waits for. The first one waits for
   * everything outside that reaches the cycle: if that is kept, so is the whole cycle. Further ones
   * wait for the first, which reaches them.
   */
  open(digest: Digest, parents: ParentsByDigest): readonly Digest[] {
    const cycle = this.#cycleOf.get(digest)
    if (cycle === undefined) return []
    const first = this.#first.get(cycle)
    if (first !== undefined) return [first]
    this.#first.set(cycle, digest)
    const around = (this.#members[cycle] ?? []).flatMap((member) => {
      const { hard, soft } = parents.get(member) ?? noParents
      return [...hard, ...soft].filter((parent) => this.#cycleOf.get(parent) !== cycle)
    })
    return [...new Set(around)]
  }

  /** The parent has a level now. */
  release(parent: Digest, child: Digest): void {
    const cycle = this.#cycleOf.get(child)
    if (cycle === undefined) return
    if (this.#count(parent, child, -1)) {
      if (this.#outside[cycle] === 0) this.#offer(cycle)
    } else if (this.#outside[cycle] === 0 && this.#hard.get(child) === 0) this.#candidates.push(child)
  }

  /** False if the edge does not enter a cycle. */
  #count(parent: Digest, child: Digest, by: 1 | -1): boolean {
    const cycle = this.#cycleOf.get(child)
    if (cycle === undefined || cycle === this.#cycleOf.get(parent)) return false
    this.#outside[cycle] = (this.#outside[cycle] ?? 0) + by
    return true
  }

  #offer(cycle: number): void {
    for (const digest of this.#members[cycle] ?? [])
      if (this.#hard.get(digest) === 0) this.#candidates.push(digest)
  }
}
