import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { isInLine } from '../../../semver/line.ts'
import { compareVersions, findHighestTag, isStable, type VersionReading } from '../../../semver/version.ts'
import { type TagPair, TagSet } from '../status/common-tags.ts'
import { type ComparedBy, compareSides, type Side, type SyncState } from '../status/compare-sides.ts'
import { diffSideOf } from './diff-side.ts'
import { isFloatingIn, lineOf } from '../list/floating-tags.ts'

/** An image in an environment, at one of its targets. */
export interface DiffSide {
  readonly repository: RepositoryName
  readonly reading: VersionReading
  /** tags that move with the highest stable version: the current-version tag */
  readonly currentTags: readonly string[]
  /** tags that move with the pre-releases of their name */
  readonly channels: readonly string[]
}

/** The tags of an image in two environments. */
export type DiffFacts = {
  readonly image: string
  readonly from: DiffSide
  readonly to: DiffSide
  /** further targets of the source environment, which are not compared */
  readonly otherSources: readonly RepositoryName[]
} & (
  | {
      readonly state: 'read'
      /** without tags of evidence; undefined: the repository does not exist */
      readonly fromTags: readonly string[] | undefined
      readonly toTags: readonly string[] | undefined
      readonly compared: readonly ComparedPair[]
      /** the number of common tags beyond the limit */
      readonly notCompared: number
      /** the resolved tags of each side; null: the tag no longer exists */
      readonly digests: {
        readonly from: ReadonlyMap<string, Digest | null>
        readonly to: ReadonlyMap<string, Digest | null>
      }
    }
  /** `unread` is the side that could not be read */
  | { readonly state: 'unreachable'; readonly unread: RepositoryName; readonly error: ErrorInfo }
)

/** A digest is null if the tag was deleted after it was listed. */
interface ComparedPair extends TagPair {
  readonly fromDigest: Digest | null
  readonly toDigest: Digest | null
}

export interface DriftedTag {
  readonly tag: string
  /** the tag at the destination if it spells the version in another way */
  readonly tagThere?: string
  readonly kind: 'exact' | 'floating' | 'other'
  readonly from: Digest
  readonly to: Digest
  /** the floating tag moves with the next promotion: no drift */
  readonly behind: boolean
}

/** The differences of an image between the source environment and one target. */
export interface DiffEntry {
  readonly image: string
  readonly from: RepositoryName
  readonly to: RepositoryName
  /** `not-deployed`: in neither; `unknown`: no difference was found, and too little compared */
  readonly state: 'in-sync' | 'differs' | 'unknown' | 'not-deployed' | 'unreachable'
  /** the rule of `status` that compared the deployed images; null: none applies */
  readonly comparedBy: ComparedBy | null
  /** whether each side has an image; null if it was not read */
  readonly deployed: { readonly from: boolean | null; readonly to: boolean | null }
  /** targets of the source environment that were not compared */
  readonly otherSources: readonly RepositoryName[]
  /** exact tags of the source only; `older` ones are below a version of the target and come last */
  readonly promote: readonly { readonly tag: string; readonly older: boolean }[]
  /** exact tags of the target only */
  readonly onlyThere: readonly string[]
  readonly drift: readonly DriftedTag[]
  /** tags on one side only that are neither versions nor floating */
  readonly otherTags: { readonly from: readonly string[]; readonly to: readonly string[] }
  readonly compared: number
  readonly notCompared: number
  readonly unread?: RepositoryName
  readonly error?: ErrorInfo
}

export interface DiffView {
  readonly from: string
  readonly to: string
  readonly images: readonly DiffEntry[]
}

