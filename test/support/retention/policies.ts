import * as fc from 'fast-check'
import { type Abilities } from '../../../src/embedded/profiles.ts'
import { withoutDeletes } from '../without-deletes.ts'
import type { PolicyData, ProtectionData, RuleData, TagsData } from './policy-data.ts'

const globs = fc.oneof(
  fc.constantFrom<string[]>(['*'], ['pr-*', 'nightly-*'], ['pr-*', '1.*']),
  fc.subarray(['pr-*', 'nightly-*', '1.*', 'dev-*', 'pr-?', '*-a', 'v*'], { minLength: 1, maxLength: 3 }),
)
const regexes = fc.constantFrom(
  { regex: 'pr-(?<number>\\d+)-.*', groups: ['number'] },
  { regex: '(?<kind>pr|nightly)-(?<rest>.*)', groups: ['kind', 'rest'] },
  { regex: '(?:pr-(?<number>\\d+)|nightly)-.*', groups: ['number'] },
  { regex: 'v?1\\.0\\..*', groups: [] },
  { regex: '1.0', groups: [] },
)
const ranges = fc.constantFrom('>=1.0.0', '<1.2.0', '^1.1', '1.x || 2.x', '*', '>=2')

/** A selector, and the groups of its tags. */
const selector: fc.Arbitrary<{ tags?: TagsData; groups: readonly string[] }> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ groups: [] }) },
  { weight: 4, arbitrary: globs.map((tags) => ({ tags, groups: ['major', 'minor'] })) },
  { weight: 3, arbitrary: regexes.map(({ regex, groups }) => ({ tags: { regex }, groups })) },
  { weight: 2, arbitrary: ranges.map((semver) => ({ tags: { semver }, groups: ['major', 'minor'] })) },
)

const age = fc.constantFrom('12h', '1d', '7d', '14d', '4w', '90m', '40d')

function rule(number: number): fc.Arbitrary<RuleData> {
  return fc
    .record({
      selected: selector,
      keepNewest: fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.integer({ min: 1, max: 4 })),
      olderThan: fc.oneof(fc.constant(undefined), age),
      group: fc.nat({ max: 2 }),
    })
    .map(({ selected: { tags, groups }, keepNewest, olderThan, group }) => {
      const groupBy = keepNewest === undefined ? undefined : groups[group]
      const isNothing = tags === undefined && keepNewest === undefined && olderThan === undefined
      return {
        name: `rule ${number}`,
        ...(tags !== undefined && { tags }),
        ...(groupBy !== undefined && { groupBy }),
        ...(keepNewest !== undefined && { keepNewest }),
        // A rule without a condition is refused, because it would delete everything.
        ...((olderThan !== undefined || isNothing) && { olderThan: olderThan ?? '7d' }),
      }
    })
}

const protection: fc.Arbitrary<ProtectionData> = fc.oneof(
  fc
    .subarray(['latest', 'prod-*', 'main', 'pr-1-*', '*-b', 'v1.*'], { minLength: 1, maxLength: 2 })
    .map((tags) => ({ tags, optional: true })),
  regexes.map(({ regex }) => ({ tags: { regex }, optional: true })),
  fc
    .record({
      range: ranges,
      newest: fc.option(
        fc.record({
          newestPer: fc.constantFrom(
            'repository' as const,
            'major' as const,
            'minor' as const,
            'patch' as const,
          ),
          count: fc.integer({ min: 1, max: 2 }),
        }),
        { nil: undefined },
      ),
    })
    .map(({ range, newest }) => ({ semver: { range, ...newest }, optional: true })),
)

const limits = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        maxDeletes: fc.integer({ min: 0, max: 6 }),
        maxPercent: fc.constantFrom(0, 20, 50, 100),
        minRemaining: fc.integer({ min: 0, max: 3 }),
      },
      { requiredKeys: [] },
    ),
  },
)

/** Policies for the tags of random repositories. Each protection may match nothing. */
export const policies: fc.Arbitrary<PolicyData> = fc
  .record({
    protect: fc.oneof(fc.constant([]), fc.constant([]), fc.array(protection, { maxLength: 2 })),
    rules: fc
      .integer({ min: 1, max: 3 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => rule(i)))),
    limits,
    timeFrom: fc.constantFrom(
      ...Array.from({ length: 8 }, () => undefined),
      ['annotation', 'config'] as const,
      ['config', 'annotation'] as const,
      ['annotation'] as const,
      ['config'] as const,
    ),
  })
  .map(({ protect, rules, limits: most, timeFrom }) => ({
    ...(protect.length > 0 && { protect }),
    rules,
    ...(most !== undefined && { limits: most }),
    ...(timeFrom !== undefined && { timeFrom }),
  }))

/** Abilities that a registry may lack or have in another form. */
export const abilityProfiles: fc.Arbitrary<Partial<Abilities>> = fc
  .record(
    {
      referrers: fc.boolean(),
      deletes: fc.constantFrom<Partial<Abilities>>(
        { deleteTag: 'UNSUPPORTED' },
        { deleteTag: 'DIGEST_INVALID' },
        // Google Artifact Registry wants tags deleted first.
        { deleteTagged: false },
        withoutDeletes,
      ),
      deleteInsideIndex: fc.boolean(),
      locations: fc.constantFrom('relative' as const, 'absolute' as const),
      // Pages of an unordered list would omit tags.
      list: fc.constantFrom<Partial<Abilities>>({ pageLimit: 1 }, { pageLimit: 3 }, { tagOrder: 'none' }),
    },
    { requiredKeys: [] },
  )
  .map(({ list, deletes, ...rest }) => ({ ...rest, ...deletes, ...list }))
