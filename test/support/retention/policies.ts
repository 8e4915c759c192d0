import * as fc from 'fast-check'
import { repositoryPatterns } from './oracle/repositories.ts'
import type {
  OrderData,
  PolicyData,
  ProtectionData,
  RuleData,
  SelectorData,
  TagsData,
} from './policy-data.ts'
import type { TagFamily } from './tag-families.ts'

type RuleBody = Omit<RuleData, 'name'>

/** Policies for the tags of a repository. Each protection may match nothing. */
export function policies(family: TagFamily): fc.Arbitrary<PolicyData> {
  const protection = fc.tuple(protections(family), repositories).map(([one, where]) => ({
    ...one,
    ...where,
    optional: true,
  }))
  return fc
    .record({
      protect: fc.oneof(
        fc.constant([]),
        fc.constant([]),
        fc.array(protection, { minLength: 1, maxLength: 2 }),
      ),
      rules: fc.array(rules(family), { minLength: 1, maxLength: 3 }),
      limits,
      timeFrom,
    })
    .map(({ protect, rules: some, limits: most, timeFrom: sources }) => ({
      ...(protect.length > 0 && { protect }),
      rules: some.map((rule, i) => ({ name: `rule ${i}`, ...rule })),
      ...(most !== undefined && { limits: most }),
      ...(sources !== undefined && { timeFrom: sources }),
    }))
}

const timeFrom = fc.constantFrom<PolicyData['timeFrom'][]>(
  ...Array.from({ length: 8 }, () => undefined),
  ['promoted', 'config', 'annotation'],
  ['annotation', 'config'],
  ['config', 'annotation'],
  ['annotation', 'promoted'],
  ['annotation'],
  ['config'],
  ['promoted'],
)

const limits = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        maxDeletes: fc.integer({ min: 0, max: 4 }),
        maxPercent: fc.constantFrom(0, 20, 50, 100),
        minRemaining: fc.integer({ min: 0, max: 3 }),
      },
      { requiredKeys: [] },
    ),
  },
)

const age = fc.constantFrom('90m', '12h', '1d', '1d', '7d', '7d', '14d', '4w', '40d')

/** Mostly all repositories. */
const repositories: fc.Arbitrary<{ readonly repositories?: readonly string[] }> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record({
      repositories: fc.subarray(Object.keys(repositoryPatterns), { minLength: 1, maxLength: 2 }),
    }),
  },
)

const versionGroups = ['major', 'minor', 'patch', 'variant']

/** A selector, the groups of its tags, and those of its groups that have numbers. */
interface Selected {
  readonly tags?: TagsData
  readonly groups: readonly string[]
  readonly numeric: readonly string[]
}

function selectors(family: TagFamily): fc.Arbitrary<Selected> {
  const byVersion = { groups: versionGroups, numeric: [] }
  const excluded = exclusions(family)
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(byVersion) },
    { weight: 3, arbitrary: globs(family).map((tags) => ({ tags, ...byVersion })) },
    { weight: 1, arbitrary: exclude(family).map((one) => ({ tags: { exclude: one }, ...byVersion })) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom(...family.regexes), excluded)
        .map(([{ regex, ...rest }, exclusion]) => ({ tags: { regex, ...exclusion }, ...rest })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...family.ranges), excluded)
        .map(([semver, exclusion]) => ({ tags: { semver, ...exclusion }, ...byVersion })),
    },
  )
}

function globs({ globs: all }: TagFamily): fc.Arbitrary<readonly string[]> {
  return fc.oneof(fc.constant(['*']), fc.subarray([...all], { minLength: 1 }))
}

function exclude(family: TagFamily): fc.Arbitrary<readonly string[] | SelectorData> {
  return fc.oneof(
    fc.subarray([...family.globs], { minLength: 1 }),
    fc.constantFrom({ regex: '.*-b' }, { regex: '.*[02468]' }),
    fc.constantFrom(...family.ranges).map((semver) => ({ semver })),
  )
}

function exclusions(
  family: TagFamily,
): fc.Arbitrary<{ readonly exclude?: readonly string[] | SelectorData }> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ exclude: exclude(family) }) },
  )
}