/** Returns the differences of one image: pure. */
export function buildDiff(facts: DiffFacts): DiffEntry {
  const { image, from, to, otherSources } = facts
  const names = { image, from: from.repository, to: to.repository, otherSources }
  if (facts.state === 'unreachable')
    return { ...names, ...unreadEntry, unread: facts.unread, error: facts.error }
  const { fromTags, toTags, compared, digests } = facts
  const source = new TagSet(fromTags ?? [], from.reading)
  const target = new TagSet(toTags ?? [], to.reading)
  const promote = listToPromote(source, target)
  const onlyThere = target.without(source).map(({ tag }) => tag)
  const drift = findDrift(compared, source, target, [from, to])
  const real = compared.filter(({ fromDigest, toDigest }) => fromDigest !== null && toDigest !== null)
  const notCompared = facts.notCompared + compared.length - real.length
  const sides = [diffSideOf(fromTags, from, digests.from), diffSideOf(toTags, to, digests.to)] as const
  const comparison = compareSides(...sides)
  // The rule needs all common tags.
  const isCut = comparison.comparedBy === 'commonTags' && notCompared > 0
  const isDifferent = promote.length + onlyThere.length + drift.length > 0
  return {
    ...names,
    state: isDifferent ? 'differs' : stateOf(comparison.state, isCut, sides),
    comparedBy: isCut && comparison.state === 'in-sync' ? null : comparison.comparedBy,
    deployed: { from: source.tags.size > 0, to: target.tags.size > 0 },
    promote,
    onlyThere,
    drift,
    otherTags: {
      from: listOtherTags(source, target, [from, to]),
      to: listOtherTags(target, source, [from, to]),
    },
    compared: real.length,
    notCompared,
  }
}

const unreadEntry = {
  state: 'unreachable',
  comparedBy: null,
  deployed: { from: null, to: null },
  promote: [],
  onlyThere: [],
  drift: [],
  otherTags: { from: [], to: [] },
  compared: 0,
  notCompared: 0,
} as const

/** Returns the state of an image without a difference in its tags. */
function stateOf(state: SyncState, isCut: boolean, sides: readonly Side[]): DiffEntry['state'] {
  if (sides.every((side) => side.state === 'not-deployed')) return 'not-deployed'
  if (state === 'behind' || state === 'drifted') return 'differs'
  return state === 'in-sync' && !isCut ? 'in-sync' : 'unknown'
}

function listToPromote(here: TagSet, there: TagSet): DiffEntry['promote'] {
  const stable = [...there.versions.values()].filter(({ version }) => isStable(version))
  const variants = Map.groupBy(stable, ({ version }) => version.variant)
  const missing = here.without(there).map(({ tag, version }) => {
    const highest = findHighestTag(variants.get(version.variant) ?? [])?.version
    return { tag, older: highest !== undefined && compareVersions(version, highest) < 0 }
  })
  return [...missing.filter(({ older }) => !older), ...missing.filter(({ older }) => older)]
}

const kinds: readonly DriftedTag['kind'][] = ['exact', 'floating', 'other']

function findDrift(
  compared: readonly ComparedPair[],
  here: TagSet,
  there: TagSet,
  sides: readonly DiffSide[],
): readonly DriftedTag[] {
  const found = compared.flatMap(({ from: tag, to: tagThere, fromDigest, toDigest }): DriftedTag[] => {
    if (fromDigest === null || toDigest === null || fromDigest === toDigest) return []
    const kind = kindOf(tag, [here, there], sides)
    const behind = kind === 'floating' && isBehind(tag, here, there, sides)
    const spelling = tagThere === tag ? {} : { tagThere }
    return [{ tag, ...spelling, kind, from: fromDigest, to: toDigest, behind }]
  })
  return kinds.flatMap((kind) => found.filter((one) => one.kind === kind))
}

function kindOf(tag: string, sets: readonly TagSet[], sides: readonly DiffSide[]): DriftedTag['kind'] {
  if (sets.some(({ exact }) => exact.has(tag))) return 'exact'
  return isFloatingIn(tag, sets, sides) ? 'floating' : 'other'
}

/** Whether the source has a higher version for the floating tag than the target. */
function isBehind(tag: string, here: TagSet, there: TagSet, sides: readonly DiffSide[]): boolean {
  const line = lineOf(tag, sides)
  const [mine, theirs] = [here, there].map(
    ({ versions }) =>
      findHighestTag([...versions.values()].filter(({ version }) => isInLine(version, line)))?.version,
  )
  return mine !== undefined && (theirs === undefined || compareVersions(mine, theirs) > 0)
}

function listOtherTags(here: TagSet, there: TagSet, sides: readonly DiffSide[]): readonly string[] {
  return [...here.tags].filter((tag) => !there.tags.has(tag) && kindOf(tag, [here, there], sides) === 'other')
}
