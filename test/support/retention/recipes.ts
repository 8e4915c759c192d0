import * as fc from 'fast-check'
import type { TagFamily } from './tag-families.ts'

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
  | {
      readonly kind: 'cosign'
      readonly of: number | 'gone'
      readonly suffix: 'sig' | 'att' | 'sbom'
      /** of the tag; empty: none */
      readonly prefix: string
    }
  /**
   * a fallback index after its last entry was removed, which is the same manifest for all subjects
   */
  | { readonly kind: 'emptied'; readonly of: readonly number[] }
  /** a hold of an image, or the release of its holds; `tag`: the tag of the hold alone */
  | {
      readonly kind: 'hold'
      readonly of: number
      readonly decision: 'hold' | 'release' | 'tag'
      readonly daysAgo: number
      /** days after `now`; none: the hold does not end by itself */
      readonly ends: number | 'none'
      readonly isReadable: boolean
      readonly isTagged: boolean
    }

/** The description of a repository, which fast-check can shrink. */
export interface Recipe {
  readonly manifests: readonly ManifestRecipe[]
  readonly tags: readonly { readonly tag: string; readonly on: number }[]
  /** tags in the list that have no manifest */
  readonly dangling: readonly string[]
  /** what the audit log has about the tags of the repository */
  readonly moves: readonly MoveRecipe[]
  /** how many days ago a run first saw each broken index or orphaned artifact, in turn */
  readonly sightings: readonly (number | 'never')[]
}

/** dray moved a tag. The numbers count manifests, modulo their number. */
interface MoveRecipe {
  readonly tag: string
  readonly before: number | 'none'
  readonly after: number
  readonly daysAgo: number
  /** whether the record is of this repository */
  readonly isHere: boolean
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
        { weight: 5, arbitrary: fc.constant(false) },
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
      prefix: fc.constantFrom('', '', 'cve-'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('emptied' as const),
      of: fc.array(back, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      of: back,
      decision: fc.constantFrom('hold' as const, 'hold' as const, 'release' as const, 'tag' as const),
      daysAgo: fc.integer({ min: -1, max: 4 }),
      ends: fc.constantFrom('none' as const, 'none' as const, -1, 1),
      isReadable: fc.constantFrom(true, true, true, false),
      isTagged: fc.boolean(),
    }),
  },
)

/** Repositories of at most `maxManifests` recipes. One with attestations is several manifests. */
export function recipes(maxManifests: number, { tags }: TagFamily): fc.Arbitrary<Recipe> {
  const tag = fc.constantFrom(...tags)
  return fc.record({
    manifests: fc.array(manifestRecipe, { minLength: 1, maxLength: maxManifests, size: 'max' }),
    tags: fc.array(fc.record({ tag, on: fc.nat({ max: maxManifests }) }), {
      minLength: 1,
      maxLength: maxManifests,
      size: 'max',
    }),
    dangling: rarely(fc.array(tag, { minLength: 1, maxLength: 2 })),
    moves: fc.oneof(
      fc.constant([]),
      fc.array(moveOf(fc.oneof(tag, movedTag, movedTag, movedTag), maxManifests), { maxLength: 16 }),
    ),
    sightings: fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant('never' as const)), {
      minLength: 1,
      maxLength: 3,
    }),
  })
}

const movedTag = fc.constantFrom('stable', 'stable', 'latest')

function moveOf(tag: fc.Arbitrary<string>, maxManifests: number): fc.Arbitrary<MoveRecipe> {
  const any = fc.nat({ max: 2 * maxManifests })
  return fc.record({
    tag,
    before: fc.oneof({ weight: 4, arbitrary: any }, { weight: 1, arbitrary: fc.constant('none' as const) }),
    after: any,
    daysAgo: fc.integer({ min: 0, max: 60 }),
    isHere: fc.constantFrom(true, true, true, false),
  })
}

function rarely<T>(some: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary: some })
}
