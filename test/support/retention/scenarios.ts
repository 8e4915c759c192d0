import * as fc from 'fast-check'
import type { Abilities } from '../../../src/embedded/profiles.ts'
import { deeds, type Timed } from './others.ts'
import { abilityProfiles, policies } from './policies.ts'
import type { PolicyData } from './policy-data.ts'
import { type Recipe, recipes } from './recipes.ts'

/** A repository, a policy, and all that happens while the one is applied to the other. */
export interface Scenario {
  readonly recipe: Recipe
  readonly policy: PolicyData
  readonly abilities: Partial<Abilities>
  /** which manifests something runs */
  readonly inUse: readonly number[]
  readonly others: readonly Timed[]
  /** a second run at the same time, with the same policy */
  readonly isTwice: boolean
  /** the plan is saved and carried out by a run that did not make it */
  readonly isSaved: boolean
  /** the first run ends at its so-and-so-many-th request after the plan, as if killed: before that is handled, or before its answer arrives */
  readonly kill?: { readonly at: number; readonly when: 'before' | 'after' }
  /** chooses whose request is next */
  readonly seed: number
}

/** @param maxPieces of the repository; an index with attestations is several manifests */
export function scenarios(
  maxPieces: number,
  { isDisturbed }: { readonly isDisturbed: boolean },
): fc.Arbitrary<Scenario> {
  return fc.record(
    {
      recipe: recipes(maxPieces),
      policy: policies,
      abilities: abilityProfiles,
      inUse: fc.oneof(
        { weight: 3, arbitrary: fc.constant<number[]>([]) },
        { weight: 1, arbitrary: fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 2 }) },
      ),
      others: isDisturbed ? fc.oneof(deeds, deeds, fc.constant([])) : fc.constant([]),
      isTwice: isDisturbed ? fc.constantFrom(false, false, true) : fc.constant(false),
      isSaved: fc.boolean(),
      seed: fc.nat(),
      ...(isDisturbed && {
        kill: fc.record({
          at: fc.nat({ max: 30 }),
          when: fc.constantFrom('before' as const, 'after' as const),
        }),
      }),
    },
    { requiredKeys: ['recipe', 'policy', 'abilities', 'inUse', 'others', 'isTwice', 'isSaved', 'seed'] },
  )
}
