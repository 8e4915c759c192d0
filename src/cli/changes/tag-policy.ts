import type { TagsConfig } from '../../config/config.ts'
import { readingOf } from '../../config/settings/version-reading.ts'
import { defaultTagPolicy, type TagPolicy } from '../../semver/tag-policy.ts'

/** The tag policy of an environment, completed with the defaults. */
export function tagPolicyOf(tags: TagsConfig | undefined, allowBackward: boolean): TagPolicy {
  return {
    ...readingOf(tags, undefined),
    levels: tags?.semver ?? defaultTagPolicy.levels,
    v: tags?.v ?? defaultTagPolicy.v,
    channels: tags?.channels ?? defaultTagPolicy.channels,
    majorZero: tags?.majorZero ?? defaultTagPolicy.majorZero,
    allowBackward,
  }
}
