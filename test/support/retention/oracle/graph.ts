import { isEvidence, subjectOf } from '../evidence-tags.ts'
import type { Snapshot } from '../snapshot.ts'

/** The digests that a client can find from all tags and `roots`. */
export function visibleIn(snapshot: Snapshot, roots: readonly string[]): Set<string> {
  return new Graph(snapshot, new Set()).reach([...snapshot.tags.values(), ...roots])
}

/** Reachability by children, subjects, lists of referrers and evidence tags. */
export class Graph {
  readonly #snapshot: Snapshot
  /** by the subject that the tag names */
  readonly #underTags: ReadonlyMap<string, readonly string[]>
  readonly #bySubject: ReadonlyMap<string | undefined, readonly string[]>

  /** @param known manifests whose `subject` counts, even if the registry does not list them */
  constructor(snapshot: Snapshot, known: ReadonlySet<string>) {
    this.#snapshot = snapshot
    const evidence = [...snapshot.tags].filter(([tag]) => isEvidence(tag))
    const tagsBySubject = Map.groupBy(evidence, ([tag]) => subjectOf(tag))
    this.#underTags = new Map(
      [...tagsBySubject].map(([subject, tags]) => [subject, tags.map(([, to]) => to)]),
    )
    this.#bySubject = Map.groupBy(known, (one) => snapshot.manifests.get(one)?.subject)
  }

  /** The existing manifests that a digest leads to directly. */
  neighbours(digest: string): readonly string[] {
    const { manifests } = this.#snapshot
    const children = manifests.get(digest)?.children.map((child) => child.digest) ?? []
    const underTags = this.#underTags.get(digest) ?? []
    const bySubject = this.#bySubject.get(digest) ?? []
    const all = [...children, ...this.#snapshot.referrers(digest), ...underTags, ...bySubject]
    return all.filter((to) => manifests.has(to))
  }

  /** Whether a manifest leads to itself. */
  isInCycle(digest: string): boolean {
    return this.reach(this.neighbours(digest)).has(digest)
  }

  reach(roots: Iterable<string>): Set<string> {
    const reached = new Set<string>()
    const open = [...roots].filter((digest) => this.#snapshot.manifests.has(digest))
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (reached.has(digest)) continue
      reached.add(digest)
      open.push(...this.neighbours(digest))
    }
    return reached
  }
}
