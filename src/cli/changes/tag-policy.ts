import type { Config } from '../../config/config.ts'
import { readingIn } from '../../config/settings/version-reading.ts'
import { defaultTagPolicy, type TagPolicy } from '../../semver/tag-policy.ts'
import { plainReading, type VersionReading } from '../../semver/version.ts'

/** An image of an environment, or a repository in no environment. */
export interface ImageOwner {
  readonly environment?: string | undefined
  /** the name in `dray.yaml` */
  readonly image?: string | undefined
}

/** How the tags of an image are read; in no environment by the defaults. */
export function readingOfImage({ environment, image }: ImageOwner, config: Config): VersionReading {
  return environment === undefined ? plainReading : readingIn(config, environment, image)
}

/** The tag policy of an image, completed with the defaults. */
export function tagPolicyOf(owner: ImageOwner, config: Config, allowBackward: boolean): TagPolicy {
  const tags = config.environments.get(owner.environment ?? '')?.tags
  return {
    ...readingOfImage(owner, config),
    levels: tags?.semver ?? defaultTagPolicy.levels,
    v: tags?.v ?? defaultTagPolicy.v,
    channels: tags?.channels ?? defaultTagPolicy.channels,
    majorZero: tags?.majorZero ?? defaultTagPolicy.majorZero,
    allowBackward,
  }
}
