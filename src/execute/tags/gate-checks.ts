import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { isFresh } from '../../lib/freshness.ts'
import { gateConflict } from '../../plan/gates/gate-errors.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { Placement, PlacementId } from '../../plan/plan.ts'

/**
 * Evaluates the gates of an image at one target by the current evidence and the current time. Sends
 * no request for a target without gates.
 */
export type JudgeAgain = (placement: Placement, call: Call) => Promise<readonly GateResult[]>

/** An evaluation of the gates of a placement. */
export interface GateCheck {
  /** from when it counts, in milliseconds */
  readonly at: number
  /** why the tags of the placement may not be written any more */
  readonly error?: DrayError
}

/**
 * Evaluates gates again before tags are written, if their results are too old. The tags of an image
 * at one target share an evaluation (docs/gates.md, When gates are evaluated).
 */
export class GateChecks {
  readonly #placements: ReadonlyMap<PlacementId, Placement>
  readonly #judge: JudgeAgain
  readonly #clock: Pick<Clock, 'now'>
  readonly #known = new Map<PlacementId, GateCheck>()
  readonly #pending = new Map<PlacementId, Promise<GateCheck>>()
  readonly #refused = new Map<PlacementId, readonly GateResult[]>()

  constructor(placements: readonly Placement[], judge: JudgeAgain, clock: Pick<Clock, 'now'>) {
    this.#placements = new Map(placements.map((placement) => [placement.id, placement]))
    this.#judge = judge
    this.#clock = clock
    for (const placement of placements) {
      const { gates = [] } = placement
      const at = Math.min(...gates.map(({ evaluatedAt }) => Date.parse(evaluatedAt)))
      const isAllowed = gates.every(({ effect }) => effect !== 'refused')
      if (gates.length > 0 && isAllowed) this.#known.set(placement.id, { at })
    }
  }

  /** @throws the error of a read that failed: nothing is known then */
  async check(id: PlacementId, call: Call): Promise<GateCheck> {
    const pending = this.#pending.get(id)
    if (pending !== undefined) return await pending
    const known = this.#known.get(id)
    if (known !== undefined && isFresh(known.at, this.#clock.now())) return known
    const judged = this.#judgeAgain(id, call).finally(() => this.#pending.delete(id))
    this.#pending.set(id, judged)
    return await judged
  }

  /** The results by which the placement was refused during the execution. */
  refused(id: PlacementId): readonly GateResult[] | undefined {
    return this.#refused.get(id)
  }

  async #judgeAgain(id: PlacementId, call: Call): Promise<GateCheck> {
    const placement = this.#placements.get(id)
    if (placement === undefined) throw new DrayError('internal', `there is no placement ${id}`)
    const began = this.#clock.now()
    const gates = await this.#judge(placement, call)
    const ended = this.#clock.now()
    // A slow registry would be read without end if such an evaluation counted from its begin.
    return this.#keep(placement, gates, isFresh(began, ended) ? began : ended)
  }

  #keep(placement: Placement, gates: readonly GateResult[], at: number): GateCheck {
    const error = gateConflict(placement, gates, 'No tag was moved.')
    if (error === undefined) this.#refused.delete(placement.id)
    else this.#refused.set(placement.id, gates)
    if (error !== undefined && error.code !== 'conflict') throw error
    const check = { at, ...(error !== undefined && { error }) }
    this.#known.set(placement.id, check)
    return check
  }
}
