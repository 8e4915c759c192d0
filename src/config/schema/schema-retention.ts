import * as v from 'valibot'
import { either, isMapLike, list, text, whole } from './schema-parts.ts'
import { age, groupBy, type selector, tags, timeSources, versions } from './schema-selectors.ts'

/**
 * The keys of a policy. Each of them distinguishes a policy from a map of policies, so none of them
 * can be a name.
 */
const policyKeys: ReadonlySet<string> = new Set(['protect', 'rules', 'limits', 'timeFrom'])

/** Only keys of a policy contain lists, so a list shows a policy with a mistyped key. */
function isPolicy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, child]) => policyKeys.has(key) || Array.isArray(child))
}

const repositories = v.pipe(
  list(text('a pattern of repositories'), 'patterns of repositories'),
  v.description(
    'The repositories: @dev/*, @dev/**, registry.example.com/team/*. By default all.',
  ),
)

const name = (whose: string) =>
  v.pipe(
    v.string('must be a name'),
    v.regex(/^\S(?:[^\t\r\n]{0,98}\S)?$/, 'must be a name of up to 100 characters, on one line'),
    v.description(`The name of the ${whose} in plans.`),
  )

const inUse = v.strictObject(
  {
    files: v.optional(
      v.pipe(
        list(text('a glob of files'), 'globs of files'),
        v.description('Globs of files that contain references of images in use, relative to this file.'),
      ),
    ),
    kubectl: v.optional(
      v.pipe(
        v.strictObject(
          {
            contexts: v.pipe(
              list(text('the name of a context'), 'contexts'),
              v.description('The contexts of kubectl. dray reads all of them.'),
            ),
          },
          'must be a map with `contexts`',
        ),
        v.description('Kubernetes clusters whose images are in use.'),
      ),
    ),
    ignoreHosts: v.optional(
      v.pipe(
        list(text('the host of a registry'), 'hosts'),
        v.description(
          'Registries that dray does not prune. It does not warn about images in use from these hosts.',
        ),
      ),
    ),
  },
  'must be a map with `files` or `kubectl`',
)

const protection = v.pipe(
  v.strictObject(
    {
      name: v.optional(name('protection')),
      repositories: v.optional(repositories),
      tags: v.optional(tags),
      semver: v.optional(
        v.pipe(versions, v.description('The versions in a range, including pre-releases, or the highest of them.')),
      ),
      inUse: v.optional(v.pipe(inUse, v.description('Images that are in use.'))),
      optional: v.optional(
        v.pipe(
          v.boolean('must be true or false'),
          v.description('Allow a protection that matches nothing. By default that is an error.'),
        ),
      ),
    },
    'must be a map with `tags`, `semver` or `inUse`',
  ),
  v.description('A protection. dray never deletes images that it matches.'),
)

const orderShape = 'must be time, version or name, or a map with `number`'

const rule = v.pipe(
  v.strictObject({
    name: name('rule'),
    repositories: v.optional(repositories),
    tags: v.optional(tags),
    kind: v.optional(
      v.pipe(
        v.picklist(
          ['tags', 'superseded', 'orphaned', 'broken'],
          'must be tags, superseded, orphaned or broken',
        ),
        v.description(
          'Whether the rule selects tags (default), images that a tag pointed to before (superseded), attached artifacts without their subject (orphaned), or tags on an index with a missing child (broken).',
        ),
      ),
    ),
    groupBy: v.optional(
      v.pipe(
        groupBy,
        v.description(
          'A named group of the regular expression, or major, minor, patch or variant of the version, or a list of them. `keepNewest` counts in each combination of values.',
        ),
      ),
    ),
    orderBy: v.optional(
      v.pipe(
        either(
          (value) => !isMapLike(value),
          v.picklist(['time', 'version', 'name'], orderShape),
          v.strictObject(
            {
              number: v.pipe(
                text('the name of a group'),
                v.description('The named group of the regular expression that contains the number.'),
              ),
            },
            orderShape,
          ),
        ),
        v.description(
          'The order in which `keepNewest` counts, highest first: time (default), version, name, or { number: GROUP }.',
        ),
      ),
    ),
    keepNewest: v.optional(
      v.pipe(
        whole(1, 'must be at least 1; omit the key to keep none by number'),
        v.description('The number of selected digests to keep, the highest in `orderBy` first.'),
      ),
    ),
    untagged: v.optional(
      v.pipe(
        v.literal(true, 'must be true; omit the key for a rule about tags'),
        v.description(
          'Select the manifests that no tag, index or kept subject reaches, instead of tags. It needs `olderThan`, and an inventory of the registry.',
        ),
      ),
    ),
    olderThan: v.optional(
      v.pipe(age, v.description('Delete only images that are older: 15m, 12h, 14d, 8w.')),
    ),
    notPulledFor: v.optional(
      v.pipe(
        age,
        v.description(
          'Delete only images that were not pulled for this time: 90d. It needs an inventory of the registry with pull times.',
        ),
      ),
    ),
  }),
  v.description('A retention rule. It deletes images that match all of its conditions. The first rule that selects a tag decides about it.'),
)

const limits = v.pipe(
  v.strictObject({
    maxDeletes: v.optional(
      v.pipe(whole(0), v.description('The maximum number of digests to delete, in a repository and in the run.')),
    ),
    maxPercent: v.optional(
      v.pipe(
        v.number('must be a number'),
        v.minValue(0, 'must be from 0 to 100'),
        v.maxValue(100, 'must be from 0 to 100'),
        v.description('The maximum percentage of the digests of a repository to delete.'),
      ),
    ),
    minRemaining: v.optional(
      v.pipe(whole(0), v.description('The minimum number of digests that remain in a repository.')),
    ),
  }),
  v.description('Limits. dray deletes nothing if a plan exceeds one.'),
)

const policy = v.strictObject({
  protect: v.optional(
    v.pipe(list(protection, 'protections'), v.description('The protections. They take precedence over the rules.')),
  ),
  rules: v.pipe(list(rule, 'rules'), v.description('The retention rules.')),
  limits: v.optional(limits),
  timeFrom: v.optional(
    v.pipe(
      timeSources,
      v.description('The sources for the time of an image. The first one that has a time decides. The default is promoted, annotation, config.'),
    ),
  ),
})

const policyName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]*$/, 'must consist of lower-case letters, digits and "-", and not begin with "-"'),
)

/**
 * The section `retention`: one policy, or several by name. The meaning of its values is
 * checked in `retention.ts`.
 */
export const retention = v.pipe(
  either(isPolicy, policy, v.record(policyName, policy, 'must be a map')),
  v.description('The retention policy of `dray prune`, or several policies by name.'),
)

export type WrittenRetention = v.InferOutput<typeof retention>
export type WrittenPolicy = v.InferOutput<typeof policy>
export type WrittenProtection = v.InferOutput<typeof protection>
export type WrittenRule = v.InferOutput<typeof rule>
export type WrittenSelector = v.InferOutput<typeof selector>

/**
 * The policies of the section by their names; the name of a policy that stands alone is undefined.
 */
export function listPolicies(written: WrittenRetention): readonly [string | undefined, WrittenPolicy][] {
  if (isPolicy(written)) return [[undefined, written as WrittenPolicy]]
  return Object.entries(written as Readonly<Record<string, WrittenPolicy>>)
}
