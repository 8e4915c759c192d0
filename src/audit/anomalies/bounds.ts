import type { AnomalyRuleResult } from './observation.ts'

/** The limits of what the search for anomalies keeps. A hostile log must not fill the memory. */
export const bounds = {
  /** actors, hosts, workflows and repositories, each */
  names: 10_000,
  /** environments of the baseline */
  environments: 200,
  /** days with a count, of all series together */
  days: 1_000_000,
  /** groups of records of one rule that can be findings */
  groups: 20_000,
  /** findings of one rule that are shown */
  findings: 200,
  /** lines of one finding */
  lines: 20,
  /** tags or gates of one finding */
  details: 20,
  /** characters of a name */
  name: 256,
  /** runs, and images of runs, that are known to be counted */
  recent: 65_536,
  /** tags whose version is known */
  tags: 100_000,
  /** runs of one rule, and for prunes, the repositories of each */
  runs: 50_000,
  /** runs of one actor in which refusals are counted */
  runsOfActor: 1_000,
} as const

/** The first characters of a name, which comes from a log. */
export function cutName(name: string): string {
  return name.length > bounds.name ? `${name.slice(0, bounds.name)}…` : name
}

/** A map that makes missing values, and ignores new keys when it is full. */
export class BoundedMap<K, V> {
  readonly #max: number
  readonly #make: (key: K) => V
  readonly #map = new Map<K, V>()
  #ignored = 0

  constructor(max: number, make: (key: K) => V) {
    this.#max = max
    this.#make = make
  }

  /** Records that found no place. */
  get ignored(): number {
    return this.#ignored
  }

  find(key: K): V | undefined {
    return this.#map.get(key)
  }

  /** Returns undefined if the map is full. */
  at(key: K): V | undefined {
    const known = this.#map.get(key)
    if (known !== undefined) return known
    if (this.#map.size >= this.#max) {
      this.#ignored++
      return undefined
    }
    const made = this.#make(key)
    this.#map.set(key, made)
    return made
  }

  entries(): IterableIterator<[K, V]> {
    return this.#map.entries()
  }
}

/** Keys that were seen, at least the last half of `bounds.recent`. */
export class RecentKeys {
  #older = new Set<string>()
  #newer = new Set<string>()

  /** Whether the key is new. */
  add(key: string): boolean {
    if (this.#newer.has(key)) return false
    const isNew = !this.#older.has(key)
    this.#newer.add(key)
    if (this.#newer.size >= bounds.recent / 2) {
      this.#older = this.#newer
      this.#newer = new Set()
    }
    return isNew
  }
}

/** Says what a full map did not keep. */
export function omission(ignored: number, plural: string): Pick<AnomalyRuleResult, 'omissions'> {
  if (ignored === 0) return {}
  return {
    omissions: [
      `the log has more ${plural} than dray compares, and ${ignored} records of others are omitted`,
    ],
  }
}
