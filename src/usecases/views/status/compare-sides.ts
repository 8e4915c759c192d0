import type { Digest } from '../../../oci/digest.ts'
import {
  compareVersions,
  type Version,
  type VersionReading,
  type VersionTag,
} from '../../../semver/version.ts'
import { isMovingName, listCommonTags } from './common-tags.ts'
import { hasHigherUnread } from './unread-versions.ts'

/** How the destination compares with the source. */
export type SyncState = 'in-sync' | 'behind' | 'drifted' | 'unknown'

/** The basis of a comparison. `sameDigest`: one image has different tags on both sides. */
export type ComparedBy = 'currentTag' | 'highestVersion' | 'commonTags' | 'sameDigest'

/** Why a state is unknown. */
export type UnknownReason =
  | 'unreachable'
  /** neither side has an image */
  | 'notDeployed'
  /** the sides have no current-version tag, version, tag or single image in common */
  | 'nothingInCommon'
  /** the common tags are equal, and the source has further tags that the destination lacks */
  | 'moreInSource'
  /** the highest versions are equal, and one side has other tags that may be higher versions */
  | 'otherVersions'
  /** all compared tags are equal, and the sides have more common tags than dray compares */
  | 'tooManyTags'

export interface SyncComparison {
  readonly state: SyncState
  /** null if no digest or version was compared: `unknown`, or one side has no image */
  readonly comparedBy: ComparedBy | null
  /** only if the state is `unknown` */
  readonly why?: UnknownReason
}

/** An image in one repository, as far as a comparison needs it. */
export type Side = { readonly state: 'unreachable' } | { readonly state: 'not-deployed' } | DeployedSide

interface DeployedSide {
  readonly state: 'deployed'
  /** the image of the current-version tag; null if the tag does not exist */
  readonly current: { readonly digest: Digest; readonly version: Version | null } | null
  readonly reading: VersionReading
  /** the tags on images; undefined if the registry does not list them */
  readonly tags: readonly string[] | undefined
  /** the highest version in all of its spellings; empty without versions */
  readonly highest: readonly VersionTag[]
  /** the tags that were resolved; null: the tag no longer exists */
  readonly digests: ReadonlyMap<string, Digest | null>
}

/** Two tags that are compared. */
interface ComparedTags {
  readonly from: string
  readonly to: string
}

/** The rule by which two sides are compared, and the tags that it needs. */
type Basis =
  | { readonly by: 'currentTag' }
  | { readonly by: 'highestVersion'; readonly from: VersionTag; readonly to: VersionTag }
  | { readonly by: 'commonTags'; readonly pairs: readonly ComparedTags[]; readonly isWhole: boolean }
  /** `from` and `to` name the only image of a side without a current-version tag */
  | { readonly by: 'sameDigest'; readonly from: string | undefined; readonly to: string | undefined }

/** The maximum of common tags that are compared. */
const maxCommonTags = 100

/**
 * Compares the image of a destination with that of its source: pure. It uses the first of these
 * that both sides have: the current-version tag, the highest version, tags of the same name. The
 * tags of `listTagsToResolve` must be in `digests`.
 */
export function compareSides(from: Side, to: Side): SyncComparison {
  if (from.state === 'unreachable' || to.state === 'unreachable') return unknown('unreachable')
  if (from.state === 'not-deployed' && to.state === 'not-deployed') return unknown('notDeployed')
  if (to.state === 'not-deployed') return { state: 'behind', comparedBy: null }
  if (from.state === 'not-deployed') return { state: 'drifted', comparedBy: null }
  const basis = chooseBasis(from, to)
  switch (basis.by) {
    case 'currentTag':
      return { state: compareImages(from.current, to.current), comparedBy: basis.by }
    case 'highestVersion': {
      const [source, destination] = [imageOf(from, basis.from), imageOf(to, basis.to)]
      if (source === null || destination === null) return unknown('nothingInCommon')
      const state = compareImages(source, destination)
      const isSure = state !== 'in-sync' || !hasOtherVersions(from, to, basis)
      return isSure ? { state, comparedBy: basis.by } : unknown('otherVersions')
    }
    case 'commonTags': {
      const result = compareCommonTags(from, to, basis)
      return result.state === 'unknown' && haveSameImage(from, to) ? sameImage : result
    }
    case 'sameDigest':
      return haveSameImage(from, to) ? sameImage : unknown('nothingInCommon')
  }
}

/** Returns the tags of both sides whose digests `compareSides` needs. */
export function listTagsToResolve(
  from: Side,
  to: Side,
): { readonly from: readonly string[]; readonly to: readonly string[] } {
  if (from.state !== 'deployed' || to.state !== 'deployed') return { from: [], to: [] }
  const basis = chooseBasis(from, to)
  switch (basis.by) {
    case 'currentTag':
      return { from: [], to: [] }
    case 'highestVersion':
      return { from: [basis.from.tag], to: [basis.to.tag] }
    case 'commonTags':
      return { from: basis.pairs.map((pair) => pair.from), to: basis.pairs.map((pair) => pair.to) }
    case 'sameDigest':
      return {
        from: basis.from === undefined ? [] : [basis.from],
        to: basis.to === undefined ? [] : [basis.to],
      }
  }
}

