import type { Digest } from '../../oci/digest.ts'
import { type RepositoryName, sameRepository } from '../../oci/reference.ts'
import { affectedBy } from '../query/affected.ts'
import { putOf, type RecordedPut } from '../query/recorded-puts.ts'
import { findNewestRecord } from './find-newest-record.ts'

/**
 * Finds the newest record of a digest that came into a repository from another one, which may still
 * have it.
 * @throws as `findNewestRecord`
 */
export async function findNewestPut(
  path: string,
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
): Promise<RecordedPut | undefined> {
  const record = await findNewestRecord(
    path,
    (one) => {
      const affected = affectedBy(one)
      if (affected?.from === undefined || affected.digest !== digest) return false
      return sameRepository(affected.repository, repository) && !sameRepository(affected.from, repository)
    },
    { since: 0, signal },
  )
  return record === undefined ? undefined : putOf(record)
}
