import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { describeHold, findHolds, type Hold } from '../../audit/holds/find-holds.ts'
import type { RecordedPut } from '../../audit/query/recorded-puts.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { DeleteManifestStep, DeleteStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import { fallbackTag, isEvidenceTag } from '../../oci/evidence-tags.ts'
import { Reach, subjectKeyOf } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { deleteConflict } from './delete-conflicts.ts'

/** Why a manifest that was to be deleted is in the live set. */
type LiveReason =
  /** a tag that the plan did not see points at it */
  | { readonly kind: 'tagged'; readonly tag: string }
  /** a tag that was to be deleted with it points at another manifest */
  | { readonly kind: 'moved'; readonly tag: string; readonly to: Digest }
  /** a kept manifest reaches it: an index, a subject */
  | { readonly kind: 'reached'; readonly by: Digest }
  | { readonly kind: 'inUse' }
  /** a person holds it */
  | { readonly kind: 'held'; readonly hold: Hold }
  /** another run puts it there */
  | { readonly kind: 'put'; readonly put: RecordedPut }

/**
 * The pending deletes of a repository, by what can keep their manifests. It is built once for a
 * repository: a read of a few tags then costs what those tags reach, not what the plan deletes.
 */
export class PendingDeletes {
  readonly #byDigest = new Map<Digest, DeleteManifestStep>()
  readonly #byTag = new Map<string, DeleteManifestStep>()
  readonly #bySubject: ReadonlyMap<Digest | undefined, readonly DeleteManifestStep[]>
  /** by the part of an evidence tag that names its subject: not every graph has those tags */
  readonly #byEvidenceTag: ReadonlyMap<string, readonly DeleteManifestStep[]>
  readonly #untags: ReadonlyMap<string, DeleteTagStep>
  readonly #isPending: (step: DeleteStep) => boolean

  /** @param isPending steps that have ended do not count: what is there again was pushed since */
  constructor(steps: readonly DeleteStep[], isPending: (step: DeleteStep) => boolean) {
    const manifests = steps.filter((step) => step.kind === 'deleteManifest')
    for (const step of manifests) {
      this.#byDigest.set(step.target.digest, step)
      for (const tag of step.losesTags) this.#byTag.set(tag, step)
    }
    this.#bySubject = Map.groupBy(manifests, ({ subject }) => subject)
    const tagged = manifests.flatMap((step) =>
      step.losesTags.filter(isEvidenceTag).map((tag) => ({ key: subjectKeyOf(tag), step })),
    )
    const byKey = Map.groupBy(tagged, ({ key }) => key)
    this.#byEvidenceTag = new Map([...byKey].map(([key, those]) => [key, those.map(({ step }) => step)]))
    const untags = steps.filter((step) => step.kind === 'deleteTag')
    this.#untags = new Map(untags.map((step) => [step.tag, step]))
    this.#isPending = isPending
  }

  /** The delete of a tag alone. */
  ofTag(tag: string): DeleteTagStep | undefined {
    return this.#ifPending(this.#untags.get(tag))
  }

  /** The delete of a manifest. */
  of(digest: Digest): DeleteManifestStep | undefined {
    return this.#ifPending(this.#byDigest.get(digest))
  }

