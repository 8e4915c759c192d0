import type { Config } from '../../config/config.ts'
import { findImagesAt, repositoriesOf } from '../../config/environments.ts'
import type { Call } from '../../lib/call.ts'
import { type DrayError, toDrayError } from '../../lib/errors.ts'
import { readingIn } from '../../config/settings/version-reading.ts'
import { findTags } from '../../images/tags/tags.ts'
import type { Repositories, RepositoryLister } from '../../images/ports.ts'
import { sortBySemver } from '../../semver/order.ts'
import { isStable, versionTagsIn } from '../../semver/version.ts'

/** Repositories of a registry that are read to find images. */
const maxRepositories = 1000

/** Repositories that a warning names. */
const maxOthers = 5

/** The images in the registries of a new configuration. */
export interface CatalogImages {
  readonly images: readonly string[]
  /** the first repositories that are in no environment */
  readonly others: readonly string[]
  /** why a registry lists no repositories */
  readonly failures: readonly { readonly registry: string; readonly error: DrayError }[]
}

/** Finds images in the catalogs of the registries. @throws `interrupted`. */
export async function findImages(
  config: Config,
  stores: RepositoryLister,
  call: Call,
): Promise<CatalogImages> {
  const targets = [...config.environments.values()].flatMap((one) => one.targets)
  const registries = [...new Set(targets.map(({ registry }) => registry))]
  const images = new Set<string>()
  const others: string[] = []
  const failures: { registry: string; error: DrayError }[] = []
  for (const registry of registries) {
    try {
      let read = 0
      for await (const path of stores.repositories(registry, call)) {
        const [owner] = findImagesAt(config, { registry, path })
        if (owner !== undefined) images.add(owner.image)
        else if (others.length < maxOthers) others.push(`${registry}/${path}`)
        if (++read >= maxRepositories) break
      }
    } catch (thrown) {
      call.signal.throwIfAborted()
      failures.push({ registry, error: toDrayError(thrown) })
    }
  }
  return { images: [...images].sort(), others, failures }
}

/** An image with a tag of an environment. */
export interface PromotableImage {
  readonly environment: string
  readonly image: string
  readonly tag: string
}

/**
 * Finds an image of an environment with its highest version, or with another tag if no image has a
 * version. @returns the error of a registry that cannot be read. @throws `interrupted`.
 */
export async function findPromotable(
  config: Config,
  environment: string,
  images: readonly string[],
  stores: Repositories,
  call: Call,
): Promise<{ readonly promotable?: PromotableImage; readonly error?: DrayError }> {
  let other: PromotableImage | undefined
  for (const image of images) {
    try {
      const [repository] = repositoriesOf(config, environment, image)
      if (repository === undefined) continue
      const tags = (await findTags(stores.source(repository), call)) ?? []
      const reading = readingIn(config, environment, image)
      const versions = versionTagsIn(sortBySemver(tags, reading), reading)
      const highest = versions.find(({ version }) => isStable(version)) ?? versions[0]
      if (highest !== undefined) return { promotable: { environment, image, tag: highest.tag } }
      const [tag] = tags.includes('latest') ? ['latest'] : tags
      if (tag !== undefined) other ??= { environment, image, tag }
    } catch (thrown) {
      call.signal.throwIfAborted()
      return { error: toDrayError(thrown) }
    }
  }
  return other === undefined ? {} : { promotable: other }
}
