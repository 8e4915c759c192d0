import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { defaultTag } from '../../../oci/reference.ts'
import { isInLine } from '../../../semver/line.ts'
import { inSemverOrder } from '../../../semver/order.ts'
import {
  compareVersions,
  formatVersion,
  isStable,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader } from '../../../images/ports.ts'
import { lineOf } from '../list/floating-tags.ts'

/** Tags that are asked in each wave: nearly always the highest is the one. */
const waves = [1, 4, 4] as const
const asked = waves.reduce((sum, wave) => sum + wave, 0)

/** Pre-releases above the highest stable version that are asked before lower ones: an environment may be ahead of all releases. */
const preReleasesAhead = 2

/**
 * The tags that may say which version a marker stands on, in the order in which they are asked. Where the name of the marker says which versions it moves with
 * (`1`, `1.4`, and `next` for 1.5.0-next.2), these come before all others. No more of them than are asked.
 */
export function versionCandidates(
  tags: readonly string[],
  reading: VersionReading,
  marker: string,
): readonly VersionTag[] {
  const versions = versionTagsIn(inSemverOrder(tags, reading), reading)
  if (marker === defaultTag) return likeliestFirst(versions).slice(0, asked)
  const line = lineOf(marker, [])
  const [likely, others] = divided(versions, ({ version }) => isInLine(version, line))
  return [...likeliestFirst(likely), ...likeliestFirst(others)].slice(0, asked)
}

/** The highest stable version; a pre-release where there is no other. */
export function highestOf(tags: readonly string[], reading: VersionReading): VersionTag | undefined {
  const [highest] = likeliestFirst(versionTagsIn(inSemverOrder(tags, reading), reading))
  return highest
}

/** The highest stable version and what is just ahead of it, then lower stable ones, other spellings of all these, and lower pre-releases. */
function likeliestFirst(versions: readonly VersionTag[]): readonly VersionTag[] {
  const spellings = [...Map.groupBy(versions, ({ version }) => formatVersion(version)).values()]
  const once = spellings.flatMap((all) => all.slice(0, 1))
  const again = spellings.flatMap((all) => all.slice(1))
  const [stable, preReleases] = divided(once, ({ version }) => isStable(version))
  const [highest, ...lower] = stable
  if (highest === undefined) return [...preReleases, ...again]
  const [above] = divided(preReleases, ({ version }) => compareVersions(version, highest.version) > 0)
  const ahead = above.slice(0, preReleasesAhead)
  return [highest, ...ahead, ...lower, ...again, ...preReleases.filter((one) => !ahead.includes(one))]
}

/** Those of which it is so, and those of which it is not, in their order. */
function divided<T>(all: readonly T[], isSo: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter(isSo), all.filter((one) => !isSo(one))]
}

/** The first of the candidates that stands on the digest. One request for the first of them, up to eight more in two waves. */
export async function findVersion(
  store: ManifestReader,
  digest: Digest,
  candidates: readonly VersionTag[],
  call: Call,
): Promise<VersionTag | undefined> {
  let begin = 0
  for (const wave of waves) {
    const some = candidates.slice(begin, begin + wave)
    begin += wave
    const stand = await inParallel(some, wave, call, async ({ tag }, c) => {
      const image = await store.resolve({ tag }, c)
      return image?.digest === digest
    })
    const found = some[stand.indexOf(true)]
    if (found !== undefined) return found
  }
  return undefined
}
