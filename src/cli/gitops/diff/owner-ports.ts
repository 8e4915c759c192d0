import type { Config } from '../../../config/config.ts'
import { mostSpecific, ownersOf } from '../../../config/environments.ts'
import type { FilesRule, GitOpsConfig } from '../../../config/gitops/gitops.ts'
import { RegistryNames } from '../../../config/registry-names.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { OtherName, OwnerPorts } from '../../../usecases/gitops/diff/image-owners.ts'
import { repositoryByOtherName } from '../../../usecases/gitops/other-names.ts'

/**
 * Returns the functions that compare names of repositories with those of an environment.
 * @param isWhole whether the comparison is about all images: only then others are unmanaged
 */
export function ownerPorts(environment: string, isWhole: boolean, config: Config): OwnerPorts {
  const names = new RegistryNames(config.registries)
  const listed = config.images ?? new Map<string, unknown>()
  return {
    identify: (repository) => names.identity(repository),
    isUnmanaged: (repository: RepositoryName) =>
      isWhole &&
      listed.size > 0 &&
      mostSpecific(ownersOf(config, repository)).some(
        (owner) => owner.environment === environment && !listed.has(owner.image),
      ),
  }
}

/** The names that a rule gives the repositories of images in its files. */
export function otherNamesIn(
  { as }: FilesRule,
  images: readonly string[],
  config: Config,
): readonly OtherName[] {
  return images.flatMap((image) => {
    const name = config.images?.get(image)?.name ?? image
    return as.map((text) => ({ image, repository: repositoryByOtherName(text, name) }))
  })
}

/**
 * The other names that containers can have: those with a registry. `{image}` alone is a placeholder
 * of a kustomization, and would be Docker Hub in a cluster.
 */
export function otherNamesInClusters(
  gitops: GitOpsConfig | undefined,
  images: readonly string[],
  config: Config,
): readonly OtherName[] {
  return (gitops?.rules ?? []).flatMap((rule) => {
    if (rule.kind !== 'files') return []
    const as = rule.as.filter((text) => /^(?:[^/]*[.:][^/]*|localhost)\//.test(text))
    return otherNamesIn({ ...rule, as }, images, config)
  })
}
