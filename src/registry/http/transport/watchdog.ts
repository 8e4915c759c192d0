import type { Clock } from '../../../lib/clock.ts'

/**
 * The longest time between two checks, so that a phase with a shorter limit than the one before is
 * not missed.
 */
const maxNapMs = 30_000
/** A transfer must move `minBytes` in each window of this length. */
const windowMs = 30_000
const minBytes = 30 * 1024

/** Nothing moved for `ms`, or only `bytes` moved in a window of `ms`. */
export type Alarm =
  | { readonly kind: 'stalled'; readonly ms: number }
  | { readonly kind: 'slow'; readonly ms: number; readonly bytes: number }

/**
 * Checks the requests of a transport, with one timer for all of them: a timer and a signal for each
 * request take a tenth of its processor time.
 */
export class WatchdogTimer {
  readonly clock: Clock
  readonly #watchdogs = new Set<Watchdog>()
  #nap: { readonly until: number; readonly cancelled: AbortController } | undefined

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Checks a watchdog from now on. */
  add(watchdog: Watchdog): void {
    this.#watchdogs.add(watchdog)
    const until = this.clock.now() + Math.min(watchdog.check(), maxNapMs)
    if (this.#nap === undefined || until < this.#nap.until) this.#sleepUntil(until)
  }

  /** Without watchdogs there is no timer, which would keep the process from its end. */
  remove(watchdog: Watchdog): void {
    this.#watchdogs.delete(watchdog)
    if (this.#watchdogs.size === 0) this.#cancelNap()
  }

  #checkAll(): void {
    let ms = maxNapMs
    for (const watchdog of this.#watchdogs) ms = Math.min(ms, watchdog.check())
    if (this.#watchdogs.size > 0) this.#sleepUntil(this.clock.now() + ms)
  }

  #sleepUntil(until: number): void {
    this.#cancelNap()
    const nap = { until, cancelled: new AbortController() }
    this.#nap = nap
    this.clock.sleep(until - this.clock.now(), nap.cancelled.signal).then(
      () => {
        if (this.#nap === nap) this.#checkAll()
      },
      () => undefined, // It was cancelled.
    )
  }

  #cancelNap(): void {
    // Without a reason, a signal creates an error with a stack.
    this.#nap?.cancelled.abort('cancelled')
    this.#nap = undefined
  }
}

/**
 * Counts the time in which one request waits for the other side. Gives one alarm if nothing moves
 * for the limit of a phase, or if a transfer is slower than 1 KiB/s over 30 s. No time counts while
 * it rests, because dray itself is slow then.
 */
export class Watchdog {
  readonly #timer: WatchdogTimer
  readonly #clock: Clock
  readonly #onAlarm: (alarm: Alarm) => void
  #limitMs = 0
  #since: number | undefined
  #body: 'request' | 'response' | undefined
  #rate: TransferRate | undefined

  constructor(timer: WatchdogTimer, onAlarm: (alarm: Alarm) => void) {
    this.#timer = timer
    this.#clock = timer.clock
    this.#onAlarm = onAlarm
  }

  /**
   * Begins a phase in which something must move at least every `limitMs`; `body` says whose bytes
   * are expected, if any.
   */
  watch(limitMs: number, body: 'request' | 'response' | undefined): void {
    const first = this.#limitMs === 0
    this.#limitMs = limitMs
    this.#since = this.#clock.now()
    if (body !== undefined && this.#body !== body) this.#rate = new TransferRate(this.#clock)
    this.#body = body ?? this.#body
    if (body === undefined) this.#rate?.rest()
    else this.#rate?.wake()
    if (first) this.#timer.add(this)
  }

  /** The other side gave or took so many bytes of a body. */
  moved(bytes: number): void {
    this.#rate?.add(bytes)
    if (this.#since !== undefined) this.#since = this.#clock.now()
  }

  rest(): void {
    this.#since = undefined
    this.#rate?.rest()
  }

  wake(): void {
    this.#since ??= this.#clock.now()
    this.#rate?.wake()
  }

  stop(): void {
    this.#timer.remove(this)
  }

  /** Gives the alarm if it is due, and stops then. Returns the milliseconds to the next check. */
  check(): number {
    const remainingMs =
      this.#since === undefined ? this.#limitMs : this.#since + this.#limitMs - this.#clock.now()
    if (remainingMs <= 0) return this.#alarm({ kind: 'stalled', ms: this.#limitMs })
    const window = this.#rate?.closeWindow()
    if (window === undefined) return remainingMs
    if (window.isSlow) return this.#alarm({ kind: 'slow', ms: windowMs, bytes: window.bytes })
    return Math.min(remainingMs, window.leftMs)
  }

  #alarm(alarm: Alarm): number {
    this.stop()
    this.#onAlarm(alarm)
    return Infinity
  }
}

interface Window {
  readonly isSlow: boolean
  readonly bytes: number
  /** until the window ends */
  readonly leftMs: number
}

/** The bytes of a transfer in a window of the time in which dray waited for them. */
class TransferRate {
  readonly #clock: Clock
  #bytes = 0
  /** of this window, before `#since` */
  #elapsedMs = 0
  #since: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  wake(): void {
    this.#since ??= this.#clock.now()
  }

  rest(): void {
    this.#elapsedMs = this.#elapsed()
    this.#since = undefined
  }

  /** Begins the next window if this one is over and was fast enough. */
  closeWindow(): Window {
    const remainingMs = windowMs - this.#elapsed()
    const bytes = this.#bytes
    if (remainingMs > 0) return { isSlow: false, bytes, leftMs: remainingMs }
    if (bytes < minBytes) return { isSlow: true, bytes, leftMs: 0 }
    this.#bytes = 0
    this.#elapsedMs = 0
    if (this.#since !== undefined) this.#since = this.#clock.now()
    return { isSlow: false, bytes, leftMs: windowMs }
  }

  #elapsed(): number {
    return this.#elapsedMs + (this.#since === undefined ? 0 : this.#clock.now() - this.#since)
  }
}
