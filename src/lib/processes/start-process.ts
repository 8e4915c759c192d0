import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { DrayError } from '../errors.ts'
import { explainFailure, systemCode } from '../files/io-error.ts'
import { reachedLimit } from '../system-errors.ts'

/**
 * Returns a process that `start` has started. If the limit of open files is reached, Node returns a
 * process without streams.
 * @throws `io` if the machine does not allow another process; else the error of the system.
 */
export async function startProcess<T extends ChildProcess>(program: string, start: () => T): Promise<T> {
  try {
    const child = start()
    if (child.pid !== undefined) return child
    const [cause] = (await once(child, 'error')) as [Error]
    throw cause
  } catch (cause) {
    const limit = reachedLimit(systemCode(cause))
    if (limit === undefined) throw cause
    throw new DrayError('io', `cannot start ${program}`, {
      subject: program,
      why: explainFailure(cause),
      hint: limit.hint,
      cause,
    })
  }
}
