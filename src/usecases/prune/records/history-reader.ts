import { noMoves } from '../../../audit/moves/tag-moves.ts'
import type { Call } from '../../../lib/call.ts'
import type { ContentStore } from '../../../images/cache/content-store.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { needsTime } from '../policy/apply-rules.ts'
import type { RepositoryPolicy } from '../policy/policy.ts'
import { matchVersionLike, selectTag } from '../../../selectors/select-tag.ts'
import type { Rule } from '../../../config/retention/policy.ts'
import type { OrphanedManifest } from '../snapshot.ts'
import { type HistorySources, type RepositoryHistory, sightingKey } from './history.ts'
import { examines, findSightings, missingByTag, type MissingOptions } from './missing.ts'
import { Promotions } from './promotions.ts'
import { findSupersededDigests, selectsSuperseded } from './superseded.ts'

/** Without an audit log and without a memory of earlier runs. */
export const noSources: HistorySources = {
  moves: async () => await Promise.resolve(noMoves),
  openHolds: async () => await Promise.resolve([]),
  identify: formatRepository,
  keys: async () => await Promise.resolve(undefined),
  remember: async ({ sightings, now }) =>
    await Promise.resolve(sightings.map((one) => ({ ...one, since: now }))),
}

export interface HistoryOptions {
  readonly store: SourceRepository
  readonly scan: RepositoryScan
  readonly contents: ContentStore | undefined
  readonly sources: HistorySources
  readonly policy: RepositoryPolicy
  readonly interrupted: readonly OrphanedManifest[]
  /** the time of one image is explained, whether a rule needs it or not */
  readonly isExplaining: boolean
  /** milliseconds since 1970 */
  readonly now: number
}

/** Reads what rules need to know beside the content of a repository. */
export class HistoryReader {
  readonly #promotions: Promotions
  readonly #isDated: boolean
  readonly #rest: Omit<RepositoryHistory, 'promoted' | 'ignored'>

  private constructor(
    promotions: Promotions,
    isDated: boolean,
    rest: Omit<RepositoryHistory, 'promoted' | 'ignored'>,
  ) {
    this.#promotions = promotions
    this.#isDated = isDated
    this.#rest = rest
  }

  /**
   * Reads everything except the attestations of images that a rule by time would delete.
   * @throws what the sources and the store throw.
   */
  static async begin(options: HistoryOptions, call: Call): Promise<HistoryReader> {
    const { policy, sources, store, scan, contents, now } = options
    const { rules } = policy
    const isDated = usesPromotions(policy, options.isExplaining)
    const has = (kind: Rule['kind']): boolean => rules.some((rule) => rule.kind === kind)
    const isLogNeeded = isDated || has('superseded') || has('broken')
    const moves = isLogNeeded ? await sources.moves(call) : noMoves
    const promotions = new Promotions({ store, scan, contents, sources, moves, now })
    const select = (rule: Rule, tag: string): boolean =>
      (matchVersionLike(rule, tag, policy.reading) ?? selectTag(rule.tags, tag, policy.reading)) !== undefined
    const superseded = has('superseded')
      ? await findSupersededDigests(scan, moves, promotions, selectsSuperseded(rules, select), call)
      : { superseded: [] }
    // Only the log shows that an index lacks children on purpose.
    const { sparse } = scan.graph.missing.size > 0 ? await sources.moves(call) : moves
    const missing = { store, scan, rules, select, interrupted: options.interrupted, sparse }
    const sightings = await dateSightings(missing, options, call)
    return new HistoryReader(promotions, isDated, { ...superseded, ...sightings, sparse })
  }

  /**
   * Reads the attestations of the images that would be deleted without them, until no further one
   * would be: a promotion keeps an image, and may push another one out of the newest.
   * @throws what the store throws.
   */
  async readPromotions(findDeletes: () => readonly Digest[], call: Call): Promise<void> {
    if (!this.#isDated && this.#rest.superseded.length === 0) return
    for (;;) {
      const unread = findDeletes().filter((digest) => !this.#promotions.isRead(digest))
      if (unread.length === 0) return
      await this.#promotions.read(unread, call)
    }
  }

  get history(): RepositoryHistory {
    const { times, ignored } = this.#promotions
    return { promoted: times, ignored, ...this.#rest }
  }
}

/** Whether the time of promotions can matter: it is a source, and a rule needs a time. */
function usesPromotions({ timeFrom, rules }: RepositoryPolicy, isExplaining: boolean): boolean {
  return timeFrom.includes('promoted') && (isExplaining || rules.some(needsTime))
}

async function dateSightings(
  missing: MissingOptions,
  { sources, store, now }: HistoryOptions,
  call: Call,
): Promise<Pick<RepositoryHistory, 'orphaned' | 'broken'>> {
  const isWanted = missing.rules.some(({ kind }) => kind === 'orphaned' || kind === 'broken')
  if (!isWanted) return { orphaned: new Map(), broken: new Map() }
  const found = await findSightings(missing, call)
  const sightings = found.map(({ kind, tag, digest }) => ({ kind, tag, digest }))
  const { repository } = store
  const known = await sources.remember({ repository, sightings, isExamined: examines(missing), now }, call)
  const sinces = new Map(known.map((one) => [sightingKey(one), one.since]))
  // A time in the future is of another clock: the period begins now.
  return missingByTag(found, (one) => Math.min(sinces.get(sightingKey(one)) ?? now, now))
}
