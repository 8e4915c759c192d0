import type { Config } from '../../config/config.ts'
import { environmentNamed, repositoriesOf } from '../../config/environments.ts'
import { everyEnvironment, resolveEnvironmentOption } from '../../config/resolver/resolve.ts'
import { readingIn } from '../../config/settings/version-reading.ts'
import { DrayError } from '../../lib/errors.ts'
import { defaultTag } from '../../oci/reference.ts'
import type { DiffSide } from '../../usecases/views/diff/diff.ts'
import type { DiffImage } from '../../usecases/views/diff/gather-diff.ts'
import { resolveImageNames } from './named-images.ts'

export interface DiffRequest {
  /** names of environments */
  readonly from: string
  readonly to: string
  readonly images: readonly DiffImage[]
}

/** Resolves the arguments of `diff`: two environments and images. @throws `usage`. */
export function resolveDiffRequest(args: readonly string[], config: Config): DiffRequest {
  const [first, second, ...references] = args
  if (first === undefined || second === undefined) {
    throw new DrayError('usage', 'two environments are required', {
      hint: 'Name the source first: dray diff staging prod.',
    })
  }
  const { environment: from } = resolveEnvironmentOption(first, config)
  const { environment: to } = resolveEnvironmentOption(second, config)
  if (from === to) {
    throw new DrayError('usage', `cannot compare ${from} with itself`, {
      hint: 'Name two different environments.',
    })
  }
  const images = resolveImageNames(references, everyEnvironment(config), config).map((image): DiffImage => {
    const [side, ...more] = sidesOf(image, from, config)
    if (side === undefined) throw new DrayError('internal', `${from} has no target`)
    return { image, from: [side, ...more], to: sidesOf(image, to, config) }
  })
  return { from, to, images }
}

function sidesOf(image: string, environment: string, config: Config): readonly DiffSide[] {
  const settings = environmentNamed(config, environment)
  return repositoriesOf(config, environment, image).map((repository) => ({
    repository,
    reading: readingIn(config, environment, image),
    currentTags: [settings.currentTag ?? defaultTag],
    channels: settings.tags?.channels ?? [],
  }))
}
