import type { Config } from '../../config/config.ts'
import {
  everyEnvironment,
  onlyRepository,
  resolveImage,
  type ResolvedImage,
} from '../../config/resolver/resolve.ts'
import { readingAt, readingIn } from '../../config/settings/version-reading.ts'
import { type RepositoryName, tagOrDigest, type TagOrDigest } from '../../oci/reference.ts'
import type { VersionReading as Reading } from '../../semver/version.ts'

/** The repositories of an argument. */
export interface ListRequest {
  readonly repositories: ResolvedImage['repositories']
  /** a name of `dray.yaml` that is in several environments */
  readonly isInSeveral: boolean
  /** how the tags of one of these repositories are read */
  readonly readingOf: (repository: RepositoryName) => Reading
}

/** Resolves the argument of `ls` to all targets of an image. @throws `usage`. */
export function resolveRepositoriesToList(text: string, config: Config): ListRequest {
  const within = everyEnvironment(config)
  return listRequestOf(resolveImage(text, { accepts: ['repository', 'layout'], within }, config), config)
}

function listRequestOf({ repositories, image, environment }: ResolvedImage, config: Config): ListRequest {
  return {
    repositories,
    isInSeveral: image !== undefined && environment === undefined,
    readingOf: (repository) =>
      environment === undefined ? readingAt(config, repository) : readingIn(config, environment, image),
  }
}

/** The repositories in which `inspect` searches an image; it shows the first that has it. */
export interface InspectRequest extends ListRequest {
  readonly at: TagOrDigest
}

/** Resolves the argument of `inspect`. @throws `usage`. */
export function resolveImageToInspect(text: string, config: Config): InspectRequest {
  const within = everyEnvironment(config)
  const image = resolveImage(text, { accepts: ['image', 'layout'], within }, config)
  return { ...listRequestOf(image, config), at: tagOrDigest(image) }
}

/** Resolves the argument of `explain` to one image in one repository. @throws `usage`. */
export function resolveImageToExplain(
  text: string,
  config: Config,
): { readonly repository: RepositoryName; readonly at: TagOrDigest } {
  const image = resolveImage(text, { accepts: ['image'], within: everyEnvironment(config) }, config)
  return { repository: onlyRepository(image), at: tagOrDigest(image) }
}
