import { isEvidence, subjectOf } from './evidence-tags.ts'
import type { PruneInput } from './oracle/facts.ts'
import { Graph } from './oracle/graph.ts'
import { type Verdicts, verdictsOf } from './oracle.ts'
import type { ManifestHistory } from './manifest-history.ts'
import type { HandledRequest } from './simulated-registry.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * The most deletes between two lists of all tags (retention.md, Execute), including concurrent
 * ones.
 */
const maxDeletesWithoutList = 100 + 16
/**
 * The most deletes between the check of a tag and the delete of its digest, which run concurrently.
 */
const maxConcurrentDeletes = 16

/**
 * Observes one run of dray at the registry, and judges each delete by the responses that the run
 * had received until then.
 *
 * A change of another client counts as seen from the first response that shows it: a HEAD or GET of
 * the tag with the new digest, a list of tags with a new name, or a list of referrers with the new
 * one. A delete before that is no error, and `unseenLosses` has what it deleted. This includes no
 * change that a check of retention.md would have shown (each tag just before its delete, all names
 * every hundred deletes), because a missing check is an error.
 */
export class RunObserver {
  readonly complaints: string[] = []
  /** needed manifests that this run deleted, because no response had shown that they were needed */
  readonly unseenLosses: Set<string> = new Set()
  readonly deleted: Set<string> = new Set()
  readonly methods: Set<string> = new Set()
  /** status codes of the deletes of manifests that are not locked, in order */
  readonly deleteStatuses: number[] = []
  /** tags that were deleted alone */
  untagged = 0
  /** deletes of locked content */
  locked = 0
  verdicts: Verdicts | undefined
  readonly #history: ManifestHistory
  readonly #input: PruneInput
  readonly #tags: Map<string, string> = new Map()
  readonly #existing: Set<string> = new Set()
  readonly #listed: Map<string, readonly string[]> = new Map()
  /** the number of deletes before the last check of each tag */
  readonly #checkedAt: Map<string, number> = new Map()
  #listedAt = 0
  #deletes = 0
  #plannedTags: ReadonlyMap<string, string> = new Map()

  readonly #added: ReadonlySet<string>

  /** @param added manifests that other clients push meanwhile, also unreferenced ones */
  constructor(history: ManifestHistory, input: PruneInput, added: ReadonlySet<string>) {
    this.#history = history
    this.#input = input
    this.#added = added
  }

