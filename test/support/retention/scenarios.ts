import * as fc from 'fast-check'
import type { Abilities } from '../../../src/embedded/profiles.ts'
import { abilityProfiles } from './abilities.ts'
import { timedChanges, type TimedChange } from './concurrent-changes.ts'
import { type Lock, locks } from './locks.ts'
import type { ReadingData } from './oracle/versions.ts'
import { policies } from './policies.ts'
import type { PolicyData } from './policy-data.ts'
import { readings } from './readings.ts'
import { type Recipe, recipes } from './recipes.ts'
import { someFamilies, type TagFamily } from './tag-families.ts'

/** A repository, a policy, and everything that happens during the prune. */
export interface Scenario {
  readonly recipe: Recipe
  readonly policy: PolicyData
  /** the tag policy */
  readonly reading: ReadingData
  /** whether the tag policy is that of the image, and the environment has another */
  readonly isReadingOfImage: boolean
  readonly abilities: Partial<Abilities>
  /** content that the registry refuses to delete */
  readonly locks: readonly Lock[]
  /** a manifest, modulo their number, that the registry fails to read at first */
  readonly unreadable?: number
  /** manifests that are in use, modulo their number */
  readonly inUse: readonly number[]
  readonly changes: readonly TimedChange[]
  /** whether a second run with the same policy takes place at the same time */
  readonly isTwice: boolean
  /** whether another run executes the plan */
  readonly isSaved: boolean
  /**
   * kills the first run at its `at`-th request after the plan, before it is handled or before its
   * response arrives
   */
  readonly kill?: { readonly at: number; readonly when: 'before' | 'after' }
  /** determines the order of requests */
  readonly seed: number
}

/**
 * @param maxManifests the most recipes of a repository; one with attestations is several manifests
 */
export function scenarios(
  maxManifests: number,
  { isDisturbed }: { readonly isDisturbed: boolean },
): fc.Arbitrary<Scenario> {
  return someFamilies.chain((family) => scenariosOf(family, maxManifests, isDisturbed))
}

function scenariosOf(family: TagFamily, maxManifests: number, isDisturbed: boolean): fc.Arbitrary<Scenario> {
  return fc.record(
    {
      recipe: recipes(maxManifests, family),
      policy: policies(family),
      reading: readings,
      isReadingOfImage: fc.boolean(),
      abilities: abilityProfiles,
      locks,
      inUse: fc.oneof(
        { weight: 6, arbitrary: fc.constant<number[]>([]) },
        { weight: 1, arbitrary: fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 2 }) },
      ),
      changes: isDisturbed ? fc.oneof(timedChanges, timedChanges, fc.constant([])) : fc.constant([]),
      isTwice: isDisturbed ? fc.constantFrom(false, false, true) : fc.constant(false),
      isSaved: fc.boolean(),
      seed: fc.nat(),
      ...(!isDisturbed && { unreadable: fc.nat({ max: 60 }) }),
      ...(isDisturbed && {
        kill: fc.record({
          at: fc.nat({ max: 30 }),
          when: fc.constantFrom('before' as const, 'after' as const),
        }),
      }),
    },
    {
      requiredKeys: [
        'recipe',
        'policy',
        'reading',
        'isReadingOfImage',
        'abilities',
        'locks',
        'inUse',
        'changes',
        'isTwice',
        'isSaved',
        'seed',
      ],
    },
  )
}
