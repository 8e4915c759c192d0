import { dirname } from 'node:path'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { takeLock, type TakenLock } from '../../lib/files/lock.ts'
import { makeFolders } from '../../lib/files/make-folders.ts'

/** Milliseconds without a heartbeat after which the lock of another machine is taken over. */
const staleMs = 5_000
/** Milliseconds: a lock that is still renewed after this time belongs to a running process. */
const maxWaitMs = staleMs + 1_500

/**
 * Takes the lock of a journal. @throws `refused` if another process holds it; `io`; the signal's
 * reason.
 */
export async function takeJournalLock(
  path: string,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<TakenLock> {
  try {
    makeFolders(dirname(path), 0o700)
  } catch (cause) {
    throw ioError(cause, `cannot create the folder of ${path}`, path)
  }
  const limit = { ms: maxWaitMs, clock, reason: () => held(path) }
  return await withTimeLimit(limit, signal, (limited) =>
    takeLock(`${path}.lock`, { clock, staleMs, pollMs: 100 }, limited),
  )
}

function held(path: string): DrayError {
  return new DrayError('refused', `another process uses ${path}`, {
    subject: path,
    why: 'dray watch is one process with one queue',
    hint: 'Stop the other dray watch, or name another file with `watch.journal` in dray.yaml.',
  })
}
