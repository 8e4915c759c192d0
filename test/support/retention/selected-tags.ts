import semver from 'semver'
import {
  milliseconds,
  type PolicyData,
  type ProtectionData,
  type RuleData,
  type TagsData,
} from './policy-data.ts'
import type { ManifestSummary, Snapshot } from './snapshot.ts'

/** The tags that a rule selects, without those that it keeps and those of protected digests. */
export function selectTags(
  { policy, now }: { readonly policy: PolicyData; readonly now: number },
  { tags, manifests }: Snapshot,
  imageTags: readonly (readonly [string, string])[],
  protectedDigests: ReadonlySet<string>,
): Set<string> {
  const timeOf = new Map(
    imageTags.map(([, digest]) => [
      digest,
      timeIn(manifests, digest, policy.timeFrom ?? ['annotation', 'config'], now),
    ]),
  )
  const selected = new Set<string>()
  for (const rule of policy.rules ?? []) {
    const groups = new Map<string, string[]>()
    for (const [tag] of imageTags) {
      const group = groupOf(rule, tag)
      if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), tag])
    }
    for (const group of groups.values()) {
      const candidates = group.filter((tag) => !protectedDigests.has(tags.get(tag) ?? ''))
      const threshold = nthNewest(rule, new Set(candidates.map((tag) => tags.get(tag) ?? '')), timeOf)
      for (const tag of candidates) {
        const time = timeOf.get(tags.get(tag) ?? '')
        if (rule.keepNewest !== undefined && (time === undefined || time >= threshold)) continue
        if (
          rule.olderThan !== undefined &&
          (time === undefined || now - time <= milliseconds(rule.olderThan))
        )
          continue
        selected.add(tag)
      }
    }
  }
  return selected
}

/** The time from which `keepNewest` keeps a digest, or -Infinity if it keeps all. */
function nthNewest(
  rule: RuleData,
  digests: ReadonlySet<string>,
  timeOf: ReadonlyMap<string, number | undefined>,
): number {
  const times = [...digests].flatMap((digest) => timeOf.get(digest) ?? []).sort((a, b) => b - a)
  return times[(rule.keepNewest ?? 1) - 1] ?? Number.NEGATIVE_INFINITY
}

/** Undefined if the rule does not select the tag or has no group for it. */
function groupOf(rule: RuleData, tag: string): string | undefined {
  if (rule.tags !== undefined && !selects(rule.tags, tag, false)) return undefined
  if (rule.groupBy === undefined) return ''
  const named =
    rule.tags !== undefined && 'regex' in rule.tags
      ? anchored(rule.tags.regex).exec(tag)?.groups?.[rule.groupBy]
      : undefined
  if (named !== undefined) return named
  if (rule.groupBy !== 'major' && rule.groupBy !== 'minor') return undefined
  const version = versionOf(tag)
  if (version === undefined) return undefined
  return rule.groupBy === 'major' ? `${version.major}` : `${version.major}.${version.minor}`
}

function selects(tags: TagsData, tag: string, includePrerelease: boolean): boolean {
  if ('semver' in tags) return isIn(tag, tags.semver, includePrerelease)
  if ('regex' in tags) return anchored(tags.regex).test(tag)
  const globs = 'glob' in tags ? [tags.glob].flat() : tags
  return globs.some((glob) =>
    anchored(glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')).test(tag),
  )
}

function anchored(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 's')
}

function versionOf(tag: string): semver.SemVer | undefined {
  return /^v?\d/.test(tag) ? (semver.parse(tag) ?? undefined) : undefined
}

function isIn(tag: string, range: string, includePrerelease: boolean): boolean {
  const version = versionOf(tag)
  if (version === undefined || (!includePrerelease && version.prerelease.length > 0)) return false
  return semver.satisfies(version, range, { includePrerelease })
}

/** The tags that a protection matches. */
export function protectedTags(
  { tags, semver: versions }: ProtectionData,
  imageTags: readonly string[],
): readonly string[] {
  if (tags !== undefined) return imageTags.filter((tag) => selects(tags, tag, true))
  if (versions === undefined) return []
  const inRange = imageTags.filter((tag) => isIn(tag, versions.range, true))
  const { newestPer, count } = versions
  if (newestPer === undefined || count === undefined) return inRange
  return inRange.filter((tag) => {
    const [line, own] = [lineOf(tag, newestPer), versionOf(tag)]
    const higher = inRange.filter(
      (other) => lineOf(other, newestPer) === line && compare(versionOf(other), own) > 0,
    )
    const distinct = higher.filter(
      (a, i) => !higher.slice(0, i).some((b) => compare(versionOf(a), versionOf(b)) === 0),
    )
    return distinct.length < count
  })
}

function lineOf(tag: string, per: 'repository' | 'major' | 'minor' | 'patch'): string {
  const { major, minor, patch } = versionOf(tag) ?? { major: 0, minor: 0, patch: 0 }
  return [major, minor, patch].slice(0, { repository: 0, major: 1, minor: 2, patch: 3 }[per]).join('.')
}

function compare(a: semver.SemVer | undefined, b: semver.SemVer | undefined): number {
  return a === undefined || b === undefined ? 0 : semver.compare(a, b)
}

/** Undefined if it is unknown or not plausible. */
function timeIn(
  manifests: ReadonlyMap<string, ManifestSummary>,
  digest: string,
  sources: readonly ('annotation' | 'config')[],
  now: number,
): number | undefined {
  const manifest = manifests.get(digest)
  if (manifest === undefined) return undefined
  if (!manifest.isIndex) {
    for (const source of sources) {
      const text = source === 'annotation' ? manifest.annotated : manifest.configured
      if (text !== undefined && text !== '') return plausibleTime(text, now)
    }
    return undefined
  }
  const { annotated } = manifest
  if (sources.includes('annotation') && annotated !== undefined && annotated !== '')
    return plausibleTime(annotated, now)
  const times = manifest.children
    .filter((child) => !child.isAttestation)
    .map((child) => timeIn(manifests, child.digest, sources, now))
  return times.length === 0 || times.includes(undefined)
    ? undefined
    : Math.max(...times.map((time) => time ?? 0))
}

function plausibleTime(text: string, now: number): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) || time < Date.UTC(2013, 0, 1) || time > now ? undefined : time
}
