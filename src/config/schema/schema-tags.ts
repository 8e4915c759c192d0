import * as v from 'valibot'
import { flag, optional, pattern, text } from './schema-parts.ts'

const tagLevels = ['exact', 'minor', 'major', 'latest'] as const
const schemes = ['semver', 'calver', 'loose'] as const
const channel = pattern(
  'a name',
  /^[A-Za-z][0-9A-Za-z-]*$/,
  'must consist of letters, digits and "-", and begin with a letter',
)
const tagGlobs = v.array(text('a glob of tags'), 'must be a list of globs of tags')
/** How tags are read as versions. */
export const readingKeys = {
  scheme: optional(
    v.picklist(schemes, `must be one of ${schemes.join(', ')}`),
    'The numbers of versions: three, the first below 1970 (semver, the default); a date such as 2024.04.1 (calver); three or four with any zero padding (loose).',
  ),
  variants: optional(
    v.array(text('a glob of suffixes'), 'must be a list of globs of suffixes'),
    'Globs (*, ?) of suffixes that are variants and not pre-releases: with "alpine", 1.4.2-alpine has the floating tags 1.4-alpine, 1-alpine and alpine.',
  ),
  ignoreVersions: optional(tagGlobs, 'Globs (*, ?) of tags that are never versions.'),
  buildMetadata: optional(
    flag,
    'Read the tag 1.4.1_build.7 as the version 1.4.1+build.7. By default it is not a version.',
  ),
}
/** The tag policy of an environment. */
export const tagRules = optional(
  v.strictObject({
    semver: optional(
      v.array(
        v.picklist(tagLevels, `must be one of ${tagLevels.join(', ')}`),
        `must be a list of ${tagLevels.join(', ')}`,
      ),
      'The tags that a promotion of a version writes: 1.4.2 (exact), 1.4 (minor), 1 (major), latest. The list must contain `exact`.',
    ),
    immutable: optional(
      tagGlobs,
      'Globs (*, ?) of further tags that do not move. Version tags never move.',
    ),
    v: optional(
      v.picklist(['keep', 'none', 'always'], 'must be keep, none or always'),
      'Whether version tags begin with "v" if the repository has no version tags yet: as given (keep), never (none, the default) or always.',
    ),
    channels: optional(
      v.array(channel, 'must be a list of names'),
      'Channels of pre-releases. With "beta", 2.0.0-beta.3 moves the floating tag beta, forward only.',
    ),
    ...readingKeys,
    majorZero: optional(flag, 'Move the floating tag 0 to versions such as 0.3.1. The default is false.'),
  }),
  'The tag policy of the environment.',
)
