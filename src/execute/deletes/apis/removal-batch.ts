import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError } from '../../../lib/errors.ts'
import { type BeforeAttempt, isFresh } from '../../../lib/freshness.ts'
import type { Inventory, Removal, RemovalOutcome } from '../../../images/inventory/inventory.ts'
import type { RepositoryName } from '../../../oci/reference.ts'

export interface RemovalPorts {
  readonly inventory: Inventory
  readonly repository: RepositoryName
  readonly clock: Pick<Clock, 'now'>
}

/** A delete that waits for its request. */
interface WaitingRemoval {
  readonly removal: Removal
  /** checks the item again if the last check is too old, and throws if the item must stay */
  readonly beforeAttempt: BeforeAttempt | undefined
  readonly resolve: (outcome: RemovalOutcome) => void
  readonly reject: (error: unknown) => void
}

/**
 * Collects the deletes of one wave for one request of a vendor's API. The request is sent when each
 * delete of the wave has been added or has left.
 */
export class RemovalBatch {
  readonly #ports: RemovalPorts
  readonly #call: Call
  readonly #waiting: WaitingRemoval[] = []
  #expected: number

  /** @param count the deletes of the wave */
  constructor(count: number, ports: RemovalPorts, call: Call) {
    this.#expected = count
    this.#ports = ports
    this.#call = call
  }

  /** Resolves with the outcome of the item. @throws what `beforeAttempt` and `remove` throw */
  add(removal: Removal, beforeAttempt: BeforeAttempt | undefined): Promise<RemovalOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ removal, beforeAttempt, resolve, reject })
      this.#sendIfComplete()
    })
  }

  /** A delete of the wave is not sent, or it was sent in another way. */
  leave(): void {
    this.#expected -= 1
    this.#sendIfComplete()
  }

  #sendIfComplete(): void {
    if (this.#waiting.length > 0 && this.#waiting.length === this.#expected)
      void sendRemovals(this.#waiting, this.#ports, this.#call)
  }
}

/** Sends the deletes in one request. If a check keeps some of them, the others are sent again. */
async function sendRemovals(
  waiting: readonly WaitingRemoval[],
  ports: RemovalPorts,
  call: Call,
): Promise<void> {
  let open = waiting
  while (open.length > 0) {
    const { checks, kept } = checksOf(open, ports.clock)
    const settled = new Set<WaitingRemoval>()
    const byKey = new Map(open.map((one) => [keyOf(one.removal), one]))
    let failure: unknown = new DrayError('protocol', `${ports.inventory.name} gave no outcome of a delete`)
    try {
      const batch = open.map(({ removal }) => removal)
      for await (const outcome of ports.inventory.remove?.(ports.repository, batch, call, checks) ?? []) {
        const one = byKey.get(keyOf(outcome.removal))
        // A request that a check has prevented is no failure of the delete.
        if (one === undefined || (outcome.result === 'failed' && kept.size > 0)) continue
        settled.add(one)
        one.resolve(outcome)
      }
    } catch (error) {
      failure = error
    }
    for (const [one, error] of kept) if (!settled.has(one)) one.reject(error)
    const left = open.filter((one) => !settled.has(one) && !kept.has(one))
    if (kept.size === 0) for (const one of left) one.reject(failure)
    open = kept.size === 0 ? [] : left
  }
}

interface BatchChecks {
  readonly checks: BeforeAttempt
  /** the deletes that a check keeps, with its error; the request is not sent then */
  readonly kept: ReadonlyMap<WaitingRemoval, unknown>
}

/**
 * The checks of all items before one request. As with a single check, checks that take longer than
 * they are valid count from their end.
 */
function checksOf(waiting: readonly WaitingRemoval[], clock: Pick<Clock, 'now'>): BatchChecks {
  const kept = new Map<WaitingRemoval, unknown>()
  let validFrom: number | undefined
  const checks: BeforeAttempt = () => {
    if (isFresh(validFrom, clock.now())) return undefined
    const began = clock.now()
    const running = waiting.flatMap((one) => {
      const check = one.beforeAttempt?.()
      return check === undefined ? [] : [check.catch((error: unknown) => void kept.set(one, error))]
    })
    if (running.length === 0) return undefined
    return Promise.all(running).then(() => {
      const ended = clock.now()
      validFrom = isFresh(began, ended) ? began : ended
      if (kept.size > 0) throw new DrayError('conflict', 'a check before the delete failed')
    })
  }
  return { checks, kept }
}

function keyOf(removal: Removal): string {
  return removal.kind === 'tag' ? `:${removal.tag}` : removal.digest
}
