import { dirname } from 'node:path'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { takeLock, type TakenLock } from '../../lib/files/lock.ts'
import { makeFolders } from '../../lib/files/make-folders.ts'

/** Milliseconds without a heartbeat after which the lock of another machine is taken over. */
const staleMs = 5_000
/** Milliseconds: a lock that is not free after this time passes from process to process. */
const maxWaitMs = staleMs + 1_500

/**
 * Takes the lock of a journal. The lock of a process that was killed is taken over after its last
 * heartbeat; that of a running process is an error with its next heartbeat, within a second.
 * @throws `refused` if another process holds it; `io`; the signal's
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
  const renewedError = (): DrayError => held(path)
  const limit = { ms: maxWaitMs, clock, reason: renewedError }
  return await withTimeLimit(limit, signal, (limited) =>
    takeLock(`${path}.lock`, { clock, staleMs, pollMs: 100, renewedError }, limited),
  )
}

function held(path: string): DrayError {
  return new DrayError('refused', `another process uses ${path}`, {
    subject: path,
    why: 'dray watch is one process with one queue',
    hint: 'Stop the other dray watch, or name another file with `watch.journal` in dray.yaml.',
  })
}
