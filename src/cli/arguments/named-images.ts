import type { Config } from '../../config/config.ts'
import { outsideEveryEnvironment } from '../../config/resolver/resolve-errors.ts'
import { resolveImage, type Within } from '../../config/resolver/resolve.ts'
import { DrayError } from '../../lib/errors.ts'

/** Returns the names of the given images in `dray.yaml`; all by default. @throws `usage`. */
export function resolveImageNames(
  references: readonly string[],
  within: Within,
  config: Config,
): readonly string[] {
  if (references.length > 0)
    return [...new Set(references.map((text) => resolveImageName(text, within, config)))]
  const images = [...(config.images?.keys() ?? [])]
  if (images.length > 0) return images
  throw new DrayError('usage', 'an image is required, because dray.yaml lists none', {
    hint: 'Name an image, or list all images under "images:" in dray.yaml.',
  })
}

/**
 * Warnings for given images that no environment has: the name can have a typing error.
 * @param environments those that were read
 */
export function warnAboutAbsent(
  absent: readonly string[],
  references: readonly string[],
  environments: readonly string[],
  { images }: Config,
): readonly string[] {
  if (references.length === 0) return []
  return absent
    .filter((image) => !images?.has(image))
    .map((image) => `${image} is not in ${environments.join(' or ')}. Check the name.`)
}

function resolveImageName(text: string, within: Within, config: Config): string {
  const { image } = resolveImage(text, { accepts: ['repository'], within }, config)
  if (image === undefined) throw outsideEveryEnvironment(text)
  return image
}
