import type { Config } from '../../config/config.ts'
import { environmentNamed, imagesAt } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { addressNamed } from './address-word.ts'
import { notAnImage } from '../command/usage-error.ts'

/** The images that are named, by their names in dray.yaml; else all that stand there. @throws `usage`. */
export function imagesNamed(words: readonly string[], config: Config): readonly string[] {
  if (words.length > 0) return [...new Set(words.map((word) => imageNamed(word, config)))]
  const images = [...(config.images?.keys() ?? [])]
  if (images.length > 0) return images
  throw new DrayError('usage', 'no image is named, and dray.yaml lists none', {
    hint: 'Name them (api web, say), or write them under "images:" in dray.yaml.',
  })
}

/** What to tell of images that were named and are nowhere: a slip of the finger looks just like an image that nobody has pushed. */
export function tellNowhere(
  images: readonly string[],
  words: readonly string[],
  config: Config,
): readonly string[] {
  const known = [...(config.images?.keys() ?? [])]
  if (words.length === 0) return []
  return images
    .filter((image) => !known.includes(image))
    .map((image) => `${image} is nowhere. ${didYouMean(image, known) ?? 'Check the name.'}`)
}

function imageNamed(word: string, config: Config): string {
  const [first] = config.environments.keys()
  const address = addressNamed(word, config, first)
  switch (address.kind) {
    case 'environment':
      throw notAnImage(address.environment)
    case 'layout':
      throw notPlaced(word)
    case 'image':
      environmentNamed(config, address.environment)
      refuseTag(word, address)
      return address.image
    case 'reference': {
      const { registry, path } = address.reference
      const [place] = imagesAt(config, { registry, path })
      if (place === undefined) throw notPlaced(word)
      refuseTag(word, address.reference)
      return place.image
    }
  }
}

function notPlaced(word: string): DrayError {
  return new DrayError('usage', `${word} is in no environment of dray.yaml`, {
    hint: 'Name an image as it is called there, such as api or @staging/api.',
  })
}

/** One tag is not what is looked at, and leaving it out without a word would show another image than was asked for. */
function refuseTag(word: string, at: { readonly tag?: string; readonly digest?: string }): void {
  if (at.tag === undefined && at.digest === undefined) return
  throw new DrayError('usage', `${word} names one version; this is about the image as a whole`, {
    hint: 'Leave the tag or digest away. "dray history" shows where one version has been.',
  })
}
