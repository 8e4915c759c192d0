import type { MovedTags, SyncRule } from '../../config/sync/sync-rule.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import { matchesGlob } from '../../oci/tag-glob.ts'
import type { DriftState } from '../../plan/sync/drift.ts'
import { classifyTag } from '../../semver/version.ts'
import type { SyncTarget } from './snapshot.ts'

/** A selected tag at one destination, compared with the source. */
export interface TagComparison {
  readonly tag: string
  readonly state: DriftState | 'upToDate'
  readonly source: Digest
  /** null: there is no such tag */
  readonly destination: Digest | null
  /** why the tag does not move: one line */
  readonly reason?: string
  /** of a tag that another client changed: the digest that dray wrote */
  readonly written?: Digest
  /** the image is refused at this destination */
  readonly refusal?: DrayError
}

export interface ComparedTag extends Pick<TagComparison, 'tag' | 'source' | 'destination'> {
  readonly evidenceMissing: number
  /** the destination has the image without some of the selected platforms */
  readonly isIncomplete?: boolean
  readonly rule: Pick<SyncRule, 'name' | 'movedTags'>
  readonly target: SyncTarget
  readonly overwriteChanged: boolean
}

/** Decides about one tag at one destination: pure. */
export function compareTag(compared: ComparedTag): TagComparison {
  const { tag, source, destination, evidenceMissing, target, rule } = compared
  const sides = { tag, source, destination }
  if (destination === null) return { ...sides, state: 'missing' }
  if (destination === source) {
    if (compared.isIncomplete === true)
      return { ...sides, state: 'damaged', reason: 'it lacks selected platforms' }
    return { ...sides, state: evidenceMissing > 0 ? 'evidenceMissing' : 'upToDate' }
  }
  const kept = reasonToKeep(tag, rule, target)
  const written = target.state.written.get(tag)
  const isOwn =
    written === undefined ||
    written === destination ||
    target.state.beingWritten?.get(tag)?.includes(destination) === true
  if (isOwn || (compared.overwriteChanged && kept === undefined))
    return kept === undefined ? { ...sides, state: 'moved' } : { ...sides, state: 'kept', reason: kept }
  if (kept !== undefined) return { ...sides, state: 'changed', written, reason: kept }
  return { ...sides, state: 'changed', written, refusal: changedByOthers(compared, destination, written) }
}

/** Returns why a tag that the source moved does not move; undefined: it moves. */
function reasonToKeep(
  tag: string,
  { name, movedTags }: ComparedTag['rule'],
  { environment, reading, immutable, keepsVersionTags }: SyncTarget,
): string | undefined {
  const glob = immutable.find((one) => matchesGlob(one, tag))
  if (glob !== undefined)
    return `tags that match ${glob} are immutable in ${environment ?? 'the destination'}`
  if (movedTags === 'keep') return reasonOfRule(name, movedTags)
  const kind = classifyTag(tag, reading)
  if (kind === 'plain') return undefined
  const which = kind === 'version' ? 'version tags' : 'version-like tags'
  if (keepsVersionTags) return `${which} are immutable in ${environment ?? 'the destination'}`
  return movedTags === 'followFloating'
    ? `${reasonOfRule(name, movedTags)}, and it is one of the ${which}`
    : undefined
}

function reasonOfRule(name: string, movedTags: MovedTags): string {
  return `the rule ${name} has movedTags: ${movedTags}`
}

function changedByOthers(
  { tag, source, target: { repository } }: ComparedTag,
  destination: Digest,
  written: Digest,
): DrayError {
  const reference = formatAt(repository, { tag })
  return new DrayError('conflict', `${reference} was changed by another client`, {
    subject: reference,
    why: `dray wrote ${written}, now it points to ${destination}, and the source has ${source}`,
    hint: 'Find out who moved the tag. To overwrite it, pass --overwrite-changed.',
  })
}