  /**
   * Computes which deletes the plan may contain from the responses until now.
   * @param isImmediate the plan is executed at once, so its list of tags is recent
   */
  onPlan(isImmediate: boolean): Verdicts {
    this.verdicts = verdictsOf(this.#knowledge(), this.#input)
    this.#plannedTags = new Map(this.#tags)
    this.#checkedAt.clear()
    if (!isImmediate) this.#listedAt = Number.NEGATIVE_INFINITY
    return this.verdicts
  }

  /** For a run that executes the plan of another run, and knows no tags that are not in it. */
  usePlanOf(other: RunObserver): void {
    this.verdicts = other.verdicts
    this.#plannedTags = other.#plannedTags
    for (const [tag, digest] of other.#plannedTags) this.#tags.set(tag, digest)
    for (const digest of other.#existing) this.#existing.add(digest)
    for (const [subject, listed] of other.#listed) this.#listed.set(subject, listed)
    this.#listedAt = Number.NEGATIVE_INFINITY
  }

  /** Before a request is handled. */
  async onRequest(method: string, kind: HandledRequest['kind'], reference: string): Promise<void> {
    this.methods.add(method)
    if (method !== 'DELETE') return
    if (kind !== 'manifest') return void this.complaints.push(`DELETE of a ${kind}`)
    const actual = await this.#history.now()
    if (reference.startsWith('sha256:')) this.#beforeManifest(reference, actual)
    else this.#beforeTag(reference, actual)
    // Tags that are deleted before their digest count as part of its delete.
    if (this.verdicts?.deletedTags.has(reference) !== true) this.#deletes += 1
  }

  /** Before the run gets a response. */
  async onResponse({
    method,
    kind,
    reference,
    status,
    headers,
    body,
    isLocked,
  }: HandledRequest): Promise<void> {
    const isDigest = reference.startsWith('sha256:')
    if (method === 'DELETE') {
      if (isLocked) this.locked += 1
      if (!isDigest && status === 202) this.untagged += 1
      if (isDigest && !isLocked) this.deleteStatuses.push(status)
      if (isDigest && status === 202) this.deleted.add(reference)
      if (status !== 202 && status !== 404) return
      if (!isDigest) this.#tags.delete(reference)
      else this.#forget(reference)
      return
    }
    if (kind === 'manifest') {
      const digest = headers['docker-content-digest']
      if (!isDigest) this.#checkedAt.set(reference, this.#deletes)
      if (status === 200 && digest !== undefined) {
        this.#existing.add(digest)
        if (!isDigest) this.#tags.set(reference, digest)
      } else if (status === 404) {
        if (isDigest) this.#forget(reference)
        else this.#tags.delete(reference)
      }
    }
    if (kind === 'tags' && status === 200) await this.#onTagList(body)
    if (kind === 'referrers' && status === 200) {
      const { manifests } = JSON.parse(body) as { readonly manifests: readonly { readonly digest: string }[] }
      const listed = manifests.map((one) => one.digest)
      for (const digest of listed) this.#existing.add(digest)
      // This is one page, so earlier entries are kept.
      this.#listed.set(reference, [...new Set([...(this.#listed.get(reference) ?? []), ...listed])])
    }
  }

  async #onTagList(body: string): Promise<void> {
    this.#listedAt = this.#deletes
    const { tags } = JSON.parse(body) as { readonly tags: readonly string[] | null }
    const isPlanned = this.verdicts !== undefined
    for (const tag of tags ?? []) {
      if (!isPlanned || this.#tags.has(tag)) continue
      const digest = (await this.#history.now()).tags.get(tag)
      if (digest === undefined) continue
      this.#tags.set(tag, digest)
      this.#existing.add(digest)
    }
  }

  #forget(digest: string): void {
    this.#existing.delete(digest)
    for (const [tag, on] of this.#tags) if (on === digest) this.#tags.delete(tag)
  }

  #beforeManifest(digest: string, actual: Snapshot): void {
    const short = digest.slice(7, 15)
    const { verdicts } = this
    if (verdicts === undefined || verdicts.refused !== undefined || !verdicts.garbage.has(digest)) {
      this.complaints.push(
        `${short} is deleted although it is not garbage (${verdicts?.refused ?? 'no limit'})`,
      )
      return
    }
    if (this.#neededIn(this.#knowledge()).has(digest))
      this.complaints.push(`${short} is deleted although a response showed that it is needed`)
    const isNeeded =
      this.#neededIn(actual).has(digest) || new Graph(actual, new Set()).reach([...this.#added]).has(digest)
    if (actual.manifests.has(digest) && isNeeded) this.unseenLosses.add(digest)
    if (this.#deletes - this.#listedAt > maxDeletesWithoutList)
      this.complaints.push(
        `${short} is deleted after ${this.#deletes - this.#listedAt} deletes without a list of tags`,
      )
    for (const tag of verdicts.deletedTags) {
      if (this.#plannedTags.get(tag) !== digest) continue
      const checkedAfter = this.#checkedAt.get(tag) ?? Number.NEGATIVE_INFINITY
      if (this.#deletes - checkedAfter > maxConcurrentDeletes)
        this.complaints.push(`${short} is deleted without a check of ${tag}`)
    }
    for (const [tag, on] of actual.tags) {
      if (on !== digest || (verdicts.deletedTags.has(tag) && this.#plannedTags.get(tag) === digest)) continue
      if (this.#tags.get(tag) === digest) this.complaints.push(`${short} is deleted with the tag ${tag}`)
    }
  }

  #beforeTag(tag: string, actual: Snapshot): void {
    const { verdicts } = this
    const planned = this.#plannedTags.get(tag)
    if (verdicts === undefined || verdicts.refused !== undefined || !this.#deletableTags(verdicts).has(tag))
      this.complaints.push(`the tag ${tag} is deleted although it is not selected`)
    else if (this.#tags.get(tag) !== planned)
      this.complaints.push(`the tag ${tag} is deleted although a response showed that it was moved`)
    else if (actual.tags.get(tag) !== undefined && actual.tags.get(tag) !== planned)
      this.unseenLosses.add(`${tag} ${actual.tags.get(tag)}`)
  }

  /** The tags that may be deleted alone. Some registries want tags deleted before their digest. */
  #deletableTags({ untagged, optional, deletedTags }: Verdicts): ReadonlySet<string> {
    const first = this.#history.registry.abilities.deleteTagged ? [] : deletedTags
    return new Set([...untagged, ...optional, ...first])
  }

  /** The digests that `snapshot` needs: by kept tags, by use, or as evidence of a kept subject. */
  #neededIn(snapshot: Snapshot): ReadonlySet<string> {
    const { verdicts } = this
    const garbage = verdicts?.garbage ?? new Set()
    const selected = new Set([
      ...(verdicts?.deletedTags ?? []),
      ...(verdicts?.untagged ?? []),
      ...(verdicts?.optional ?? []),
    ])
    const roots: string[] = this.#input.inUse.flatMap((at) =>
      at.startsWith('sha256:') ? [at] : (this.#plannedTags.get(at) ?? []),
    )
    for (const [tag, digest] of snapshot.tags) {
      const isSelected = selected.has(tag) && this.#plannedTags.get(tag) === digest
      const isEvidenceOfGarbage = isEvidence(tag) && garbage.has(subjectOf(tag))
      if (!isSelected && !isEvidenceOfGarbage) roots.push(digest)
    }
    const known = new Graph(snapshot, new Set()).reach([...snapshot.tags.values(), ...roots])
    for (const digest of known) {
      const subject = snapshot.manifests.get(digest)?.subject
      if (subject !== undefined && !garbage.has(subject) && !garbage.has(digest)) roots.push(digest)
    }
    return new Graph(snapshot, known).reach(roots)
  }

  #knowledge(): Snapshot {
    const manifests = new Map(
      [...this.#existing].flatMap((digest) => {
        const manifest = this.#history.manifests.get(digest)
        return manifest === undefined ? [] : [[digest, manifest] as const]
      }),
    )
    return {
      tags: this.#tags,
      manifests,
      referrers: (subject) =>
        (this.#listed.get(subject) ?? []).filter((digest) => this.#existing.has(digest)),
    }
  }
}
