import type { TimeSourceData } from '../policy-data.ts'
import type { ManifestSummary } from '../snapshot.ts'

export interface TimeFacts {
  readonly manifests: ReadonlyMap<string, ManifestSummary>
  readonly sources: readonly TimeSourceData[]
  /** when dray last put a tag of the repository on a digest */
  readonly promoted: ReadonlyMap<string, number>
  /** milliseconds since 1970 */
  readonly now: number
}

/** `absent`: the source has no time. `undated`: its time cannot be believed. */
type FoundTime = number | 'absent' | 'undated'

/** The time of an image; undefined if it is unknown or not plausible (retention.md, Time). */
export function timeOf(digest: string, facts: TimeFacts): number | undefined {
  const found = firstOf(facts.sources, (source) => {
    if (source !== 'promoted') return buildTimeBy(source, digest, facts)
    const at = facts.promoted.get(digest)
    if (at === undefined) return 'absent'
    const built = buildTimeOf(digest, facts)
    return typeof built === 'number' && built > at ? built : Math.min(at, facts.now)
  })
  return typeof found === 'number' ? found : undefined
}

function firstOf(
  sources: readonly TimeSourceData[],
  timeBy: (source: TimeSourceData) => FoundTime,
): FoundTime {
  return sources.map(timeBy).find((time) => time !== 'absent') ?? 'absent'
}

function buildTimeOf(digest: string, facts: TimeFacts): FoundTime {
  const sources = facts.sources.filter((source) => source !== 'promoted')
  return firstOf(sources, (source) => buildTimeBy(source, digest, facts))
}

function buildTimeBy(
  source: 'annotation' | 'config' | 'promoted',
  digest: string,
  facts: TimeFacts,
): FoundTime {
  const manifest = facts.manifests.get(digest)
  if (manifest === undefined) return 'undated'
  const text = source === 'annotation' ? manifest.annotated : manifest.configured
  if (text !== undefined && text !== '') return plausibleTime(text, facts.now)
  const isByImages = source === 'config' || !facts.sources.includes('config')
  if (!manifest.isIndex || !isByImages) return 'absent'
  const images = manifest.children.filter((child) => !child.isAttestation)
  const times = images.map((child) => buildTimeOf(child.digest, facts))
  const dated = times.filter((time) => typeof time === 'number')
  if (times.length === 0) return 'undated'
  return dated.length === times.length
    ? Math.max(...dated)
    : (times.find((time) => typeof time !== 'number') ?? 'undated')
}

function plausibleTime(text: string, now: number): FoundTime {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return 'undated'
  const time = Date.parse(text)
  return Number.isNaN(time) || time < Date.UTC(2013, 0, 1) || time > now ? 'undated' : time
}
