import * as v from 'valibot'

/**
 * The keys of a policy. Each of them distinguishes a policy from a map of policies, so none of them
 * can be a name.
 */
const policyKeys: ReadonlySet<string> = new Set(['protect', 'rules', 'limits', 'timeFrom'])

const isList = (value: unknown): boolean => Array.isArray(value)

/**
 * One of two schemas. The value decides, so that errors are those of the schema that the user
 * means. Without a value (for the schema of editors) it is the union.
 */
function either<A extends v.GenericSchema, B extends v.GenericSchema>(
  isFirst: (value: unknown) => boolean,
  first: A,
  second: B,
) {
  const union = v.union([first, second])
  return v.lazy((value): v.GenericSchema<v.InferOutput<A> | v.InferOutput<B>> => {
    if (value === undefined) return union
    return isFirst(value) ? first : second
  })
}

/** Only keys of a policy contain lists, so a list shows a policy with a mistyped key. */
function isPolicy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, child]) => policyKeys.has(key) || Array.isArray(child))
}

const text = (what: string) => v.pipe(v.string(`must be ${what}`), v.nonEmpty(`must be ${what}`))

const list = <T extends v.GenericSchema>(entry: T, what: string) =>
  v.pipe(v.array(entry, `must be a list of ${what}`), v.minLength(1, 'must have at least one entry'))

const whole = (least: number, otherwise = `must be at least ${least}`) =>
  v.pipe(
    v.number('must be a whole number'),
    v.safeInteger('must be a whole number'),
    v.minValue(least, otherwise),
  )

const globs = list(text('a glob of tags'), 'globs of tags')
const range = v.pipe(
  text('a range of versions'),
  v.description("A range of versions as npm writes it, in quotes: '>=1.4 <2'."),
)

const selector = either(
  isList,
  globs,
  v.strictObject(
    {
      glob: v.optional(
        v.pipe(
          either((value) => typeof value === 'string', text('a glob of tags'), globs),
          v.description('A glob (*, ?) that has to fit the whole tag, or several of them.'),
        ),
      ),
      regex: v.optional(
        v.pipe(
          text('a regular expression'),
          v.description("A regular expression in RE2's syntax that has to fit the whole tag."),
        ),
      ),
      semver: v.optional(range),
    },
    'must be a list of globs, or a map with `glob`, `regex` or `semver`',
  ),
)
const tags = v.pipe(
  selector,
  v.description('Which tags: globs, a regular expression or a range of versions.'),
)

const repositories = v.pipe(
  list(text('a pattern of repositories'), 'patterns of repositories'),
  v.description(
    'In which repositories: @dev/*, @dev/**, registry.example.com/team/*; in all where it is not given.',
  ),
)

const name = (whose: string) =>
  v.pipe(
    v.string('must be a name'),
    v.regex(/^\S(?:[^\t\r\n]{0,98}\S)?$/, 'must be a name of up to 100 characters, on one line'),
    v.description(`What the ${whose} is called where it decides.`),
  )

const newest = v.strictObject(
  {
    range,
    newestPer: v.optional(
      v.pipe(
        v.picklist(['repository', 'major', 'minor', 'patch'], 'must be repository, major, minor or patch'),
        v.description('Only the highest versions of each repository, major version, minor version or patch.'),
      ),
    ),
    count: v.optional(v.pipe(whole(1), v.description('How many of them.'))),
  },
  'must be a map with `range`',
)

const inUse = v.strictObject(
  {
    files: v.optional(
      v.pipe(
        list(text('a glob of files'), 'globs of files'),
        v.description('Globs of files that name images which run, relative to this file.'),
      ),
    ),
    kubectl: v.optional(
      v.pipe(
        v.strictObject(
          {
            contexts: v.pipe(
              list(text('the name of a context'), 'contexts'),
              v.description('Contexts of kubectl, all of which are asked.'),
            ),
          },
          'must be a map with `contexts`',
        ),
        v.description('Clusters that say what runs in them.'),
      ),
    ),
    ignoreHosts: v.optional(
      v.pipe(
        list(text('the host of a registry'), 'hosts'),
        v.description(
          'Hosts of registries that dray does not prune. Images in use from there are not warned about.',
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
        v.pipe(newest, v.description('Versions in a range, pre-releases with them; or the highest of them.')),
      ),
      inUse: v.optional(v.pipe(inUse, v.description('Images that something runs.'))),
      optional: v.optional(
        v.pipe(
          v.boolean('must be true or false'),
          v.description('Whether it may match nothing; else that is taken for a mistake.'),
        ),
      ),
    },
    'must be a map with `tags`, `semver` or `inUse`',
  ),
  v.description('What is never deleted.'),
)

const rule = v.pipe(
  v.strictObject({
    name: name('rule'),
    repositories: v.optional(repositories),
    tags: v.optional(tags),
    groupBy: v.optional(
      v.pipe(
        text('the name of a group, or major or minor'),
        v.description(
          'A named group of the regular expression, or major or minor of the version: `keepNewest` counts in each group.',
        ),
      ),
    ),
    keepNewest: v.optional(
      v.pipe(
        whole(1, 'must be at least 1: leave it out to keep none by number'),
        v.description('How many of the newest digests stay, of all that the tags select.'),
      ),
    ),
    olderThan: v.optional(
      v.pipe(
        v.string('must be an age, such as 15m, 12h, 14d or 8w'),
        v.regex(/^\d+[mhdw]$/, 'must be an age, such as 15m, 12h, 14d or 8w'),
        v.description('The age from which on it deletes: 15m, 12h, 14d, 8w.'),
      ),
    ),
  }),
  v.description('What may be deleted: what all conditions of a rule agree on.'),
)

const limits = v.pipe(
  v.strictObject({
    maxDeletes: v.optional(
      v.pipe(whole(0), v.description('Digests that are deleted at most, in a repository and in the run.')),
    ),
    maxPercent: v.optional(
      v.pipe(
        v.number('must be a number'),
        v.minValue(0, 'must be from 0 to 100'),
        v.maxValue(100, 'must be from 0 to 100'),
        v.description('Percent of the digests of a repository that are deleted at most.'),
      ),
    ),
    minRemaining: v.optional(
      v.pipe(whole(0), v.description('Digests that a repository has to have afterwards.')),
    ),
  }),
  v.description('Beyond these nothing is deleted at all.'),
)

const policy = v.strictObject({
  protect: v.optional(
    v.pipe(list(protection, 'protections'), v.description('What is never deleted, whatever the rules say.')),
  ),
  rules: v.pipe(list(rule, 'rules'), v.description('What may be deleted: any one of them is enough.')),
  limits: v.optional(limits),
  timeFrom: v.optional(
    v.pipe(
      list(v.picklist(['annotation', 'config'], 'must be annotation or config'), 'annotation and config'),
      v.description('Where the time of an image is read, the first that says one decides.'),
    ),
  ),
})

const policyName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]*$/, 'must be of lower-case letters, digits and "-", and not begin with "-"'),
)

/**
 * The section `retention`: one policy, or several by name. What its values mean is checked in
 * `retention.ts`.
 */
export const retention = v.pipe(
  either(isPolicy, policy, v.record(policyName, policy, 'must be a map')),
  v.description('What `dray prune` deletes and keeps: one policy, or several by name.'),
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
