import type { Clock } from './clock.ts'

/**
 * How long a check may be relied on, in milliseconds. Another check is then made before a write.
 */
const maxCheckAgeMs = 2_000

/**
 * Whether something that was read may still be relied on just before a write.
 * @param checkedAt when the reading began, in milliseconds; undefined if it was read for another
 * run
 */
export function isFresh(checkedAt: number | undefined, now: number): boolean {
  if (checkedAt === undefined) return false
  const age = now - checkedAt
  // the clock of the machine may have been set back since: then the age is unknown
  return age >= 0 && age <= maxCheckAgeMs
}

/**
 * Is called directly before each attempt of a request. The request waits for the promise, and is
 * not sent if the promise rejects. Then it is called again: the request is sent once it returns
 * undefined, because there is nothing to wait for.
 * @param stored the digest that an earlier attempt stored by mistake in place of the right one
 */
export type BeforeAttempt = (stored?: string) => Promise<void> | undefined

/** Calls it until there is nothing to wait for. @throws what it throws. */
export async function waitForAttempt(beforeAttempt: BeforeAttempt): Promise<void> {
  for (let pending = beforeAttempt(); pending !== undefined; pending = beforeAttempt()) await pending
}

/**
 * Returns a function that repeats a check before each attempt for which it is too old. A repeated
 * check that itself takes longer than a check is valid counts from its end: a slow registry would
 * be asked without end otherwise.
 * @param checkedAt when the first check began, in milliseconds
 * @param check throws if the request must not be sent
 */
export function repeatStaleCheck(checkedAt: number, clock: Clock, check: () => Promise<void>): BeforeAttempt {
  let validFrom = checkedAt
  const repeat = async (): Promise<void> => {
    const began = clock.now()
    await check()
    const ended = clock.now()
    validFrom = isFresh(began, ended) ? began : ended
  }
  return () => (isFresh(validFrom, clock.now()) ? undefined : repeat())
}