function rules(family: TagFamily): fc.Arbitrary<RuleBody> {
  return fc.oneof(
    { weight: 10, arbitrary: tagRules(family, {}) },
    { weight: 2, arbitrary: tagRules(family, { kind: 'broken' }) },
    { weight: 4, arbitrary: supersededRules(family) },
    { weight: 1, arbitrary: orphanedRule },
  )
}

function tagRules(family: TagFamily, kind: { readonly kind?: 'broken' }): fc.Arbitrary<RuleBody> {
  return selectors(family).chain((selected) =>
    fc
      .record({
        where: repositories,
        counting: fc.oneof(fc.constant<Counting>({}), countings(selected)),
        olderThan: fc.oneof(fc.constant(undefined), age),
      })
      .map(({ where, counting, olderThan }) => {
        const { tags } = selected
        const isNothing = tags === undefined && counting.keepNewest === undefined
        // A rule without a condition is refused, because it would delete everything.
        const needsAge = kind.kind === 'broken' || isNothing
        return {
          ...kind,
          ...where,
          ...(tags !== undefined && { tags }),
          ...counting,
          ...((olderThan !== undefined || needsAge) && { olderThan: olderThan ?? '7d' }),
        }
      }),
  )
}

/** How a rule counts. */
type Counting = Pick<RuleData, 'groupBy' | 'orderBy' | 'keepNewest'>

function countings({ groups, numeric }: Selected): fc.Arbitrary<Counting> {
  const byNumber = numeric.map((number) => ({ number }))
  const orders: readonly OrderData[] = ['time', 'version', 'name', ...byNumber, ...byNumber]
  return fc.record(
    {
      keepNewest: fc.integer({ min: 1, max: 3 }),
      ...(groups.length > 0 && groupings(groups)),
      orderBy: fc.constantFrom(...orders),
    },
    { requiredKeys: ['keepNewest'] },
  )
}

function groupings(groups: readonly string[]) {
  return { groupBy: fc.oneof(fc.constantFrom(...groups), fc.subarray([...groups], { minLength: 1 })) }
}

function supersededRules(family: TagFamily): fc.Arbitrary<RuleBody> {
  return fc
    .record({
      where: repositories,
      tags: fc.oneof(
        fc.constant(undefined),
        fc.constantFrom(['stable'], ['latest', 'stable']),
        globs(family),
      ),
      keepNewest: fc.oneof(fc.constant(undefined), fc.constantFrom(1, 1, 2, 3)),
      olderThan: fc.oneof(fc.constant(undefined), age),
    })
    .map(({ where, tags, keepNewest, olderThan }) => {
      const isNothing = tags === undefined && keepNewest === undefined
      return {
        kind: 'superseded' as const,
        ...where,
        ...(tags !== undefined && { tags }),
        ...(keepNewest !== undefined && { keepNewest }),
        ...((olderThan !== undefined || isNothing) && { olderThan: olderThan ?? '7d' }),
      }
    })
}

const orphanedRule: fc.Arbitrary<RuleBody> = fc
  .record({ where: repositories, olderThan: age })
  .map(({ where, olderThan }) => ({ kind: 'orphaned' as const, ...where, olderThan }))

function protections(family: TagFamily): fc.Arbitrary<ProtectionData> {
  const excluded = exclusions(family)
  return fc.oneof(
    fc.subarray([...family.globs], { minLength: 1 }).map((tags) => ({ tags })),
    fc
      .tuple(fc.constantFrom(...family.regexes), excluded)
      .map(([{ regex }, exclusion]) => ({ tags: { regex, ...exclusion } })),
    fc
      .tuple(fc.constantFrom(...family.ranges), excluded)
      .map(([semver, exclusion]) => ({ tags: { semver, ...exclusion } })),
    protectedVersions(family),
    protectedVersions(family),
  )
}

function protectedVersions(family: TagFamily): fc.Arbitrary<ProtectionData> {
  const newest = fc.oneof(newestVersions, newestVersions, fc.constant({}))
  return fc
    .record({ range: fc.constantFrom(...family.ranges, '*'), newest })
    .map(({ range, newest: most }) => ({ semver: { range, ...most } }))
}

const newestVersions = fc.record({
  newestPer: fc.constantFrom('repository' as const, 'major' as const, 'minor' as const, 'patch' as const),
  count: fc.integer({ min: 1, max: 2 }),
})
