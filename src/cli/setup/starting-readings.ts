import type { Config } from '../../config/config.ts'
import { repositoriesOf } from '../../config/environments.ts'
import type { StartingReading } from '../../config/starting/starting-config.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import { findTags } from '../../images/tags/tags.ts'
import type { Call } from '../../lib/call.ts'
import { type DrayError, toDrayError } from '../../lib/errors.ts'
import { detectReading } from './detect-reading.ts'

/** Images whose tags are read to find the settings of their versions. */
const maxImages = 20
/** Lists of tags that are read at once. */
const listsAtOnce = 4

/** The settings that the tags of images show. */
export interface FoundReadings {
  readonly readings: ReadonlyMap<string, StartingReading>
  /** registries that cannot be read, each with its first error */
  readonly failures: ReadonlyMap<string, DrayError>
}

/**
 * Detects how the tags of each image are to be read, from the first environment that has it.
 * @param isUnreachable registries that are not asked
 * @throws `interrupted`.
 */
export async function findReadings(
  config: Config,
  images: readonly string[],
  stores: Repositories,
  isUnreachable: (registry: string) => boolean,
  call: Call,
): Promise<FoundReadings> {
  const failures = new Map<string, DrayError>()
  const found = await inParallel(images.slice(0, maxImages), listsAtOnce, call, async (image, c) => {
    for (const environment of config.environments.keys()) {
      const [repository] = repositoriesOf(config, environment, image)
      if (repository === undefined) continue
      if (failures.has(repository.registry) || isUnreachable(repository.registry)) continue
      try {
        const tags = await findTags(stores.source(repository), c)
        if (tags !== undefined && tags.length > 0) return [image, detectReading(tags)] as const
      } catch (thrown) {
        c.signal.throwIfAborted()
        failures.set(repository.registry, toDrayError(thrown))
      }
    }
    return [image, undefined] as const
  })
  const readings = new Map<string, StartingReading>()
  for (const [image, reading] of found) if (reading !== undefined) readings.set(image, reading)
  return { readings, failures }
}
