import * as v from 'valibot'
import { either, list, text, whole } from './schema-parts.ts'

const isList = (value: unknown): boolean => Array.isArray(value)

const globs = list(text('a glob of tags'), 'globs of tags')
const range = v.pipe(
  text('a range of versions'),
  v.description("A range of versions in the syntax of npm, in quotes: '>=1.4 <2'."),
)

const selectorKeys = {
  glob: v.optional(
    v.pipe(
      either((value) => typeof value === 'string', text('a glob of tags'), globs),
      v.description('A glob (*, ?) that matches the whole tag, or a list of globs.'),
    ),
  ),
  regex: v.optional(
    v.pipe(
      text('a regular expression'),
      v.description('A regular expression (RE2) that matches the whole tag.'),
    ),
  ),
  semver: v.optional(range),
}
const selectorShape = 'must be a list of globs, or a map with `glob`, `regex` or `semver`'
export const exclude = v.pipe(
  either(isList, globs, v.strictObject(selectorKeys, selectorShape)),
  v.description('The tags that are not selected: globs, a regular expression or a range of versions.'),
)
/** The tags of a rule or protection, as a list of globs or a map. */
export const selector = either(
  isList,
  globs,
  v.strictObject({ ...selectorKeys, exclude: v.optional(exclude) }, selectorShape),
)
export const tags = v.pipe(
  selector,
  v.description('The tags: globs, a regular expression or a range of versions.'),
)

const variantGlob = text('a glob of variants')

/** The key `semver` of a protection and of an entry of `include`. */
export const versions = v.strictObject(
  {
    range,
    variant: v.optional(
      v.pipe(
        either((value) => typeof value === 'string', variantGlob, list(variantGlob, 'globs of variants')),
        v.description(
          'A glob (*, ?) of variants, or a list of globs: only versions with such a suffix, which is then not a pre-release. With alpine*, 20.11.1-alpine3.20 is release 20.11.1 of the variant alpine3.20.',
        ),
      ),
    ),
    newestPer: v.optional(
      v.pipe(
        v.picklist(['repository', 'major', 'minor', 'patch'], 'must be repository, major, minor or patch'),
        v.description('Only the highest versions of each repository, major version, minor version or patch.'),
      ),
    ),
    count: v.optional(v.pipe(whole(1), v.description('The number of versions for `newestPer`, of each variant.'))),
  },
  'must be a map with `range`',
)

/** A number and a unit: `15m`, `12h`, `14d`, `8w`. */
export const age = v.pipe(
  v.string('must be an age, for example 15m, 12h, 14d or 8w'),
  v.regex(/^\d+[mhdw]$/, 'must be an age, for example 15m, 12h, 14d or 8w'),
)


const group = text('the name of a group, or major, minor, patch or variant')
/** The key `groupBy` of rules that count. */
export const groupBy = either(
  (value) => typeof value === 'string',
  group,
  list(group, 'names of groups'),
)

/** The key `timeFrom`. */
export const timeSources = list(
  v.picklist(
    ['promoted', 'annotation', 'config', 'pushed'],
    'must be promoted, annotation, config or pushed',
  ),
  'promoted, annotation, config and pushed',
)

export type WrittenVersions = v.InferOutput<typeof versions>