  /** The deletes of all manifests. */
  all(): readonly DeleteManifestStep[] {
    return [...this.#byDigest.values()].filter(this.#isPending)
  }

  /** The manifest that this tag is deleted with. */
  withTag(tag: string): Digest | undefined {
    return this.#ifPending(this.#byTag.get(tag))?.target.digest
  }

  /**
   * The attached artifacts of a subject that are to be deleted. A graph may not show all of them.
   */
  attachedTo(subject: Digest): readonly Digest[] {
    const steps = [
      ...(this.#bySubject.get(subject) ?? []),
      ...(this.#byEvidenceTag.get(fallbackTag(subject)) ?? []),
    ]
    return steps.filter(this.#isPending).map(({ target }) => target.digest)
  }

  #ifPending<S extends DeleteStep>(step: S | undefined): S | undefined {
    return step !== undefined && this.#isPending(step) ? step : undefined
  }
}

/**
 * Returns the deletes whose manifests are in the live set now, each with the reason. Every manifest
 * that exists and is not to be deleted keeps what it reaches, so that a new tag, index or subject
 * counts like an old one, and a new attached artifact remains complete. The caller keeps the steps
 * that come after these as well. Pure.
 * @param roots digests that are in use
 * @param graph may be a part of the repository: then it shows what that part keeps
 * @param now milliseconds since 1970
 * @param puts manifests that other runs put there, which keep what they reach
 */
export function findLiveDeletes(
  deletes: PendingDeletes,
  roots: readonly Digest[],
  graph: RepositoryGraph,
  now: number,
  puts: ReadonlyMap<Digest, RecordedPut> = new Map(),
): ReadonlyMap<DeleteManifestStep, ErrorInfo> {
  const live = new Map<DeleteManifestStep, ErrorInfo>()
  const tags = new Map([...graph.tags].toReversed().map(([tag, digest]) => [digest, tag]))
  const held = findHolds(graph, now).byDigest
  for (const [digest, reason] of liveReasons(deletes, { roots, held, puts }, graph)) {
    const step = deletes.of(digest)
    if (step !== undefined)
      live.set(step, toErrorInfo(deleteConflict(step, textOf(reason, step, tags, puts))))
  }
  return live
}

interface LiveRoots {
  /** digests that are in use */
  readonly roots: readonly Digest[]
  readonly held: ReadonlyMap<Digest, Hold>
  readonly puts: ReadonlyMap<Digest, RecordedPut>
}

function liveReasons(
  deletes: PendingDeletes,
  { roots, held, puts }: LiveRoots,
  graph: RepositoryGraph,
): ReadonlyMap<Digest, LiveReason> {
  const isDeleted = (digest: Digest): boolean => deletes.of(digest) !== undefined
  const reasons = new Map<Digest, LiveReason>()
  for (const [tag, digest] of graph.tags) {
    const planned = deletes.withTag(tag)
    if (digest === null || digest === planned) continue
    if (isDeleted(digest)) reasons.set(digest, { kind: 'tagged', tag })
    if (planned !== undefined && !reasons.has(planned))
      reasons.set(planned, { kind: 'moved', tag, to: digest })
  }
  for (const root of roots) if (isDeleted(root)) reasons.set(root, { kind: 'inUse' })
  // A tag of a hold counts like any other tag.
  for (const [digest, hold] of held)
    if (hold.kind !== 'tag' && isDeleted(digest)) reasons.set(digest, { kind: 'held', hold })
  for (const [digest, put] of puts) if (isDeleted(digest)) reasons.set(digest, { kind: 'put', put })
  const kept = [...graph.nodes.keys()].filter((digest) => !isDeleted(digest))
  const reach = new Reach(graph)
  const open: Digest[] = [...kept, ...roots, ...puts.keys(), ...reasons.keys()]
  const marked = new Set(open)
  for (let by = open.pop(); by !== undefined; by = open.pop()) {
    for (const below of [...reach.from(by), ...deletes.attachedTo(by)]) {
      if (marked.has(below)) continue
      marked.add(below)
      open.push(below)
      if (isDeleted(below)) reasons.set(below, { kind: 'reached', by })
    }
  }
  return reasons
}

/** @param tags of each digest one */
function textOf(
  reason: LiveReason,
  { repository }: DeleteStep,
  tags: ReadonlyMap<Digest | null, string>,
  puts: ReadonlyMap<Digest, RecordedPut>,
): string {
  switch (reason.kind) {
    case 'tagged':
      return `the tag ${reason.tag} points to it now`
    case 'moved':
      return `the tag ${reason.tag} points to ${reason.to} now`
    case 'reached': {
      const [tag, put] = [tags.get(reason.by), puts.get(reason.by)]
      const by = tag === undefined ? reason.by : `${formatAt(repository, { tag })} (${reason.by})`
      return put === undefined ? `${by} leads to it` : `${by} leads to it, and ${describePut(put)}`
    }
    case 'put':
      return describePut(reason.put)
    case 'inUse':
      return 'it is in use'
    case 'held':
      return `it is ${describeHold(reason.hold)}`
  }
}

/** The change of another run, by the audit log. */
export function describePut({ run, operation, user, tag }: RecordedPut): string {
  const content = operation === 'hold' ? 'holds it' : 'copies it to this repository'
  const change = tag === undefined ? content : `writes the tag ${tag} for it`
  return `according to the audit log, the run ${run} (${operation} by ${user}) ${change}`
}
