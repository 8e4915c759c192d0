import type { Call } from '../call.ts'
import type { Digest } from '../oci/digest.ts'
import { inSemverOrder } from '../semver/order.ts'
import { formatVersion, isStable, type Reading, type VersionTag, versionTagsIn } from '../semver/version.ts'
import { inParallel } from '../store/parallel.ts'
import type { SourceStore } from '../store/store.ts'

/** Tags that are asked in each wave: nearly always the highest is the one. */
const waves = [1, 4, 4] as const
const asked = waves.reduce((sum, wave) => sum + wave, 0)

/**
 * The tags that may say which version a marker stands on, in the order in which they are asked: stable versions from the highest down, other
 * spellings of these, pre-releases. No more of them than are asked.
 */
export function versionCandidates(tags: readonly string[], reading: Reading): readonly VersionTag[] {
  const versions = versionTagsIn(inSemverOrder(tags, reading), reading)
  const stable = versions.filter(({ version }) => isStable(version))
  const [first, again] = [new Map<string, VersionTag>(), [] as VersionTag[]]
  for (const one of stable) {
    const name = formatVersion(one.version)
    if (first.has(name)) again.push(one)
    else first.set(name, one)
  }
  const preReleases = versions.filter(({ version }) => !isStable(version))
  return [...first.values(), ...again, ...preReleases].slice(0, asked)
}

/** The first of the candidates that stands on the digest. One request for the first of them, up to eight more in two waves. */
export async function findVersion(
  store: SourceStore,
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
