import type { Call } from '../../../lib/call.ts'
import type { Removal, RemovalOutcome } from '../../../images/inventory/inventory.ts'
import type { VendorResponse } from '../vendor-api.ts'

/** How one delete ended, without its removal. */
export type Settled =
  | { readonly result: 'removed' | 'absent' }
  | { readonly result: 'protected'; readonly text: string }

/**
 * Deletes one after another, with one outcome each. An error becomes the outcome `failed`.
 * @throws the signal's reason.
 */
export async function* removeEach(
  batch: readonly Removal[],
  call: Call,
  remove: (removal: Removal) => Promise<Settled>,
): AsyncGenerator<RemovalOutcome, void> {
  for (const removal of batch) {
    call.signal.throwIfAborted()
    let outcome: RemovalOutcome
    try {
      outcome = { removal, ...(await remove(removal)) }
    } catch (error) {
      call.signal.throwIfAborted()
      outcome = { removal, result: 'failed', error }
    }
    yield outcome
  }
}

/**
 * 404 is `absent`, one of `refusals` is `protected` with the vendor's message, and others succeed.
 */
export async function settledBy(response: VendorResponse, refusals: readonly number[]): Promise<Settled> {
  const { status } = response
  if (status === 404) return { result: 'absent' }
  if (!refusals.includes(status)) return { result: 'removed' }
  const text = await response.text()
  return { result: 'protected', text: text === '' ? `the API answered ${status}` : text }
}
