import type { MachineLocks } from '../../lib/files/machine-locks.ts'
import type { WriteTimes } from '../../lib/files/write-times.ts'
import type { RepositoryName } from '../../oci/reference.ts'

/** Locks with which the runs of one machine write a tag one after another. */
export interface TagLocks {
  readonly locks: MachineLocks
  readonly writes: WriteTimes
  /** Returns one text for all names of a tag. */
  nameOf(repository: RepositoryName, tag: string): string
}
