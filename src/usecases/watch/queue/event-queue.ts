import { dueEvents, groupByImage, imageDueAt, withoutPause } from './due-images.ts'
import { HandledTags, keyOf } from './handled-tags.ts'
import type { AcceptedEvent, HandledTag, QueuedEvent, RunEnd, Trigger, WatchRun } from './watch-work.ts'

export interface QueueLimits {
  /** a run begins when so many milliseconds have passed without an event of its image */
  readonly quietMs: number
  /** a run begins so many milliseconds after its first event also if others continue */
  readonly maxWaitMs: number
  /** an event with the digest of a run that ended in these milliseconds is a duplicate */
  readonly duplicateMs: number
  /** events that wait or run */
  readonly maxEvents: number
  readonly runsAtOnce: number
  /** tags of one run */
  readonly tagsInRun: number
  /** the pause after the first failed attempt, which doubles up to `maxRetryMs` */
  readonly retryMs: number
  readonly maxRetryMs: number
  /** an event of this age in milliseconds is dropped if `giveUpAttempts` of its runs failed */
  readonly giveUpMs: number
  /** since the start: after a restart or a suspension, an old event has as many attempts again */
  readonly giveUpAttempts: number
}

export const queueLimits: QueueLimits = {
  quietMs: 2_000,
  maxWaitMs: 30_000,
  duplicateMs: 10 * 60_000,
  maxEvents: 10_000,
  runsAtOnce: 4,
  tagsInRun: 50,
  retryMs: 5_000,
  maxRetryMs: 5 * 60_000,
  giveUpMs: 24 * 60 * 60_000,
  giveUpAttempts: 12,
}

/**
 * `queued`: it waits, and belongs into the journal. `merged`: its tag waits already. `duplicate`:
 * its digest waits or was processed. `full`: nothing was kept.
 */
export type AddResult =
  | { readonly kind: 'queued'; readonly events: readonly QueuedEvent[] }
  | { readonly kind: 'merged' | 'duplicate' | 'full' }

/** The events of a run after its end. */
export interface SettledRun {
  /** they need no further attempt */
  readonly removed: readonly QueuedEvent[]
  /** of `removed`: their runs have failed for too long */
  readonly dropped: readonly QueuedEvent[]
  readonly handled: readonly HandledTag[]
}

/** The events that wait for a run. It has no clock and no I/O: the caller passes the time. */
export class EventQueue {
  readonly #limits: QueueLimits
  readonly #waiting = new Map<string, QueuedEvent>()
  readonly #running = new Set<WatchRun>()
  readonly #busy = new Set<string>()
  readonly #handled: HandledTags
  #runningEvents = 0
  #seq = 0
  /** the time of the last call, milliseconds since 1970 */
  #latest = -Infinity

  constructor(limits: QueueLimits = queueLimits) {
    this.#limits = limits
    this.#handled = new HandledTags(limits.maxEvents)
  }

  /** Events that wait or run. */
  get length(): number {
    return this.#waiting.size + this.#runningEvents
  }

  get runs(): number {
    return this.#running.size
  }

