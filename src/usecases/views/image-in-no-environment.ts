import { DrayError } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** The error for an image that no environment has. @param repositories those that were read */
export function imageInNoEnvironment(repositories: readonly RepositoryName[], hint?: string): DrayError {
  const [first] = repositories
  return new DrayError('not-found', 'no environment has the image', {
    subject: repositories.map(formatRepository).join(', '),
    hint: hint ?? (first && `List its tags: dray ls ${formatRepository(first)}`),
  })
}
