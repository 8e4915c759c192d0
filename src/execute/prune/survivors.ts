import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
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
 * Which of these deletes must not happen, with what speaks against them, by what the repository has now: pure. All that is there and is not to be deleted
 * holds what it reaches, so that a new tag, index or subject holds as well as an old one, and evidence that came meanwhile stays whole. A step that comes
 * after one of them is among them. `graph` may be a part of the repository: it tells what that part holds.
 * @param steps in the order of the plan; those that have ended are left out: what they deleted and is there again was put there since
 */
export function survivorsOf(
  steps: readonly DeleteStep[],
  roots: readonly Digest[],
  graph: RepositoryGraph,
): ReadonlyMap<StepId, ErrorInfo> {
  const manifests = steps.filter((step) => step.kind === 'deleteManifest')
  const holds = holdsOf(manifests, roots, graph)
  const survivors = new Map<StepId, ErrorInfo>()
  for (const step of steps) {
    const hold = step.kind === 'deleteManifest' ? holds.get(step.target.digest) : undefined
    if (hold !== undefined) survivors.set(step.id, conflictOf(step.repository, nameOf(step), hold, graph))
    else if (step.after.some((id) => survivors.has(id))) survivors.set(step.id, heldBack(step))
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
  doomed: readonly DeleteManifestStep[],
  roots: readonly Digest[],
  graph: RepositoryGraph,
): ReadonlyMap<Digest, Hold> {
  const dying = new Map(doomed.map((step) => [step.target.digest, step]))
  const holds = new Map<Digest, Hold>()
  const lost = new Map(
    doomed.flatMap(({ losesTags, target }) => losesTags.map((tag) => [tag, target.digest])),
  )
  for (const [tag, digest] of graph.tags) {
    const planned = lost.get(tag)
    if (digest === null || digest === planned) continue
    if (dying.has(digest)) holds.set(digest, { kind: 'tagged', tag })
    if (planned !== undefined && !holds.has(planned)) holds.set(planned, { kind: 'moved', tag, to: digest })
  }
  for (const root of roots) if (dying.has(root)) holds.set(root, { kind: 'inUse' })
  const staying = [...graph.nodes.keys()].filter((digest) => !dying.has(digest))
  const reach = new Reach(graph)
  const bySubject = Map.groupBy(doomed, ({ subject }) => subject)
  const byEvidenceTag = evidenceByTag(doomed)
  const open: Digest[] = [...staying, ...roots, ...holds.keys()]
  const seen = new Set(open)
  for (let by = open.pop(); by !== undefined; by = open.pop()) {
    // a referrer that is found by its subject's list alone is not in every graph
    const listed = (bySubject.get(by) ?? []).map(({ target }) => target.digest)
    const evidence = [...listed, ...(byEvidenceTag.get(fallbackTag(by)) ?? [])]
    for (const below of [...reach.from(by), ...evidence]) {
      if (seen.has(below)) continue
      seen.add(below)
      open.push(below)
      if (dying.has(below)) holds.set(below, { kind: 'reached', by })
    }
  }
  return holds
}

/** What goes with evidence tags, by the part of a tag that names its subject: not every graph has those tags. */
function evidenceByTag(doomed: readonly DeleteManifestStep[]): ReadonlyMap<string, readonly Digest[]> {
  const tagged = doomed.flatMap(({ losesTags, target }) =>
    losesTags.filter(isEvidenceTag).map((tag) => ({ key: subjectKeyOf(tag), digest: target.digest })),
  )
  const byKey = Map.groupBy(tagged, ({ key }) => key)
  return new Map([...byKey].map(([key, those]) => [key, those.map(({ digest }) => digest)]))
}

function conflictOf(repository: RepositoryName, name: string, hold: Hold, graph: RepositoryGraph): ErrorInfo {
  switch (hold.kind) {
    case 'tagged':
      return conflict(name, `the tag ${hold.tag} is on it now`)
    case 'moved':
      return conflict(name, `the tag ${hold.tag} is on ${hold.to} now`)
    case 'reached': {
      const [tag] = [...graph.tags].find(([, digest]) => digest === hold.by) ?? []
      const by = tag === undefined ? hold.by : `${formatAt(repository, { tag })} (${hold.by})`
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
