import type { Config } from '../../config/config.ts'
import { environmentNamed, repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { DiffSide } from '../../usecases/views/diff/diff.ts'
import type { DiffPlace } from '../../usecases/views/diff/gather-diff.ts'
import { defaultTag } from '../../oci/reference.ts'
import { environmentWord } from './environment-word.ts'
import { imagesNamed } from './named-images.ts'
import { readingIn } from './status-places.ts'
import { asUsage } from '../command/usage-error.ts'

export interface DiffRequest {
  /** names of environments */
  readonly from: string
  readonly to: string
  readonly places: readonly DiffPlace[]
}

/** What is to be compared: two environments, with `@` or without, and the images that are named behind them, else all. @throws `usage`. */
export function diffRequest(words: readonly string[], config: Config): DiffRequest {
  const [from, to, ...images] = words
  if (from === undefined || to === undefined) {
    throw new DrayError('usage', 'two environments are to be named', {
      hint: 'The one that images come from first: dray diff staging prod.',
    })
  }
  const names = [from, to].map(environmentWord)
  const [source = '', destination = ''] = names
  for (const name of names) environmentNamed(config, name)
  if (source === destination) {
    throw new DrayError('usage', `${source} is compared with itself`, { hint: 'Name two environments.' })
  }
  const places = imagesNamed(images, config).map((image): DiffPlace => {
    const [first, ...more] = sidesOf(image, source, config)
    if (first === undefined) throw new DrayError('internal', `${source} has no target`)
    return { image, from: [first, ...more], to: sidesOf(image, destination, config) }
  })
  return { from: source, to: destination, places }
}

function sidesOf(image: string, environment: string, config: Config): readonly DiffSide[] {
  const settings = environmentNamed(config, environment)
  return asUsage(() => repositoriesOf(config, environment, image)).map((repository) => ({
    repository,
    reading: readingIn(settings),
    markers: [settings.marker ?? defaultTag],
    channels: settings.tags?.channels ?? [],
  }))
}
