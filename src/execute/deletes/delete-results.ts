import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { DeleteStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import type { TargetRepository } from '../../images/ports.ts'
import { consequenceOf, isKeptByEvidence, isUnclear } from './delete-failure.ts'
import { type DeleteLedger, unattempted } from './delete-ledger.ts'
import type { Rescans } from './rescans.ts'

/** If so many deletes of a kind fail before the first success, the others are not attempted. */
const maxFailuresAtFirst = 3

/**
 * Settles deletes by the responses of the registry, and what follows from them for the other
 * deletes.
 */
export class DeleteResults {
  readonly #ledger: DeleteLedger
  readonly #rescans: Rescans
  readonly #store: TargetRepository
  readonly #call: Call
  readonly #proven = new Set<DeleteStep['kind']>()
  readonly #failures = new Map<DeleteStep['kind'], number>()

  constructor(ledger: DeleteLedger, rescans: Rescans, store: TargetRepository, call: Call) {
    this.#ledger = ledger
    this.#rescans = rescans
    this.#store = store
    this.#call = call
  }

  /** Whether a delete of this kind has succeeded in the repository. */
  isProven(kind: DeleteStep['kind']): boolean {
    return this.#proven.has(kind)
  }

  async succeeded(step: DeleteStep, result: 'done' | 'unchanged'): Promise<void> {
    this.#rescans.forget(step.kind === 'deleteTag' ? [step.tag] : step.losesTags)
    if (step.kind === 'deleteTag' && result === 'done' && !this.#proven.has(step.kind))
      return await this.#afterFirstTag(step)
    if (step.kind === 'deleteManifest') this.#proven.add(step.kind)
    this.#ledger.settle(step, result)
  }

  /** The request failed. If that leaves open whether it is deleted, the registry is read. */
  async requestFailed(step: DeleteStep, error: DrayError): Promise<void> {
    if (!isUnclear(error)) return this.failed(step, error)
    let isGone: boolean
    try {
      isGone = await this.isGone(step, this.#call)
    } catch {
      this.#ledger.leaveOpen(step, toErrorInfo(error))
      return this.#countFailure(step, toErrorInfo(error))
    }
    if (isGone) await this.succeeded(step, 'done')
    else this.failed(step, error)
  }

  failed(step: DeleteStep, error: DrayError): void {
    if (isKeptByEvidence(step, error, this.#store) && this.#ledger.postpone(step)) return
    const info = toErrorInfo(error)
    switch (consequenceOf(step, error, this.#proven.has(step.kind))) {
      case 'keepIt':
        return this.#ledger.settle(step, 'kept', info)
      case 'keepAll':
        return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'kept', info)
      case 'refuseAll':
        return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'refused', info)
      case 'refuseIt':
        this.#ledger.settle(step, 'refused', info)
        return this.#countFailure(step, info)
      case 'failIt':
        this.#ledger.settle(step, 'failed', info)
        return this.#countFailure(step, info)
    }
  }

  async isGone(step: DeleteStep, call: Call): Promise<boolean> {
    const at = step.kind === 'deleteTag' ? { tag: step.tag } : { digest: step.target.digest }
    return (await this.#store.resolve(at, call)) === undefined
  }

  /**
   * A registry may delete the manifest together with its tag. If it did, or if that is unknown, no
   * other tag is deleted.
   */
  async #afterFirstTag(step: DeleteTagStep): Promise<void> {
    let isThere: boolean
    try {
      isThere = (await this.#store.resolve({ digest: step.digest }, this.#call)) !== undefined
    } catch (thrown) {
      this.#ledger.settle(step, 'done')
      return this.#ledger.settleAll(this.#ledger.pending(step.kind), 'failed', toErrorInfo(thrown))
    }
    if (isThere) {
      this.#proven.add(step.kind)
      return this.#ledger.settle(step, 'done')
    }
    const error = manifestLost(step, this.#rescans.tagsOn(step.digest))
    this.#ledger.settle(step, 'failed', error)
    this.#ledger.settleAll(this.#ledger.pending(), 'refused', error)
  }

  #countFailure({ kind }: DeleteStep, error: ErrorInfo): void {
    if (this.#proven.has(kind)) return
    const failures = (this.#failures.get(kind) ?? 0) + 1
    this.#failures.set(kind, failures)
    if (failures < maxFailuresAtFirst) return
    const rest = this.#ledger.pending(kind)
    if (error.code === 'refused') this.#ledger.settleAll(rest, 'refused', error)
    else {
      const why = unattempted(`the first ${maxFailuresAtFirst} deletes failed`)
      this.#ledger.settleAll(rest, 'notAttempted', why)
    }
  }
}

/** The error for a kept manifest that the registry deleted together with a tag. */
function manifestLost({ repository, tag, digest }: DeleteTagStep, others: readonly string[]): ErrorInfo {
  const subject = formatAt(repository, { digest })
  const lost = others.length === 0 ? '' : `, nor its tags ${others.join(', ')}`
  return toErrorInfo(
    new DrayError('protocol', `${repository.registry} deleted a manifest together with its tag`, {
      subject,
      why: `dray deleted only the tag ${tag}, and the registry does not have ${digest} any more${lost}`,
      hint: 'Push the image again from its source. Then change the rules: this registry cannot delete a tag of a kept image. dray deletes nothing more in this repository.',
    }),
  )
}
