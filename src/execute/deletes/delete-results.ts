import type { Call } from '../../lib/call.ts'
import { type DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import type { TargetRepository } from '../../images/ports.ts'
import { resolveTags } from '../../images/tags/tags.ts'
import { consequenceOf, isKeptByEvidence, isUnclear, keepersIn } from './delete-failure.ts'
import { type DeleteLedger, unattempted } from './delete-ledger.ts'
import type { Rescans } from './rescans.ts'
import { lostImage, type TagDeletes } from './tag-deletes.ts'

export interface ResultPorts {
  readonly store: TargetRepository
  /** the deletes of single tags in the repositories of the run */
  readonly tagDeletes: TagDeletes
  /** returns how to restore a lost image, in one sentence */
  readonly describeRestore: (step: DeleteTagStep, losesTags: readonly string[]) => Promise<string>
  readonly call: Call
}

/**
 * After so many locked manifests, the registry evidently executes deletes of this user, and the
 * next ones go together.
 */
const lockedAtFirst = 16
/** If so many deletes of a kind fail before the first success, the others are not attempted. */
const maxFailuresAtFirst = 3

/**
 * Settles deletes by the responses of the registry, and what follows from them for the other
 * deletes.
 */
export class DeleteResults {
  readonly #ledger: DeleteLedger
  readonly #rescans: Rescans
  readonly #ports: ResultPorts
  readonly #proven = new Set<DeleteStep['kind']>()
  readonly #failures = new Map<DeleteStep['kind'], number>()
  #lockedManifests = 0
  /** tags that were deleted before their manifest, as some registries require */
  readonly #untagged = new Map<StepId, Set<string>>()

  constructor(ledger: DeleteLedger, rescans: Rescans, ports: ResultPorts) {
    this.#ledger = ledger
    this.#rescans = rescans
    this.#ports = ports
  }

  /** Whether the next delete of this kind goes alone: its response decides about the others. */
  goesAlone(kind: DeleteStep['kind']): boolean {
    if (this.#proven.has(kind)) return false
    return kind === 'deleteTag' || this.#lockedManifests < lockedAtFirst
  }

  async succeeded(step: DeleteStep, result: 'done' | 'unchanged'): Promise<void> {
    this.#rescans.forget(step.kind === 'deleteTag' ? [step.tag] : step.losesTags)
    if (step.kind === 'deleteTag' && result === 'done' && !this.#proven.has(step.kind))
      return await this.#afterFirstTag(step)
    if (step.kind === 'deleteManifest') this.#proven.add(step.kind)
    this.#ledger.settle(step, result)
  }

  /**
   * The request failed. If that leaves open whether it is deleted, the registry is read.
   * @param hasTags tags remain on the manifest: then its attached artifacts do not keep it
   */
  async requestFailed(step: DeleteStep, error: DrayError, hasTags: boolean): Promise<void> {
    if (!isUnclear(error)) return this.failed(step, error, hasTags)
    let isGone: boolean
    try {
      isGone = await this.isGone(step, this.#ports.call)
    } catch {
      this.#ledger.leaveOpen(step, toErrorInfo(error))
      return this.#countFailure(step)
    }
    if (isGone) await this.succeeded(step, 'done')
    else this.failed(step, error, hasTags)
  }

  /** The tags that are deleted before the manifest of a step; the delete adds them. */
  untagged({ id }: DeleteStep): Set<string> {
    const tags = this.#untagged.get(id) ?? new Set<string>()
    this.#untagged.set(id, tags)
    return tags
  }

  failed(step: DeleteStep, error: DrayError, hasTags: boolean): void {
    if (!hasTags && isKeptByEvidence(step, error, this.#ports.store)) {
      if (this.#ledger.postpone(step, keepersIn(step, error))) return
    }
    const info = toErrorInfo(error)
    switch (consequenceOf(step, error, this.#proven.has(step.kind))) {
      case 'lockIt':
        if (step.kind === 'deleteManifest') this.#lockedManifests += 1
        return this.#settleUndeleted(step, 'locked', info)
      case 'keepIt':
        return this.#ledger.settle(step, 'kept', info)
      case 'keepAll':
        return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'kept', info)
      case 'refuseAll':
        // The one that was sent comes first in the outcomes.
        this.#ledger.settle(step, 'refused', info)
        return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'refused', info)
      case 'failIt':
        this.#settleUndeleted(step, 'failed', info)
        return this.#countFailure(step)
    }
  }

  #settleUndeleted(step: DeleteStep, result: 'locked' | 'failed', error: ErrorInfo): void {
    const untagged = this.untagged(step)
    if (untagged.size === 0) this.#ledger.settle(step, result, error)
    else this.#ledger.settleLost(step, result, [...untagged], error)
  }

  async isGone(step: DeleteStep, call: Call): Promise<boolean> {
    const at = step.kind === 'deleteTag' ? { tag: step.tag } : { digest: step.target.digest }
    return (await this.#ports.store.resolve(at, call)) === undefined
  }

  /** Keeps the tags that remain to be deleted, if the registry deletes images with them. */
  keepUnsafeTags(): void {
    const why = this.#ports.tagDeletes.reasonAgainst(this.#ports.store.repository.registry)
    if (why !== undefined) this.#ledger.settleAll(this.#ledger.pending('deleteTag'), 'kept', why)
  }

  /**
   * A registry may delete the manifest together with its tag. If it did, or if that is unknown, no
   * other tag is deleted.
   */
  async #afterFirstTag(step: DeleteTagStep): Promise<void> {
    const { store, call } = this.#ports
    let isThere: boolean
    try {
      isThere = (await store.resolve({ digest: step.digest }, call)) !== undefined
    } catch (thrown) {
      const error = toErrorInfo(thrown)
      // The next run finds out what became of the image.
      this.#ledger.leaveOpen(step, error)
      return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'failed', error)
    }
    const others = this.#rescans.tagsOn(step.digest)
    const found = isThere ? new Map<string, Digest | null>() : await this.#findTags(others)
    const lost = others.filter((tag) => (found.get(tag) ?? null) === null)
    // A registry that still has a tag on the image has the image.
    if (!isThere && ![...found.values()].includes(step.digest)) return await this.#settleLost(step, lost)
    this.#proven.add(step.kind)
    this.#ledger.settle(step, 'done')
  }

  /** The targets of tags; none of them if they cannot be read. */
  async #findTags(tags: readonly string[]): Promise<ReadonlyMap<string, Digest | null>> {
    try {
      return await resolveTags(this.#ports.store, tags, this.#ports.call)
    } catch {
      return new Map()
    }
  }

  /** Settles the delete of a tag with which the registry deleted the image and its other tags. */
  async #settleLost(step: DeleteTagStep, others: readonly string[]): Promise<void> {
    const { store, tagDeletes } = this.#ports
    tagDeletes.end(store.repository.registry)
    const toDelete = new Map(this.#ledger.pending('deleteTag').map((one) => [tagOf(one), one]))
    // The tags that were to stay come first: those are to be restored.
    const losesTags = [
      step.tag,
      ...others.filter((tag) => !toDelete.has(tag)),
      ...others.filter((tag) => toDelete.has(tag)),
    ]
    this.#rescans.forget(losesTags)
    const restore = await this.#ports.describeRestore(step, losesTags)
    this.#ledger.settleLost(step, 'done', losesTags, lostImage(step, losesTags, restore))
    for (const tag of others) {
      const other = toDelete.get(tag)
      if (other !== undefined) this.#ledger.settle(other, 'unchanged')
    }
    this.keepUnsafeTags()
  }

  #countFailure({ kind }: DeleteStep): void {
    if (this.#proven.has(kind)) return
    const failures = (this.#failures.get(kind) ?? 0) + 1
    this.#failures.set(kind, failures)
    if (failures < maxFailuresAtFirst) return
    const why = unattempted(`the first ${maxFailuresAtFirst} deletes failed`)
    this.#ledger.settleAll(this.#ledger.pending(kind), 'notAttempted', why)
  }
}

function tagOf(step: DeleteStep): string | undefined {
  return step.kind === 'deleteTag' ? step.tag : undefined
}
