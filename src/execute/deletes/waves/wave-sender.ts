import type { Call } from '../../../lib/call.ts'
import { type ErrorInfo, toDrayError, toErrorInfo } from '../../../lib/errors.ts'
import { isFresh } from '../../../lib/freshness.ts'
import type { StepId } from '../../../plan/plan.ts'
import type { DeleteStep } from '../../../plan/prune/prune-plan.ts'
import type { DeleteApis, StepApi } from '../apis/delete-apis.ts'
import type { LastTags } from '../apis/last-tag.ts'
import { movedTagConflict } from '../delete-conflicts.ts'
import {
  type Deleted,
  type DeletePorts,
  deleteManifest,
  deleteTag,
  movedTags,
  type OwnTags,
  readOwnTags,
} from '../delete-content.ts'
import { type DeleteLedger, unattempted } from '../delete-ledger.ts'
import type { DeleteResults } from '../delete-results.ts'
import type { OtherRuns } from '../other-runs.ts'
import type { Rescans } from '../rescans.ts'

export interface WavePorts extends DeletePorts {
  readonly ledger: DeleteLedger
  readonly rescans: Rescans
  readonly otherRuns: OtherRuns
  readonly results: DeleteResults
  readonly apis: DeleteApis
  readonly lastTags: LastTags
  /** reads end with the first interrupt: there is nothing to finish */
  readonly reading: Call
}

/** Checks the manifests and tags of a wave, and sends its deletes. */
export class WaveSender {
  readonly #ports: WavePorts
  #newlyLive: { readonly at: number; readonly steps: Promise<ReadonlyMap<DeleteStep, ErrorInfo>> } | undefined

  constructor(ports: WavePorts) {
    this.#ports = ports
  }

  /**
   * Reads the tags of the manifests of a wave. If one was moved, what it reaches now is kept as
   * well.
   */
  async readOwnTags(wave: readonly DeleteStep[]): Promise<ReadonlyMap<StepId, OwnTags>> {
    const { rescans, results, reading } = this.#ports
    const own = new Map<StepId, OwnTags>()
    const moved: string[] = []
    await Promise.all(
      wave.map(async (step) => {
        if (step.kind === 'deleteTag') return
        try {
          const read = await readOwnTags(step, this.#ports, reading)
          own.set(step.id, read)
          moved.push(...movedTags(step, read).map(({ tag }) => tag))
        } catch (thrown) {
          if (!reading.signal.aborted) results.failed(step, toDrayError(thrown), true)
        }
      }),
    )
    await rescans.ofTags(moved)
    return own
  }

  /** Sends the deletes of a wave. Returns the tags that were found on other manifests. */
  async send(
    kind: DeleteStep['kind'],
    wave: readonly DeleteStep[],
    own: ReadonlyMap<StepId, OwnTags>,
  ): Promise<readonly string[]> {
    const openStep = this.#ports.apis.openWave(kind, wave.length)
    const moved = await Promise.all(
      wave.map(async (step) => {
        const api = openStep()
        try {
          return await this.#sendOne(step, api, own.get(step.id) ?? noTags)
        } finally {
          api.leave()
        }
      }),
    )
    return moved.flat()
  }

  async #sendOne(step: DeleteStep, api: StepApi, own: OwnTags): Promise<readonly string[]> {
    const { ledger, rescans, results, call } = this.#ports
    rescans.countDelete()
    try {
      const deleted = await this.#delete(step, api, own)
      if (api.by !== undefined) ledger.noteApi(step, api.by)
      if (typeof deleted === 'object') return this.#keep(step, deleted)
      if (deleted === 'stopped') ledger.settle(step, 'notAttempted', unattempted(this.#whyStopped()))
      else await results.succeeded(step, deleted)
    } catch (thrown) {
      if (api.by !== undefined) ledger.noteApi(step, api.by)
      if (call.signal.aborted) ledger.leaveOpen(step, toErrorInfo(call.signal.reason))
      else await results.requestFailed(step, toDrayError(thrown), this.#hasTags(step, own))
    }
    return []
  }

  #delete(step: DeleteStep, api: StepApi, own: OwnTags): Promise<Deleted> {
    const { apis, lastTags, results, store, call } = this.#ports
    if (step.kind === 'deleteManifest')
      return deleteManifest(step, own, this.#ports, {
        api,
        untagged: results.untagged(step),
        findLive: () => this.#findLive(step),
      })
    const findLastTag = async (): Promise<ErrorInfo | undefined> =>
      apis.lastTagDeletesManifest ? await lastTags.findReason(step, store, call) : undefined
    return deleteTag(step, this.#ports, { api, findLastTag })
  }

  #keep(step: DeleteStep, why: Exclude<Deleted, string>): readonly string[] {
    const { ledger } = this.#ports
    if ('last' in why) ledger.settle(step, 'kept', why.last)
    else if ('live' in why) ledger.settle(step, 'conflict', why.live)
    else {
      const found = step.kind === 'deleteTag' ? why.to : undefined
      ledger.settle(step, 'conflict', toErrorInfo(movedTagConflict(step, why)), found)
      return [why.tag]
    }
    return []
  }

  /** Whether tags remain on the manifest of a step that failed. */
  #hasTags(step: DeleteStep, { tags }: OwnTags): boolean {
    if (step.kind === 'deleteTag') return true
    const untagged = this.#ports.results.untagged(step)
    return [...tags].some(([tag, to]) => to === step.target.digest && !untagged.has(tag))
  }

  /**
   * Why the manifest of a delete that had to wait is in the live set by now. The deletes of a wave
   * wait together, so they share a reading.
   */
  async #findLive(step: DeleteStep): Promise<ErrorInfo | undefined> {
    const { call, clock } = this.#ports
    if (this.#newlyLive === undefined || !isFresh(this.#newlyLive.at, clock.now()))
      this.#newlyLive = { at: clock.now(), steps: this.#readNewlyLive(call) }
    return (await this.#newlyLive.steps).get(step)
  }

  async #readNewlyLive(call: Call): Promise<ReadonlyMap<DeleteStep, ErrorInfo>> {
    const { rescans, otherRuns } = this.#ports
    const found = [await rescans.findNewlyLive(call), await otherRuns.findLive(call)]
    return new Map(found.flatMap((those) => [...those]))
  }

  #whyStopped(): string {
    return describeStop(this.#ports)
  }
}

/** Why a delete was not attempted. */
export function describeStop({ call, stop }: Pick<DeletePorts, 'call' | 'stop'>): string {
  if (call.signal.aborted) return toErrorInfo(call.signal.reason).message
  return stop.aborted ? 'the run was stopped' : 'a delete that must come first was not executed'
}

const noTags: OwnTags = { at: -Infinity, tags: new Map() }
