import type { Call } from '../../lib/call.ts'
import { abortable } from './transport/abortable.ts'

/**
 * Work that is done once and that several calls wait for. The next call repeats work that failed. A
 * call that is aborted ends only its own wait.
 */
export class SharedWork<T> {
  readonly #start: (call: Call) => Promise<T>
  #current: { readonly result: Promise<T>; readonly signal: AbortSignal } | undefined

  constructor(start: (call: Call) => Promise<T>) {
    this.#start = start
  }

  /** @throws what the work throws; the signal's reason. */
  async result(call: Call): Promise<T> {
    for (;;) {
      const current = (this.#current ??= { result: this.#start(call), signal: call.signal })
      try {
        return await abortable(current.result, call.signal)
      } catch (error) {
        if (this.#current === current) this.#current = undefined
        // The call that began the work was aborted, and this call was not.
        if (!current.signal.aborted || call.signal.aborted) throw error
      }
    }
  }
}
