import type { Config } from '../../config/config.ts'
import { environmentAt, findImagesAt, repositoriesOf } from '../../config/environments.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { readingIn } from '../../config/settings/version-reading.ts'
import type { GitOpsConfig } from '../../config/gitops/gitops.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatRepository, sameRepository } from '../../oci/reference.ts'
import type { EditedImage } from '../../plan/edits/edit-step.ts'
import type { Placement, Plan } from '../../plan/plan.ts'
import { versionTagsIn, type VersionReading } from '../../semver/version.ts'
import type { EditRequest, WantedImage } from '../../usecases/gitops/request.ts'

export type ChooseImages = (images: readonly EditedImage[]) => readonly EditedImage[]

/** Completes an image by what dray.yaml has about it. */
export function wantedImage(edited: EditedImage, config: Config): WantedImage {
  const { environment, image } = edited
  return {
    ...edited,
    name: config.images?.get(image)?.name ?? image,
    repositories: repositoriesOf(config, environment, image),
    reading: readingIn(config, environment, image),
  }
}

export function editRequest(
  gitops: GitOpsConfig,
  images: readonly EditedImage[],
  config: Config,
): EditRequest {
  const names = new RegistryNames(config.registries)
  return {
    config: gitops,
    images: images.map((image) => wantedImage(image, config)),
    identify: (repository) => names.identity(repository),
  }
}

/**
 * The images of a plan in their environment, without those that are refused.
 * @param choose selects from several versions of an image; by default they are a mistake
 * @throws `usage` if the plan writes to no environment, or to several.
 */
export function placedImages(
  plan: Plan,
  config: Config,
  choose: ChooseImages = (images) => images,
): readonly EditedImage[] {
  const refused = new Set(plan.refusals.map(({ image }) => image))
  const placed = plan.placements.flatMap((placement) =>
    refused.has(placement.image) ? [] : [{ placement, owner: ownerOf(placement, config) }],
  )
  const groups = Map.groupBy(placed, ({ placement }) => placement.image)
  const all = [...groups.values()].flatMap((group): EditedImage[] => {
    const [first] = group
    if (first === undefined) return []
    const { placement, owner } = first
    const tag = tagOf(placement, readingIn(config, owner.environment, owner.image))
    return [
      {
        ...owner,
        repository: placement.to.repository,
        digest: placement.root.digest,
        ...(tag !== undefined && { tag }),
        placements: group.map((one) => one.placement.id),
      },
    ]
  })
  const images = choose(all)
  checkOnce(images)
  return images
}

function ownerOf({ to, image }: Placement, config: Config): Pick<EditedImage, 'environment' | 'image'> {
  const environment = environmentAt(config, to.repository, to.environment)
  const owner = findImagesAt(config, to.repository).find((one) => one.environment === environment)
  if (owner !== undefined) return { environment: owner.environment, image: owner.image }
  throw new DrayError('usage', `${image} goes to no environment, so it has no deployment files`, {
    subject: formatRepository(to.repository),
    hint: 'Remove --gitops, or promote to an environment of dray.yaml.',
  })
}

/** Files have one digest of an image, and a plan edits the files of one environment. */
function checkOnce(images: readonly EditedImage[]): void {
  const environments = [...new Set(images.map(({ environment }) => environment))]
  if (environments.length > 1)
    throw new DrayError('usage', '--gitops edits the files of one environment', {
      why: `the plan writes to ${environments.join(', ')}`,
      hint: 'Run dray once for each environment.',
    })
  const names = images.map(({ image }) => image)
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (repeated !== undefined)
    throw new DrayError('usage', `--gitops writes one version of ${repeated}`, {
      why: 'the plan has several',
      hint: 'Run dray once for each version.',
    })
}

/** The tag that files get: an exact version if the placement has one. */
function tagOf({ from, to, tags }: Placement, reading: VersionReading): string | undefined {
  const written = tags.map(({ tag }) => tag)
  const isInPlace = sameRepository(from.repository, to.repository)
  // The release of a rollback is the tag that its image was found by. Files name no floating tag.
  const release = isInPlace ? from.tag : undefined
  const known = release === undefined ? written : [...written, release]
  return versionTagsIn(known, reading)[0]?.tag ?? (isInPlace ? release : written[0])
}
