import { DrayError } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** For a name of `dray.yaml` that no environment has. @param repositories where it was searched */
export function imageInNoEnvironment(repositories: readonly RepositoryName[]): DrayError {
  return new DrayError('not-found', 'the image is in none of the environments', {
    subject: repositories.map(formatRepository).join(', '),
  })
}
