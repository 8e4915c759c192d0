import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { defaultTag } from '../../../oci/reference.ts'
import { isInLine } from '../../../semver/line.ts'
import { sortBySemver } from '../../../semver/order.ts'
import {
  compareVersions,
  findHighestTag,
  isSameVersion,
  isStable,
  versionKeyWithBuild,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import { lineOf } from '../list/floating-tags.ts'

/** Tags that are resolved in each wave. The highest version is nearly always the current one. */
const waves = [1, 4, 4] as const
const maxCandidates = waves.reduce((sum, wave) => sum + wave, 0)

/** Pre-releases above the highest stable version that come before lower stable versions. */
const preReleasesAhead = 2

/**
 * Returns the version tags that may be on the image of a current-version tag, the likeliest first.
 * If the name of that tag is a line (`1`, `1.4`, `next` for 1.5.0-next.2), its versions come first.
 */
export function listVersionCandidates(
  tags: readonly string[],
  reading: VersionReading,
  currentTag: string,
): readonly VersionTag[] {
  const versions = versionTagsIn(sortBySemver(tags, reading), reading)
  const line = lineOf(currentTag, [{ reading, currentTags: [], channels: [] }])
  const [likely, others] = partition(versions, ({ version }) =>
    currentTag === defaultTag ? version.variant === '' : isInLine(version, line),
  )
  return [...sortByLikelihood(likely), ...sortByLikelihood(others)].slice(0, maxCandidates)
}

/**
 * Returns the highest stable version, or the highest pre-release if none is stable, in all of its
 * spellings. Variants only count if every version has one. Empty without versions.
 */
export function listHighest(tags: readonly string[], reading: VersionReading): readonly VersionTag[] {
  const all = versionTagsIn(tags, reading)
  const plain = all.filter(({ version }) => version.variant === '')
  const versions = plain.length > 0 ? plain : all
  const stable = versions.filter(({ version }) => isStable(version))
  const candidates = stable.length > 0 ? stable : versions
  const highest = findHighestTag(candidates)
  if (highest === undefined) return []
  const spellings = candidates.filter(({ version }) => isSameVersion(version, highest.version))
  const order = sortBySemver(
    spellings.map(({ tag }) => tag),
    reading,
  )
  return spellings.toSorted((a, b) => order.indexOf(a.tag) - order.indexOf(b.tag))
}

/**
 * Sorts: the highest stable version, pre-releases just above it, lower stable versions, other
 * spellings, the rest.
 */
function sortByLikelihood(versions: readonly VersionTag[]): readonly VersionTag[] {
  const spellings = [...Map.groupBy(versions, ({ version }) => versionKeyWithBuild(version)).values()]
  const once = spellings.flatMap((all) => all.slice(0, 1))
  const again = spellings.flatMap((all) => all.slice(1))
  const [stable, preReleases] = partition(once, ({ version }) => isStable(version))
  const [highest, ...lower] = stable
  if (highest === undefined) return [...preReleases, ...again]
  const [above] = partition(preReleases, ({ version }) => compareVersions(version, highest.version) > 0)
  const ahead = above.slice(0, preReleasesAhead)
  return [highest, ...ahead, ...lower, ...again, ...preReleases.filter((one) => !ahead.includes(one))]
}

function partition<T>(
  all: readonly T[],
  isMatch: (one: T) => boolean,
): readonly [readonly T[], readonly T[]] {
  return [all.filter(isMatch), all.filter((one) => !isMatch(one))]
}

/** Returns the first candidate on the digest. Sends one request, then up to eight in two waves. */
export async function findVersion(
  resolve: (tag: string, call: Call) => Promise<Digest | null>,
  digest: Digest,
  candidates: readonly VersionTag[],
  call: Call,
): Promise<VersionTag | undefined> {
  let begin = 0
  for (const wave of waves) {
    const some = candidates.slice(begin, begin + wave)
    begin += wave
    const matches = await inParallel(
      some,
      wave,
      call,
      async ({ tag }, c) => (await resolve(tag, c)) === digest,
    )
    const found = some[matches.indexOf(true)]
    if (found !== undefined) return found
  }
  return undefined
}
