import { isEvidence, subjectOf } from './names.ts'
import { markedBy, protectedBy } from './marks.ts'
import { type PolicyData, readPolicy } from './policy-data.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * What retention.md says of a repository, worked out once more and as plainly as can be, with no code of `src/`: quadratic where that is easier to
 * believe.
 */
export interface Verdicts {
  /** tags of people that some rule selects and nothing spares or protects */
  readonly marked: ReadonlySet<string>
  /** digests that are deleted */
  readonly dead: ReadonlySet<string>
  /** digests that a client can see and that stay */
  readonly alive: ReadonlySet<string>
  /** tags that go with their digest, evidence tags too */
  readonly lost: ReadonlySet<string>
  /** tags that go while their digest stays */
  readonly untagged: ReadonlySet<string>
  /** tags that may go and may stay: evidence tags whose subject dies, on a digest that stays; dying tags on what is kept as evidence of something gone */
  readonly loose: ReadonlySet<string>
  /** tags that stay where they are */
  readonly kept: ReadonlySet<string>
  /** the limit that is broken; then nothing is deleted */
  readonly refused?: string
  /** digests that have a tag of a person: all, and those that die */
  readonly count: { readonly images: number; readonly deleted: number }
}

/**
 * Evidence whose subject is gone stays (retention.md, Decide). Where it has no tag and is known only as a part of an index that dies, the page can be read
 * either way: it is evidence of something gone, and a child of what dies.
 */
const orphansInIndexesStay = false

export interface Question {
  readonly policy: PolicyData
  /** milliseconds since 1970 */
  readonly now: number
  /** digests or tags that something runs */
  readonly inUse?: readonly string[]
}

/** @param policyYaml the section `retention`, one policy */
export function retentionOracle(
  snapshot: Snapshot,
  policyYaml: string,
  now: number,
  inUse: readonly string[] = [],
): Verdicts {
  return verdictsOf(snapshot, { policy: readPolicy(policyYaml), now, inUse })
}

export function verdictsOf(snapshot: Snapshot, question: Question): Verdicts {
  const used = (question.inUse ?? []).flatMap((at) => {
    const digest = at.startsWith('sha256:') ? at : snapshot.tags.get(at)
    return digest !== undefined && snapshot.manifests.has(digest) ? [digest] : []
  })
  const people = [...snapshot.tags].filter(([tag]) => !isEvidence(tag))
  const visible = visibleIn(snapshot, used)
  const graph = new Graph(snapshot, visible)
  const held = graph.reach([
    ...used,
    ...(question.policy.protect ?? []).flatMap((one) =>
      protectedBy(
        one,
        people.map(([tag]) => tag),
      ).flatMap((tag) => snapshot.tags.get(tag) ?? []),
    ),
  ])
  const marked = markedBy(question, snapshot, people, held)
  const roots = [...used, ...people.filter(([tag]) => !marked.has(tag)).map(([, digest]) => digest)]
  const reachedByMarked = graph.reach([...marked].flatMap((tag) => snapshot.tags.get(tag) ?? []))

  const named = new Set(people.map(([, digest]) => digest))
  // evidence is a root of its own unless what it speaks of dies; a root more may save a subject, so again until nothing changes
  let alive = graph.reach(roots)
  for (;;) {
    const dying = (digest: string): boolean => reachedByMarked.has(digest) && !alive.has(digest)
    const more = new Set<string>()
    for (const [tag, digest] of snapshot.tags) if (isEvidence(tag) && !dying(subjectOf(tag))) more.add(digest)
    for (const digest of visible) {
      const subject = snapshot.manifests.get(digest)?.subject
      if (subject === undefined || dying(subject)) continue
      const isListed = visible.has(subject) || named.has(digest) || !reachedByMarked.has(digest)
      if (isListed || orphansInIndexesStay) more.add(digest)
    }
    const next = graph.reach([...roots, ...more])
    if (next.size === alive.size) break
    alive = next
  }

  const dead = new Set([...visible].filter((digest) => !alive.has(digest)))
  const sorted = {
    lost: new Set<string>(),
    untagged: new Set<string>(),
    loose: new Set<string>(),
    kept: new Set<string>(),
  }
  const isOrphan = (digest: string): boolean => {
    const subject = snapshot.manifests.get(digest)?.subject
    return subject !== undefined && !visible.has(subject)
  }
  const orphaned = new Set(
    [...snapshot.tags].flatMap(([tag, digest]) =>
      isEvidence(tag) && !visible.has(subjectOf(tag)) ? [digest] : [],
    ),
  )
  for (const [tag, digest] of snapshot.tags) {
    if (dead.has(digest)) sorted.lost.add(tag)
    else if (isEvidence(tag)) (dead.has(subjectOf(tag)) ? sorted.loose : sorted.kept).add(tag)
    else if (!marked.has(tag) || isOrphan(digest)) sorted.kept.add(tag)
    else (orphaned.has(digest) ? sorted.loose : sorted.untagged).add(tag)
  }
  const images = new Set(people.map(([, digest]) => digest))
  const count = { images: images.size, deleted: [...images].filter((digest) => dead.has(digest)).length }
  const refused = brokenLimit(question.policy.limits ?? {}, count)
  return { marked, dead, alive, ...sorted, count, ...(refused !== undefined && { refused }) }
}

function brokenLimit(
  limits: NonNullable<PolicyData['limits']>,
  { images, deleted }: Verdicts['count'],
): string | undefined {
  if (limits.maxDeletes !== undefined && deleted > limits.maxDeletes) return 'maxDeletes'
  if (limits.maxPercent !== undefined && deleted * 100 > limits.maxPercent * images) return 'maxPercent'
  if (limits.minRemaining !== undefined && deleted > 0 && images - deleted < limits.minRemaining)
    return 'minRemaining'
  return undefined
}

/** What a client can see: from all tags and from what is in use, by children, lists of referrers and evidence tags. */
export function visibleIn(snapshot: Snapshot, roots: readonly string[]): Set<string> {
  return new Graph(snapshot, new Set()).reach([...snapshot.tags.values(), ...roots])
}

/** What leads where. */
export class Graph {
  readonly #snapshot: Snapshot
  readonly #known: ReadonlySet<string>

  /** @param known manifests whose own `subject` is known, whether a registry lists it or not */
  constructor(snapshot: Snapshot, known: ReadonlySet<string>) {
    this.#snapshot = snapshot
    this.#known = known
  }

  /** One step, to what is there. */
  from(digest: string): readonly string[] {
    const { manifests, tags } = this.#snapshot
    const children = manifests.get(digest)?.children.map((child) => child.digest) ?? []
    const underTags = [...tags].flatMap(([tag, to]) =>
      isEvidence(tag) && subjectOf(tag) === digest ? [to] : [],
    )
    const ownWords = [...this.#known].filter((other) => manifests.get(other)?.subject === digest)
    const all = [...children, ...this.#snapshot.referrers(digest), ...underTags, ...ownWords]
    return all.filter((to) => manifests.has(to))
  }

  reach(roots: readonly string[]): Set<string> {
    const reached = new Set<string>()
    const open = roots.filter((digest) => this.#snapshot.manifests.has(digest))
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (reached.has(digest)) continue
      reached.add(digest)
      open.push(...this.from(digest))
    }
    return reached
  }
}