  /** The time of the oldest event, in milliseconds since 1970; undefined if there is none. */
  get oldestAt(): number | undefined {
    let oldest: number | undefined
    for (const { firstAt } of this.#all()) oldest = Math.min(oldest ?? firstAt, firstAt)
    return oldest
  }

  /** The events and processed tags for the journal. */
  snapshot(): { readonly events: readonly QueuedEvent[]; readonly handled: readonly HandledTag[] } {
    return { events: [...this.#all()].sort((a, b) => a.seq - b.seq), handled: this.#handled.list() }
  }

  /** Continues with what an earlier process left. Its events are due at once. */
  restore(events: readonly QueuedEvent[], handled: readonly HandledTag[], now: number): void {
    for (const one of handled) this.#handled.add(one)
    for (const event of events) {
      this.#seq = Math.max(this.#seq, event.seq)
      const firstAt = Math.min(event.firstAt, now)
      this.#waiting.set(keyOf(event), { ...event, firstAt, lastAt: firstAt, notBefore: 0 })
    }
  }

  /** Whether a run of the rule ended a short time ago with this digest of the tag. */
  isHandled(
    event: Pick<QueuedEvent, 'rule' | 'repository' | 'tag'>,
    digest: HandledTag['digest'],
    now: number,
  ): boolean {
    const handled = this.#handled.get(keyOf(event))
    return handled?.digest === digest && Math.abs(now - handled.at) < this.#limits.duplicateMs
  }

  /** Adds an event for each run that it starts. */
  add(event: AcceptedEvent, triggers: readonly Trigger[], now: number): AddResult {
    this.#followClock(now)
    const fresh = triggers.filter((trigger) => !this.#isDuplicate(event, trigger, now))
    if (fresh.length === 0) return { kind: 'duplicate' }
    const unknown = fresh.filter((trigger) => !this.#waiting.has(keyOf({ ...event, ...trigger })))
    if (this.length + unknown.length > this.#limits.maxEvents) return { kind: 'full' }
    const events = fresh.map((trigger) => this.#put(event, trigger, now))
    const added = events.filter((one) => unknown.some(({ rule }) => rule === one.rule))
    return added.length === 0 ? { kind: 'merged' } : { kind: 'queued', events: added }
  }

  /** Takes back events that could not be written to the journal. */
  remove(events: readonly QueuedEvent[]): void {
    for (const event of events) {
      const key = keyOf(event)
      if (this.#waiting.get(key)?.seq === event.seq) this.#waiting.delete(key)
    }
  }

  /** The time at which an event that arrives now is due at the earliest. */
  dueOfNew(now: number): number {
    return now + Math.min(this.#limits.quietMs, this.#limits.maxWaitMs)
  }

  /**
   * Starts the runs that are due: their events leave the queue with `settle`.
   * @param isLast no further events are expected, so that none is waited for
   */
  take(now: number, isLast = false): readonly WatchRun[] {
    this.#followClock(now)
    const started: WatchRun[] = []
    for (const waiting of groupByImage(this.#waiting.values())) {
      if (this.#running.size >= this.#limits.runsAtOnce) break
      const due = isLast ? withoutPause(waiting, now) : dueEvents(waiting, now, this.#limits)
      const [first, ...more] = due
      if (first === undefined || this.#isBlocked(first)) continue
      const events = [first, ...more].slice(0, this.#limits.tagsInRun)
      const run = { rule: first.rule, subject: first.subject, targets: first.targets, events }
      this.#start(run)
      started.push(run)
    }
    return started
  }

  /** The time at which the next run is due; undefined if none is before a running one ends. */
  nextAt(): number | undefined {
    if (this.#running.size >= this.#limits.runsAtOnce) return undefined
    let next: number | undefined
    for (const waiting of groupByImage(this.#waiting.values())) {
      if (waiting[0] === undefined || this.#isBlocked(waiting[0])) continue
      const at = imageDueAt(waiting, this.#limits)
      next = Math.min(next ?? at, at)
    }
    return next
  }

  /** Ends a run: its events leave the queue, or wait for another attempt. */
  settle(run: WatchRun, end: RunEnd, now: number): SettledRun {
    this.#followClock(now)
    this.#running.delete(run)
    this.#runningEvents -= run.events.length
    for (const target of run.targets) this.#busy.delete(target)
    const handled = run.events.flatMap((event) => this.#handle(event, end, now))
    if (end.kind === 'done') return { removed: run.events, dropped: [], handled }
    const { giveUpMs, giveUpAttempts } = this.#limits
    const dropped = run.events.filter(
      ({ firstAt, attempts }) => now - firstAt >= giveUpMs && attempts + 1 >= giveUpAttempts,
    )
    for (const event of run.events) if (!dropped.includes(event)) this.#putBack(event, now)
    return { removed: dropped, dropped, handled }
  }

  /** A clock that is set back must not delay what waits: its times are set back too. */
  #followClock(now: number): void {
    const back = this.#latest - now
    this.#latest = now
    if (!(back > 0 && back < Infinity)) return
    for (const [key, event] of this.#waiting) {
      const { firstAt, lastAt, notBefore } = event
      this.#waiting.set(key, {
        ...event,
        firstAt: firstAt - back,
        lastAt: lastAt - back,
        notBefore: Math.max(0, notBefore - back),
      })
    }
  }

  #all(): Iterable<QueuedEvent> {
    const running = [...this.#running].flatMap(({ events }) => events)
    return [...this.#waiting.values(), ...running]
  }

  #isDuplicate(event: AcceptedEvent, trigger: Trigger, now: number): boolean {
    if (event.digest === undefined) return false
    const key = keyOf({ ...event, ...trigger })
    if (this.#waiting.get(key)?.digest === event.digest) return true
    return this.isHandled({ ...event, rule: trigger.rule }, event.digest, now)
  }

  #put(event: AcceptedEvent, trigger: Trigger, now: number): QueuedEvent {
    const key = keyOf({ ...event, ...trigger })
    const before = this.#waiting.get(key)
    const { digest, ...rest } = event
    const queued: QueuedEvent = {
      ...rest,
      ...trigger,
      ...(digest !== undefined && { digest }),
      source: before?.source ?? event.source,
      seq: before?.seq ?? ++this.#seq,
      firstAt: before?.firstAt ?? now,
      lastAt: now,
      attempts: before?.attempts ?? 0,
      notBefore: before?.notBefore ?? 0,
    }
    this.#waiting.set(key, queued)
    return queued
  }

  /** An event that came during the run decides the digest. The older one decides the age. */
  #putBack(event: QueuedEvent, now: number): void {
    const { retryMs, maxRetryMs } = this.#limits
    const attempts = event.attempts + 1
    const pause = Math.min(retryMs * 2 ** Math.min(event.attempts, 20), maxRetryMs)
    const later = this.#waiting.get(keyOf(event))
    this.#waiting.set(keyOf(event), {
      ...(later ?? event),
      firstAt: Math.min(event.firstAt, now),
      lastAt: Math.min((later ?? event).lastAt, now),
      attempts,
      notBefore: now + pause,
    })
  }

  #handle(event: QueuedEvent, { digests }: RunEnd, now: number): readonly HandledTag[] {
    const digest = digests.get(event.tag)
    if (digest === undefined) return []
    const { rule, repository, tag } = event
    const one = { rule, repository, tag, digest, at: now }
    this.#handled.add(one)
    return [one]
  }

  #start(run: WatchRun): void {
    for (const event of run.events) this.#waiting.delete(keyOf(event))
    for (const target of run.targets) this.#busy.add(target)
    this.#running.add(run)
    this.#runningEvents += run.events.length
  }

  #isBlocked({ targets }: Trigger): boolean {
    return targets.some((target) => this.#busy.has(target))
  }
}
