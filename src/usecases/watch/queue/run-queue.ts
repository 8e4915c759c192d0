import type { Clock } from '../../../lib/clock.ts'
import type { EventQueue, SettledRun } from './event-queue.ts'
import type { RunEnd, WatchRun } from './watch-work.ts'

export interface QueuePorts {
  readonly queue: EventQueue
  readonly clock: Clock
  /** Executes a run. It must not throw. */
  readonly execute: (run: WatchRun) => Promise<RunEnd>
  /** Writes the events of a run that have ended to the journal. It must not throw. */
  readonly settled: (run: WatchRun, settled: SettledRun) => Promise<void>
}

/** The loop that starts runs when they are due. */
export class QueueLoop {
  readonly #ports: QueuePorts
  readonly #running = new Set<Promise<void>>()
  #wake: AbortController | undefined
  #sleepsUntil = -Infinity

  constructor(ports: QueuePorts) {
    this.#ports = ports
  }

  /** Call it after events were added. It is cheap if the loop wakes up early enough anyway. */
  notice(): void {
    const { queue, clock } = this.#ports
    const now = clock.now()
    // The clock may have been set forward during the sleep.
    const isOver = this.#sleepsUntil <= now
    if (isOver || queue.dueOfNew(now) < this.#sleepsUntil) this.#wake?.abort('wake')
  }

  /** Starts runs until `stop` aborts, and resolves when the last one has ended. Never throws. */
  async run(stop: AbortSignal): Promise<void> {
    const { queue, clock } = this.#ports
    while (!stop.aborted) {
      for (const run of queue.take(clock.now())) this.#start(run)
      await this.#sleep(queue.nextAt() ?? Infinity, stop)
    }
    await Promise.all(this.#running)
  }

  /**
   * Starts the runs of all events, without waiting for more of them, until the queue is empty or
   * the events that are left wait for another attempt.
   */
  async drain(stop: AbortSignal): Promise<void> {
    const { queue, clock } = this.#ports
    while (!stop.aborted) {
      for (const run of queue.take(clock.now(), true)) this.#start(run)
      if (this.#running.size === 0) return
      await Promise.race(this.#running)
    }
    await Promise.all(this.#running)
  }

  #start(run: WatchRun): void {
    const work = this.#execute(run).finally(() => {
      this.#running.delete(work)
    })
    this.#running.add(work)
  }

  async #execute(run: WatchRun): Promise<void> {
    const { queue, clock, execute, settled } = this.#ports
    const end = await execute(run)
    const ended = queue.settle(run, end, clock.now())
    // The next run need not wait for the disk.
    this.#wake?.abort('wake')
    await settled(run, ended)
  }

  /** Sleeps until the time, until a run ends, or until an event is due earlier. */
  async #sleep(until: number, stop: AbortSignal): Promise<void> {
    const { clock } = this.#ports
    const wake = new AbortController()
    const leave = (): void => wake.abort('stop')
    stop.addEventListener('abort', leave, { once: true })
    this.#wake = wake
    this.#sleepsUntil = until
    // A timer of Node has at most 2^31 - 1 ms.
    const ms = Math.max(0, Math.min(until - clock.now(), 24 * 60 * 60_000))
    await clock.sleep(ms, wake.signal).catch(() => undefined)
    stop.removeEventListener('abort', leave)
    this.#wake = undefined
    this.#sleepsUntil = -Infinity
  }
}
