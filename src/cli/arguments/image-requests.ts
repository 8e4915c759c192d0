import type { Config } from '../../config/config.ts'
import {
  everyEnvironment,
  onlyRepository,
  resolveImage,
  type ResolvedImage,
} from '../../config/resolver/resolve.ts'
import { type RepositoryName, tagOrDigest, type TagOrDigest } from '../../oci/reference.ts'

/** Resolves the argument of `ls` to all targets of an image. @throws `usage`. */
export function repositoriesToList(text: string, config: Config): ResolvedImage['repositories'] {
  const within = everyEnvironment(config)
  return resolveImage(text, { accepts: ['repository', 'layout'], within }, config).repositories
}

/** The repositories in which `inspect` searches an image; it shows the first that has it. */
export interface InspectRequest {
  readonly repositories: ResolvedImage['repositories']
  readonly at: TagOrDigest
  /** a name of `dray.yaml` that stands for several environments */
  readonly isInSeveral: boolean
}

/** Resolves the argument of `inspect`. @throws `usage`. */
export function imageToInspect(text: string, config: Config): InspectRequest {
  const within = everyEnvironment(config)
  const image = resolveImage(text, { accepts: ['image', 'layout'], within }, config)
  const isInSeveral = image.image !== undefined && image.environment === undefined
  return { repositories: image.repositories, at: tagOrDigest(image), isInSeveral }
}

/** Resolves the argument of `explain` to one image in one repository. @throws `usage`. */
export function imageToExplain(
  text: string,
  config: Config,
): { readonly repository: RepositoryName; readonly at: TagOrDigest } {
  const image = resolveImage(text, { accepts: ['image'], within: everyEnvironment(config) }, config)
  return { repository: onlyRepository(image), at: tagOrDigest(image) }
}
