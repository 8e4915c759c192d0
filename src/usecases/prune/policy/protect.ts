import type { NewestVersions, TagProtection } from '../../../config/retention/policy.ts'
import type { Digest } from '../../../oci/digest.ts'
import { compareVersions, parseVersionTag, plainReading, type VersionTag } from '../../../semver/version.ts'
import type { Reach } from '../../../images/graph/reach.ts'
import type { ReferenceInUse } from './policy.ts'
import { selectTag } from './select.ts'

/**
 * The content that protections and references in use keep: by tag, and by digest with everything
 * that it reaches.
 */
export interface ProtectedImages {
  /** protected tags, each with the first protection that selects it */
  readonly byTag: ReadonlyMap<string, TagProtection>
  /** digests in use, each with the reference */
  readonly inUse: ReadonlyMap<Digest, ReferenceInUse>
  /** all kept digests, each with the reason and the digest that reaches it */
  readonly digests: ReadonlyMap<Digest, Protected>
  /** names of the protections that match something */
  readonly matched: ReadonlySet<string>
  /** references in use to images that do not exist */
  readonly absent: readonly ReferenceInUse[]
  /** references in use that keep an image although they name another host */
  readonly atOtherHosts: readonly ReferenceInUse[]
}

export type Protected =
  | {
      readonly kind: 'protection'
      readonly protection: TagProtection
      readonly tag: string
      readonly at: Digest
    }
  | { readonly kind: 'inUse'; readonly used: ReferenceInUse; readonly at: Digest }

/**
 * Collects what protections and references in use keep. Pure.
 * @param tags image tags, with their digests
 * @param used references to the repository itself before those at other hosts
 */
export function findKept(
  tags: ReadonlyMap<string, Digest>,
  protections: readonly TagProtection[],
  used: readonly ReferenceInUse[],
  reach: Reach,
  isThere: (digest: Digest) => boolean,
): ProtectedImages {
  const byTag = new Map<string, TagProtection>()
  const matched = new Set<string>()
  const digests = new Map<Digest, Protected>()
  for (const protection of protections) {
    for (const tag of selectProtected(protection, [...tags.keys()])) {
      matched.add(protection.name)
      if (!byTag.has(tag)) byTag.set(tag, protection)
    }
  }
  for (const [tag, protection] of byTag) {
    const at = tags.get(tag)
    if (at !== undefined) keep(digests, { kind: 'protection', protection, tag, at }, reach)
  }
  const inUse = new Map<Digest, ReferenceInUse>()
  const absent: ReferenceInUse[] = []
  const atOtherHosts: ReferenceInUse[] = []
  for (const image of used) {
    const at = 'digest' in image.at ? image.at.digest : tags.get(image.at.tag)
    if (at === undefined || !isThere(at)) {
      if (image.otherHost === undefined) absent.push(image)
      continue
    }
    matched.add(image.protection)
    const isUsedHere = inUse.has(at) && inUse.get(at)?.otherHost === undefined
    if (image.otherHost !== undefined && !isUsedHere) atOtherHosts.push(image)
    if (!inUse.has(at)) inUse.set(at, image)
    keep(digests, { kind: 'inUse', used: image, at }, reach)
  }
  return { byTag, inUse: inUse, digests, matched, absent, atOtherHosts }
}

/** Describes a reference in use by its source, and by its text if it names another host. */
export function describeUse({ by, otherHost }: ReferenceInUse): string {
  return otherHost === undefined ? by : `${by}, as ${otherHost.reference}`
}

function keep(digests: Map<Digest, Protected>, by: Protected, reach: Reach): void {
  if (digests.has(by.at)) return
  // Everything that a kept digest reaches is kept already.
  for (const digest of reach.all([by.at], digests)) digests.set(digest, by)
}

/**
 * Returns the tags that a protection selects; with `newest`, those of the highest versions of each
 * line.
 */
function selectProtected(
  { tags: selector, newest }: TagProtection,
  tags: readonly string[],
): readonly string[] {
  const selected = tags.filter((tag) => selectTag(selector, tag) !== undefined)
  if (newest === undefined) return selected
  const lines = Map.groupBy(
    selected.flatMap((tag) => parseVersionTag(tag, plainReading) ?? []),
    (one) => lineOf(one, newest.per),
  )
  return [...lines.values()].flatMap((line) => highest(line, newest.count).map(({ tag }) => tag))
}

function lineOf({ version: { major, minor, patch } }: VersionTag, per: NewestVersions['per']): string {
  const numbers = { repository: [], major: [major], minor: [major, minor], patch: [major, minor, patch] }[per]
  return numbers.join('.')
}

/** Returns the `count` highest versions; versions of equal precedence count once. */
function highest(line: readonly VersionTag[], count: number): readonly VersionTag[] {
  const sorted = line.toSorted((a, b) => compareVersions(b.version, a.version))
  let versions = 0
  return sorted.filter((one, i) => {
    const before = sorted[i - 1]
    if (before === undefined || compareVersions(before.version, one.version) !== 0) versions += 1
    return versions <= count
  })
}
