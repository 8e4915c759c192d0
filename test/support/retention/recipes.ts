import * as fc from 'fast-check'

/** What ages are counted to in all random repositories, milliseconds since 1970. */
export const now: number = Date.UTC(2026, 5, 1)

/** When something says that it was made: days before `now`, or words in place of a time. */
export type When = number | 'absent' | 'empty' | 'year 1' | '1970' | 'future' | 'garbage'

/** One manifest. `of` and `parts` count back from the manifests made before it, and around. */
export type Piece =
  | { readonly kind: 'image'; readonly annotated: When; readonly configured: When }
  | {
      readonly kind: 'index'
      readonly parts: readonly number[]
      readonly annotated: When
      /** buildx puts one beside each image */
      readonly attested: boolean
      /** lists an image that nobody has */
      readonly dangling: boolean
    }
  | {
      readonly kind: 'referrer'
      readonly of: number | 'gone'
      /** an index that lists these, in place of a manifest */
      readonly parts: readonly number[]
      readonly byTag: boolean
      readonly annotated: When
    }
  | { readonly kind: 'cosign'; readonly of: number | 'gone'; readonly suffix: 'sig' | 'att' | 'sbom' }
  /** the index that is left when the last referrer of a manifest was taken out of it: the same for all of them */
  | { readonly kind: 'emptied'; readonly of: readonly number[] }

/** A repository before it is built; it shrinks piece by piece. */
export interface Recipe {
  readonly pieces: readonly Piece[]
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

const when: fc.Arbitrary<When> = fc.oneof(
  { weight: 16, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 1, arbitrary: fc.constant<When>('absent') },
  { weight: 1, arbitrary: fc.constantFrom<When>('empty', 'year 1', '1970', 'future', 'garbage') },
)
/** mostly absent: an annotation hides the config */
const annotation: fc.Arbitrary<When> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<When>('absent') },
  { weight: 1, arbitrary: when },
)
const back = fc.nat({ max: 12 })
const anySubject: fc.Arbitrary<number | 'gone'> = fc.oneof(
  { weight: 9, arbitrary: back },
  { weight: 1, arbitrary: fc.constant('gone' as const) },
)

const anyPiece: fc.Arbitrary<Piece> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('image' as const), annotated: annotation, configured: when }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('index' as const),
      parts: fc.array(back, { maxLength: 3 }),
      annotated: annotation,
      attested: fc.boolean(),
      dangling: fc.oneof(
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
      parts: fc.oneof(
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

/** Repositories of up to so many pieces; an index with attestations is several manifests. */
export function recipes(maxPieces: number): fc.Arbitrary<Recipe> {
  return fc.record({
    pieces: fc.array(anyPiece, { minLength: 1, maxLength: maxPieces, size: 'max' }),
    tags: fc.array(fc.record({ tag: fc.constantFrom(...tagNames), on: fc.nat({ max: maxPieces }) }), {
      minLength: 1,
      maxLength: 2 * maxPieces,
      size: 'max',
    }),
  })
}
