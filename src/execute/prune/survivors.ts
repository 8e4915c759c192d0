import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { DeleteManifestStep, DeleteStep } from '../../plan/prune/prune-plan.ts'
import { fallbackTag, isEvidenceTag } from '../../oci/evidence-tags.ts'
import { Reach, subjectKeyOf } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'

/** Why a manifest stays after all. */
type Hold =
  /** a tag that the plan did not see on it */
  | { readonly kind: 'tagged'; readonly tag: string }
  /** a tag that was to go with it is on something else */
  | { readonly kind: 'moved'; readonly tag: string; readonly to: Digest }
  /** something that stays leads to it: an index, a subject */
  | { readonly kind: 'reached'; readonly by: Digest }
  | { readonly kind: 'inUse' }

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
    this.#isPending = isPending
  }

  /** The delete of a manifest. */
  of(digest: Digest): DeleteManifestStep | undefined {
    return this.#ifPending(this.#byDigest.get(digest))
  }

  /** The manifest that this tag is deleted with. */
  withTag(tag: string): Digest | undefined {
    return this.#ifPending(this.#byTag.get(tag))?.target.digest
  }

  /** The attached artifacts of a subject that are to be deleted. A graph may not show all of them. */
  attachedTo(subject: Digest): readonly Digest[] {
    const steps = [
      ...(this.#bySubject.get(subject) ?? []),
      ...(this.#byEvidenceTag.get(fallbackTag(subject)) ?? []),
    ]
    return steps.filter(this.#isPending).map(({ target }) => target.digest)
  }

  #ifPending(step: DeleteManifestStep | undefined): DeleteManifestStep | undefined {
    return step !== undefined && this.#isPending(step) ? step : undefined
  }
}

/**
 * Returns the deletes that must not happen, each with the reason, by what the repository has now.
 * Every manifest that is there and is not to be deleted keeps what it reaches, so that a new tag,
 * index or subject counts like an old one, and a new attached artifact stays whole. The caller keeps
 * the steps that come after these as well. Pure.
 * @param graph may be a part of the repository: then it shows what that part keeps
 */
export function survivorsOf(
  deletes: PendingDeletes,
  roots: readonly Digest[],
  graph: RepositoryGraph,
): ReadonlyMap<DeleteManifestStep, ErrorInfo> {
  const survivors = new Map<DeleteManifestStep, ErrorInfo>()
  const tags = new Map([...graph.tags].toReversed().map(([tag, digest]) => [digest, tag]))
  for (const [digest, hold] of holdsOf(deletes, roots, graph)) {
    const step = deletes.of(digest)
    if (step !== undefined) survivors.set(step, conflictOf(step, hold, tags))
  }
  return survivors
}

/** A delete that has to wait for one that will not be: what leads to it stays. */
export function heldBack(step: DeleteStep): ErrorInfo {
  return conflict(nameOf(step), 'what leads to it stays')
}

/** A tag that is on something else than the plan saw, just before the delete. */
export function movedTag(step: DeleteStep, tag: string, to: Digest): DrayError {
  return new DrayError('conflict', `${nameOf(step)} is not deleted`, {
    subject: nameOf(step),
    why: `the tag ${tag} is on ${to} now`,
    hint: conflictHint,
  })
}

function holdsOf(
  deletes: PendingDeletes,
  roots: readonly Digest[],
  graph: RepositoryGraph,
): ReadonlyMap<Digest, Hold> {
  const isDeleted = (digest: Digest): boolean => deletes.of(digest) !== undefined
  const holds = new Map<Digest, Hold>()
  for (const [tag, digest] of graph.tags) {
    const planned = deletes.withTag(tag)
    if (digest === null || digest === planned) continue
    if (isDeleted(digest)) holds.set(digest, { kind: 'tagged', tag })
    if (planned !== undefined && !holds.has(planned)) holds.set(planned, { kind: 'moved', tag, to: digest })
  }
  for (const root of roots) if (isDeleted(root)) holds.set(root, { kind: 'inUse' })
  const staying = [...graph.nodes.keys()].filter((digest) => !isDeleted(digest))
  const reach = new Reach(graph)
  const open: Digest[] = [...staying, ...roots, ...holds.keys()]
  const seen = new Set(open)
  for (let by = open.pop(); by !== undefined; by = open.pop()) {
    for (const below of [...reach.from(by), ...deletes.attachedTo(by)]) {
      if (seen.has(below)) continue
      seen.add(below)
      open.push(below)
      if (isDeleted(below)) holds.set(below, { kind: 'reached', by })
    }
  }
  return holds
}

/** @param tags of each digest one */
function conflictOf(
  step: DeleteManifestStep,
  hold: Hold,
  tags: ReadonlyMap<Digest | null, string>,
): ErrorInfo {
  const name = nameOf(step)
  switch (hold.kind) {
    case 'tagged':
      return conflict(name, `the tag ${hold.tag} is on it now`)
    case 'moved':
      return conflict(name, `the tag ${hold.tag} is on ${hold.to} now`)
    case 'reached': {
      const tag = tags.get(hold.by)
      const by = tag === undefined ? hold.by : `${formatAt(step.repository, { tag })} (${hold.by})`
      return conflict(name, `${by} leads to it`)
    }
    case 'inUse':
      return conflict(name, 'it is in use')
  }
}

const conflictHint =
  'Someone changed this repository since the plan was made, and it stays. Run dray prune again: it decides anew.'

function conflict(name: string, why: string): ErrorInfo {
  const hint = conflictHint
  return toErrorInfo(new DrayError('conflict', `${name} is not deleted`, { subject: name, why, hint }))
}

/** What a step deletes, as a reference. */
function nameOf(step: DeleteStep): string {
  const at = step.kind === 'deleteTag' ? { tag: step.tag } : { digest: step.target.digest }
  return formatAt(step.repository, at)
}
