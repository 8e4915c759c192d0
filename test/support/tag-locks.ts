import { join } from 'node:path'
import type { TagLocks } from '../../src/execute/tags/tag-locks.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { MachineLocks } from '../../src/lib/files/machine-locks.ts'
import { WriteTimes } from '../../src/lib/files/write-times.ts'
import { formatAt } from '../../src/oci/reference.ts'

/** The locks of all runs that use this folder. Their time is that of the machine by default. */
export function tagLocksIn(folder: string, clock: Clock = systemClock): TagLocks {
  return {
    locks: new MachineLocks({ folder, clock }),
    writes: new WriteTimes(join(folder, 'writes')),
    nameOf: (repository, tag) => formatAt(repository, { tag }),
  }
}
