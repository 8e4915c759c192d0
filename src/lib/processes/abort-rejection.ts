/** Rejects with the reason of `signal`, until `over`. */
export function abortRejection(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is the caller's reason
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over })
  })
}