const gravest: readonly SyncState[] = ['drifted', 'behind', 'unknown', 'in-sync']

/** Returns the first of the gravest comparisons. Without any, the state is unknown. */
export function findGravest(comparisons: readonly SyncComparison[]): SyncComparison {
  const found = gravest.flatMap((state) => comparisons.find((one) => one.state === state) ?? [])
  return found[0] ?? unknown('notDeployed')
}

function unknown(why: UnknownReason): SyncComparison {
  return { state: 'unknown', comparedBy: null, why }
}

const sameImage: SyncComparison = { state: 'in-sync', comparedBy: 'sameDigest' }

/** Whether the only images that the sides can have deployed are the same. */
function haveSameImage(from: DeployedSide, to: DeployedSide): boolean {
  const source = from.current?.digest ?? digestOf(from, onlyImageOf(from))
  return source !== null && source === (to.current?.digest ?? digestOf(to, onlyImageOf(to)))
}

function chooseBasis(from: DeployedSide, to: DeployedSide): Basis {
  if (from.current !== null && to.current !== null) return { by: 'currentTag' }
  const highest = pairHighest(from.highest, to.highest)
  if (highest !== undefined) return { by: 'highestVersion', ...highest }
  const common = listCommonTags(from.tags ?? [], to.tags ?? [])
  if (common.length > 0) {
    const pairs = common.slice(0, maxCommonTags).map((tag) => ({ from: tag, to: tag }))
    return { by: 'commonTags', pairs, isWhole: common.length === pairs.length }
  }
  return { by: 'sameDigest', from: onlyImageOf(from), to: onlyImageOf(to) }
}

function hasOtherVersions(
  { tags: source = [], reading }: DeployedSide,
  { tags: destination = [], reading: readingThere }: DeployedSide,
  { from, to }: Extract<Basis, { readonly by: 'highestVersion' }>,
): boolean {
  return (
    hasHigherUnread(source, destination, from.version, reading) ||
    hasHigherUnread(destination, source, to.version, readingThere)
  )
}

/** Pairs the highest versions, in the same spelling if both sides have it. */
function pairHighest(
  from: readonly VersionTag[],
  to: readonly VersionTag[],
): { readonly from: VersionTag; readonly to: VersionTag } | undefined {
  const [source, destination] = [from[0], to[0]]
  if (source === undefined || destination === undefined) return undefined
  for (const one of from) {
    const same = to.find(({ tag }) => tag === one.tag)
    if (same !== undefined) return { from: one, to: same }
  }
  return { from: source, to: destination }
}

/** Returns the tag of the only image that may be deployed without a current-version tag. */
function onlyImageOf({ current, highest, tags = [] }: DeployedSide): string | undefined {
  if (current !== null) return undefined
  return highest[0]?.tag ?? (tags.length === 1 ? tags[0] : undefined)
}

interface ComparedImage {
  readonly digest: Digest
  readonly version: Version | null
}

function compareImages(from: ComparedImage | null, to: ComparedImage | null): SyncState {
  if (from === null || to === null) return 'unknown'
  if (from.digest === to.digest) return 'in-sync'
  if (from.version === null || to.version === null) return 'drifted'
  return compareVersions(to.version, from.version) < 0 ? 'behind' : 'drifted'
}

function imageOf(side: DeployedSide, { tag, version }: VersionTag): ComparedImage | null {
  const digest = digestOf(side, tag)
  return digest === null ? null : { digest, version }
}

function digestOf({ digests }: DeployedSide, tag: string | undefined): Digest | null {
  return tag === undefined ? null : (digests.get(tag) ?? null)
}

/**
 * Compares tags of the same name. If all are equal, the source may still have a later image under a
 * tag that the destination lacks. A common tag that moves to each new image excludes that.
 */
function compareCommonTags(
  from: DeployedSide,
  to: DeployedSide,
  { pairs, isWhole }: Extract<Basis, { readonly by: 'commonTags' }>,
): SyncComparison {
  const compared = pairs.flatMap((pair) => {
    const [source, destination] = [digestOf(from, pair.from), digestOf(to, pair.to)]
    return source === null || destination === null ? [] : [{ ...pair, isSame: source === destination }]
  })
  if (compared.some(({ isSame }) => !isSame)) return { state: 'drifted', comparedBy: 'commonTags' }
  if (compared.length === 0) return unknown('nothingInCommon')
  if (!isWhole) return unknown('tooManyTags')
  const there = new Set(to.tags)
  const isComplete =
    compared.some((pair) => isMovingName(pair.from)) || (from.tags ?? []).every((tag) => there.has(tag))
  return isComplete ? { state: 'in-sync', comparedBy: 'commonTags' } : unknown('moreInSource')
}
