import type { RepositoryName } from '../../oci/reference.ts'
import { plainReading, type VersionReading } from '../../semver/version.ts'
import type { Config, ReadingConfig, TagsConfig } from '../config.ts'
import { environmentAt, findImagesAt } from '../environments.ts'

/**
 * Returns how the tags of a repository are read as versions: by the keys of its environment, each
 * replaced by that of its image. A repository in no environment has the defaults.
 * @param named chooses among environments that have the repository (`environmentAt`)
 */
export function readingAt(config: Config, repository: RepositoryName, named?: string): VersionReading {
  const environment = environmentAt(config, repository, named)
  if (environment === undefined) return plainReading
  const owner = findImagesAt(config, repository).find((one) => one.environment === environment)
  return readingIn(config, environment, owner?.image)
}

/** Returns the reading of an image in an environment. */
export function readingIn(config: Config, environment: string, image: string | undefined): VersionReading {
  const ofImage = image === undefined ? undefined : config.images?.get(image)?.tags
  return readingOf(config.environments.get(environment)?.tags, ofImage)
}

/** @param ofImage its keys replace those of the environment */
function readingOf(tags: TagsConfig | undefined, ofImage: ReadingConfig | undefined): VersionReading {
  const { scheme, variants, ignoreVersions, buildMetadata } = { ...plainReading, ...tags, ...ofImage }
  // otherwise `7.2` is the floating tag of 7.2.1
  const twoNumbers = scheme === 'loose' && tags?.semver?.includes('minor') !== true
  return { scheme, variants, ignoreVersions, buildMetadata, twoNumbers }
}
