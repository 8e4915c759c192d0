import type { Digest } from '../../../oci/digest.ts'
import {
  compareDescending,
  compareVersions,
  parseVersionTag,
  type VersionReading,
} from '../../../semver/version.ts'
import type { SeenTags } from './seen-tags.ts'

/** Versions of one image that a check can start runs for. Older ones need an event or a person. */
const maxVersionsOfCheck = 20

/** The source of a rule for one image, as a check read it. */
export interface CheckedSource {
  readonly rule: string
  /** formatted */
  readonly repository: string
  /** the tags that the rule selects */
  readonly tags: readonly string[]
  /** the digests of the tags that the rule names without a wildcard, as far as they exist */
  readonly named: ReadonlyMap<string, Digest>
  readonly reading: VersionReading
}

export type CheckDecision =
  /** the first check: nothing runs, and later checks compare with it */
  | { readonly kind: 'first'; readonly seen: SeenTags }
  | {
      readonly kind: 'compare'
      readonly before: SeenTags
      /** versions above the highest one that was seen, the highest first */
      readonly versions: readonly string[]
      /** named tags that moved since they were seen */
      readonly moved: ReadonlyMap<string, Digest>
    }

/**
 * Decides which tags of a source are new since the checks before. The first check of a rule and
 * image only notes the present state: a new rule does not promote the history of an environment.
 */
export function decideCheck(source: CheckedSource, seen: SeenTags | undefined): CheckDecision {
  const { rule, repository, tags, named, reading } = source
  const versions = compareDescending(
    tags.flatMap((tag) => {
      const version = named.has(tag) ? undefined : parseVersionTag(tag, reading)
      return version === undefined ? [] : [version]
    }),
  )
  const [highest] = versions
  const before = seen?.highest === undefined ? undefined : parseVersionTag(seen.highest, reading)?.version
  // The reading of versions in dray.yaml was changed: nothing can be compared.
  const isUnreadable = seen?.highest !== undefined && before === undefined
  if (seen === undefined || isUnreadable)
    return {
      kind: 'first',
      seen: { rule, repository, ...(highest !== undefined && { highest: highest.tag }), tags: named },
    }
  const newer = versions.filter(({ version }) => before === undefined || compareVersions(version, before) > 0)
  const moved = [...named].filter(([tag, digest]) => seen.tags.get(tag) !== digest)
  return {
    kind: 'compare',
    before: seen,
    versions: newer.slice(0, maxVersionsOfCheck).map(({ tag }) => tag),
    moved: new Map(moved),
  }
}

/**
 * The tags that were seen after a check. It continues above the highest version only if all
 * destinations have every version that it found.
 * @param lacking versions that a destination lacks
 */
export function seenAfter(
  { before, versions }: Extract<CheckDecision, { kind: 'compare' }>,
  lacking: readonly string[],
): SeenTags {
  const [highest] = versions
  return highest === undefined || lacking.length > 0 ? before : { ...before, highest }
}
