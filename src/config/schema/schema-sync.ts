import * as v from 'valibot'
import { gates } from './schema-gates.ts'
import { described, either, flag, list, optional, pattern, text, whole } from './schema-parts.ts'
import { age, exclude, groupBy, tags, timeSources, versions } from './schema-selectors.ts'
import { readingKeys } from './schema-tags.ts'

const isText = (value: unknown): boolean => typeof value === 'string'

const selector = v.strictObject(
  {
    tags: v.optional(tags),
    semver: optional(versions, 'The versions in a range, or the highest of them.'),
    groupBy: optional(
      groupBy,
      'A named group of the regular expression, or major, minor, patch or variant of the version, or a list of them. `newest` counts in each combination of values.',
    ),
    newest: optional(
      whole(1, 'must be at least 1; omit the key to select all'),
      'The number of digests to select, the newest first, with all of their tags that match.',
    ),
  },
  'must be a map with `tags` or `semver`',
)

const destination = text('a destination such as mirror.example.com/hub/{repository}')

const deletes = v.strictObject(
  {
    exclusive: described(
      v.literal(true, 'must be true: only an exclusive destination can have deletes'),
      'Only this rule writes to the destination repositories. dray deletes other tags there if you pass --delete.',
    ),
    gracePeriod: optional(
      age,
      'How long dray keeps a tag since the first run in which the source did not have it: 12h, 7d. By default not at all.',
    ),
    limits: optional(
      v.strictObject({
        maxDeletes: optional(
          whole(0),
          'The maximum number of digests to delete, in a repository and in the run.',
        ),
        maxPercent: optional(
          v.pipe(
            v.number('must be a number'),
            v.minValue(0, 'must be from 0 to 100'),
            v.maxValue(100, 'must be from 0 to 100'),
          ),
          'The maximum percentage of the digests of a repository to delete, and of the tags that the source may lack at once.',
        ),
      }),
      'Limits. dray deletes nothing if a plan exceeds one.',
    ),
  },
  'must be a map with `exclusive: true`',
)

const rule = described(
  v.strictObject(
    {
      name: described(
        pattern(
          'a name',
          /^[a-z0-9][a-z0-9-]{0,62}$/,
          'must consist of up to 63 lower-case letters, digits and "-", and not begin with "-"',
        ),
        'The name of the rule, unique in the file: `dray sync NAME` runs only this one.',
      ),
      from: described(
        text('a registry, @ENV or oci:FOLDER'),
        'The source: a registry with or without a path (docker.io), an environment (@dev) or an image layout (oci:./images).',
      ),
      repositories: optional(
        list(text('a pattern of repositories'), 'patterns of repositories'),
        'Patterns of repositories, relative to `from`: library/alpine, "bitnami/*", "bitnami/**". Of an environment: names of images, by default all. Of an image layout: its name as {repository}.',
      ),
      to: described(
        either(isText, destination, list(destination, 'destinations')),
        'The destination: a repository with {repository} in place of the path below `from`, an environment (@prod), an image layout (oci:./mirror/{repository}), or a list of them.',
      ),
      include: optional(
        list(selector, 'selectors of tags'),
        'The tags to copy: a tag must match one entry. By default all tags.',
      ),
      exclude: v.optional(exclude),
      platforms: optional(
        list(text('a platform such as linux/amd64'), 'platforms'),
        'The platforms to copy of each multi-platform image: linux/amd64, linux/arm/v7. By default all. The index stays unchanged, so the destination must accept an index with missing children.',
      ),
      movedTags: optional(
        v.picklist(
          ['follow', 'followFloating', 'keep'],
          'must be follow, followFloating or keep',
        ),
        'Whether a tag at the destination moves if the source has it on another digest: follow (default), followFloating (unless it is a version tag) or keep (never).',
      ),
      delete: optional(deletes, 'Deletes of tags at the destination that the rule does not select.'),
      timeFrom: optional(
        timeSources,
        'The sources for the time of an image. The first one that has a time decides. The default is pushed, annotation, config.',
      ),
      gates,
      optional: optional(flag, 'Allow a rule that selects nothing. By default that is an error.'),
      ...readingKeys,
    },
    'must be a map with `name`, `from` and `to`',
  ),
  'A sync rule: the images to copy from one place to others.',
)

/** The section `sync`. `src/config/sync/` checks the meaning of its values. */
export const sync = described(
  list(rule, 'sync rules'),
  'The rules of `dray sync`, `dray bundle create` and `dray mirror-config`.',
)

/** The section `transfer`. */
export const transfer = optional(
  v.strictObject({
    bandwidth: optional(
      pattern(
        'a number of bytes in a second, for example 20MiB/s',
        /^[0-9]{1,12}(?:\.[0-9]{1,3})?(?:[KMG]i?)?B\/s$/,
        'must be a number of bytes in a second, for example 20MiB/s',
      ),
      'The maximum number of bytes in a second, of all transfers of a run in both directions together: 500KiB/s, 20MiB/s, 1GiB/s.',
    ),
  }),
  'Limits of the transfers of each command.',
)

export type WrittenSync = v.InferOutput<typeof sync>
export type WrittenSyncRule = v.InferOutput<typeof rule>
export type WrittenSyncSelector = v.InferOutput<typeof selector>
export type WrittenSyncDelete = v.InferOutput<typeof deletes>
