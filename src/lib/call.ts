/** The repository of an event: the shape of `RepositoryName`, which this module cannot import. */
interface EventRepository {
  readonly registry: string
  readonly path: string
}

/** The events that a long operation reports. Receivers must be quick and must not throw. */
export type ProgressEvent =
  /** A request is over; `url` is redacted. */
  | {
      readonly kind: 'request'
      readonly method: string
      readonly url: string
      readonly status: number
      readonly ms: number
    }
  | {
      readonly kind: 'retry'
      readonly method: string
      readonly url: string
      readonly attempt: number
      readonly waitMs: number
      readonly why: string
    }
  /** A registry asked for a wait (`Retry-After`). Reported once for all requests that wait. */
  | { readonly kind: 'wait'; readonly registry: string; readonly ms: number }
  /** Another run of this machine has held the lock of this tag for some seconds. */
  | { readonly kind: 'waitForRun'; readonly tag: string }
  /** A registry reported the rest of a limit of pulls, and the seconds that the limit is for. */
  | {
      readonly kind: 'quota'
      readonly registry: string
      readonly limit: number
      readonly remaining: number
      readonly windowS: number
    }
  /** Requests to an origin go through a proxy. Reported once, without user and password. */
  | { readonly kind: 'proxied'; readonly origin: string; readonly proxy: string; readonly variable: string }
  /** A blob or manifest has `bytes` more sent to, or present at, the destination. */
  | {
      readonly kind: 'bytes'
      readonly repository: EventRepository
      readonly digest: string
      readonly bytes: number
    }
  /** The copy of a blob or manifest begins or ends. */
  | {
      readonly kind: 'content'
      readonly repository: EventRepository
      readonly descriptor: { readonly digest: string; readonly size: number }
      readonly state: 'begin' | 'mounted' | 'transferred' | 'present' | 'failed'
    }
  /** So many of a repository's tags have been read. */
  | {
      readonly kind: 'surveyed'
      readonly repository: EventRepository
      readonly done: number
      readonly of: number
    }
  /** So many of a repository's deletes have ended, with any result. */
  | {
      readonly kind: 'deleted'
      readonly repository: EventRepository
      readonly done: number
      readonly of: number
    }
  /** Something that explains what dray does and that `--verbose` shows. */
  | { readonly kind: 'note'; readonly text: string }
  /**
   * Something that the user should know and that stops nothing. It may contain unescaped text of a
   * registry.
   */
  | { readonly kind: 'warning'; readonly text: string; readonly from?: string }

/** Cancellation and progress: the last parameter of every async port. */
export interface Call {
  readonly signal: AbortSignal
  readonly notify: (event: ProgressEvent) => void
}

/**
 * Returns a signal that is aborted with the reason of the first of the signals, for work that ends
 * with the run. A listener on a signal of `AbortSignal.any` costs several times as much.
 */
export function firstOf(...signals: readonly AbortSignal[]): AbortSignal {
  const first = new AbortController()
  for (const signal of signals) {
    const follow = (): void => first.abort(signal.reason)
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true, signal: first.signal })
  }
  return first.signal
}

/** The listeners of the abort of a signal. They share one event listener. */
class AbortListeners {
  readonly #signal: AbortSignal
  readonly #listeners = new Set<() => void>()
  readonly #callAll = (): void => {
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener)
      callSafely(listener)
    }
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(listener: () => void): void {
    if (this.#listeners.size === 0) this.#signal.addEventListener('abort', this.#callAll, { once: true })
    this.#listeners.add(listener)
  }

  delete(listener: () => void): void {
    const isLast = this.#listeners.delete(listener) && this.#listeners.size === 0
    if (isLast) this.#signal.removeEventListener('abort', this.#callAll)
  }
}

const listenersOf = new WeakMap<AbortSignal, AbortListeners>()

/**
 * Calls `listener` when the signal, which is not aborted yet, is aborted, unless `offAbort` comes
 * first. A request needs two of these, and event listeners of their own would take a twentieth of
 * the CPU time of a large batch.
 */
export function onAbort(signal: AbortSignal, listener: () => void): void {
  const known = listenersOf.get(signal)
  const listeners = known ?? new AbortListeners(signal)
  if (known === undefined) listenersOf.set(signal, listeners)
  listeners.add(listener)
}

export function offAbort(signal: AbortSignal, listener: () => void): void {
  listenersOf.get(signal)?.delete(listener)
}

/**
 * An error of a listener does not keep the others from being called. It is reported as the error of
 * an event listener is.
 */
function callSafely(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
