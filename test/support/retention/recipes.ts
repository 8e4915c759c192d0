import * as fc from 'fast-check'

/** The current time in all random repositories, milliseconds since 1970. */
export const now: number = Date.UTC(2026, 5, 1)

/** A time of creation: days before `now`, or a special value. */
export type CreatedTime = number | 'absent' | 'empty' | 'year 1' | '1970' | 'future' | 'garbage'

/** One manifest. `of` and `children` count back from it, modulo the number of earlier manifests. */
export type ManifestRecipe =
  | { readonly kind: 'image'; readonly annotated: CreatedTime; readonly configured: CreatedTime }
  | {
      readonly kind: 'index'
      readonly children: readonly number[]
      readonly annotated: CreatedTime
      /** an attestation of buildx beside each image */
      readonly hasAttestations: boolean
      /** lists an image that does not exist */
      readonly hasMissingChild: boolean
    }
  | {
      readonly kind: 'referrer'
      readonly of: number | 'gone'
      /** makes it an index with these children */
      readonly children: readonly number[]
      readonly byTag: boolean
      readonly annotated: CreatedTime
    }
  | { readonly kind: 'cosign'; readonly of: number | 'gone'; readonly suffix: 'sig' | 'att' | 'sbom' }
  /**
   * a fallback index after its last entry was removed, which is the same manifest for all subjects
   */
  | { readonly kind: 'emptied'; readonly of: readonly number[] }

/** The description of a repository, which fast-check can shrink. */
export interface Recipe {
  readonly manifests: readonly ManifestRecipe[]
  readonly tags: readonly { readonly tag: string; readonly on: number }[]
}

export const tagNames: readonly string[] = [
  ...numbers(12).flatMap((n) => [`pr-${n}-a`, `pr-${n}-b`]),
  ...numbers(20).map((n) => `nightly-${n}`),
  ...words('1.0.0 1.0.1 v1.0.1 1.1.0-rc.1 1.1.0 1.2.0 v1.2.3 2.0.0-beta.2 2.0.0 2.1.0'),
  ...words('latest prod-eu prod-us main dev-x 1 1.0'),
]

function words(text: string): readonly string[] {
  return text.split(' ')
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

const when: fc.Arbitrary<CreatedTime> = fc.oneof(
  { weight: 16, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 1, arbitrary: fc.constant<CreatedTime>('absent') },
  { weight: 1, arbitrary: fc.constantFrom<CreatedTime>('empty', 'year 1', '1970', 'future', 'garbage') },
)
/** Mostly absent, because an annotation has priority over the config. */
const annotation: fc.Arbitrary<CreatedTime> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<CreatedTime>('absent') },
  { weight: 1, arbitrary: when },
)
const back = fc.nat({ max: 12 })
const anySubject: fc.Arbitrary<number | 'gone'> = fc.oneof(
  { weight: 9, arbitrary: back },
  { weight: 1, arbitrary: fc.constant('gone' as const) },
)

const manifestRecipe: fc.Arbitrary<ManifestRecipe> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('image' as const), annotated: annotation, configured: when }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('index' as const),
      children: fc.array(back, { maxLength: 3 }),
      annotated: annotation,
      hasAttestations: fc.boolean(),
      hasMissingChild: fc.oneof(
        { weight: 9, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('referrer' as const),
      of: anySubject,
      children: fc.oneof(
        { weight: 3, arbitrary: fc.constant<number[]>([]) },
        { weight: 1, arbitrary: fc.array(back, { minLength: 1, maxLength: 2 }) },
      ),
      byTag: fc.boolean(),
      annotated: annotation,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cosign' as const),
      of: anySubject,
      suffix: fc.constantFrom('sig' as const, 'att' as const, 'sbom' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('emptied' as const),
      of: fc.array(back, { minLength: 1, maxLength: 3 }),
    }),
  },
)

/** Repositories of at most `maxManifests` recipes. One with attestations is several manifests. */
export function recipes(maxManifests: number): fc.Arbitrary<Recipe> {
  return fc.record({
    manifests: fc.array(manifestRecipe, { minLength: 1, maxLength: maxManifests, size: 'max' }),
    tags: fc.array(fc.record({ tag: fc.constantFrom(...tagNames), on: fc.nat({ max: maxManifests }) }), {
      minLength: 1,
      maxLength: 2 * maxManifests,
      size: 'max',
    }),
  })
}
