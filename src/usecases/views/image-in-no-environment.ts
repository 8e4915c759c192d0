import { DrayError } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** The error for an image that no environment has. @param repositories those that were read */
export function imageInNoEnvironment(repositories: readonly RepositoryName[], hint?: string): DrayError {
  return new DrayError('not-found', 'no environment has the image', {
    subject: [...new Set(repositories.map(formatRepository))].join(', '),
    hint: hint ?? 'Check the name of the image, and its tag or digest.',
  })
}
