import type { Digest } from '../../oci/digest.ts'
import { fallbackTag, isEvidenceTag, subjectKeyOfEvidenceTag } from '../../oci/evidence-tags.ts'
import type { RepositoryGraph } from './repository-graph.ts'

/**
 * The edges between manifests: from an index to its children, from a subject to its referrers and
 * to what its evidence tags are on.
 */
export class Reach {
  readonly #graph: RepositoryGraph
  readonly #referrers = new Map<Digest, Digest[]>()
  /** by the part of an evidence tag that names its subject */
  readonly #underTags = new Map<string, Digest[]>()
  /** manifests by the part of evidence tags that would name them */
  #subjects: Map<string, Digest[]> | undefined

  constructor(graph: RepositoryGraph) {
    this.#graph = graph
    for (const { descriptor, subject } of graph.nodes.values()) {
      if (subject !== undefined) add(this.#referrers, subject, descriptor.digest)
    }
    for (const [tag, digest] of graph.tags) {
      if (digest !== null && isEvidenceTag(tag)) add(this.#underTags, subjectKeyOf(tag), digest)
    }
  }

  /** The manifests that a manifest leads to in one step, including those that do not exist. */
  from(digest: Digest): readonly Digest[] {
    const children = this.#graph.nodes.get(digest)?.children.map((child) => child.digest) ?? nothing
    // Most repositories have few attached artifacts or none, and up to 100,000 manifests.
    if (this.#referrers.size + this.#underTags.size === 0) return children
    const evidence = [
      ...(this.#referrers.get(digest) ?? []),
      ...(this.#underTags.get(fallbackTag(digest)) ?? []),
    ]
    return [...children, ...evidence]
  }

  /**
   * The known subjects of an evidence tag: more than one only if sha512 digests have the same
   * beginning.
   */
  subjectsOf(tag: string): readonly Digest[] {
    this.#subjects ??= this.#findSubjects()
    return this.#subjects.get(subjectKeyOf(tag)) ?? []
  }

  #findSubjects(): Map<string, Digest[]> {
    const subjects = new Map<string, Digest[]>()
    for (const { descriptor } of this.#graph.nodes.values())
      add(subjects, fallbackTag(descriptor.digest), descriptor.digest)
    return subjects
  }

  /** The roots and everything that they lead to; `except` is neither entered nor returned. */
  all(roots: Iterable<Digest>, except: { has(digest: Digest): boolean } = new Set()): Set<Digest> {
    const reached = new Set<Digest>()
    const open = [...roots]
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (reached.has(digest) || except.has(digest)) continue
      reached.add(digest)
      // One at a time, because a call cannot have a hundred thousand arguments.
      for (const below of this.from(digest)) open.push(below)
    }
    return reached
  }
}

const nothing: readonly Digest[] = []

/** The fallback tag of the subject that an evidence tag names, with or without a prefix. */
export function subjectKeyOf(tag: string): string {
  return subjectKeyOfEvidenceTag(tag) ?? tag
}

function add<K>(map: Map<K, Digest[]>, key: K, digest: Digest): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [digest])
  else known.push(digest)
}
