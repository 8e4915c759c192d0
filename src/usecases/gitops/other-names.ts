import { parseRepository, type RepositoryName } from '../../oci/reference.ts'

/**
 * Returns the repository that files name for an image by one entry of `as`.
 * @param as with `{image}` in place of the name, checked with dray.yaml
 * @param name the name of the image in paths
 */
export function repositoryByOtherName(as: string, name: string): RepositoryName {
  return parseRepository(as.replace('{image}', () => name))
}
