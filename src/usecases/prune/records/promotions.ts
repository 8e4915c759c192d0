import { readKnownAttestations } from '../../../audit/attestation/known-attestations.ts'
import type { AttestationVerification } from '../../../audit/attestation/verify-attestation.ts'
import type { RepositoryMoves } from '../../../audit/moves/tag-moves.ts'
import type { Call } from '../../../lib/call.ts'
import type { ContentStore } from '../../../images/cache/content-store.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import { firstImage } from '../../../oci/created.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { PublicKey } from '../../../signing/dsse.ts'
import { maxClockDifferenceMs } from '../snapshot.ts'
import type { HistorySources, PromotedTime } from './history.ts'

/** Images whose attestations are read at once. */
const imagesAtOnce = 16

export interface PromotionsOptions {
  readonly store: SourceRepository
  readonly scan: RepositoryScan
  readonly contents: ContentStore | undefined
  readonly sources: HistorySources
  readonly moves: RepositoryMoves
  /** milliseconds since 1970 */
  readonly now: number
}

/** A promotion to this repository, by an attestation about the image. */
export interface AttestedPromotion {
  /** each tag with the digest that it pointed to before */
  readonly tags: readonly { readonly tag: string; readonly before: Digest | null }[]
  /** milliseconds since 1970 */
  readonly at: number
  /**
   * its time is plausible, and a key of dray.yaml signed it; if it names none, attestations are not
   * signed
   */
  readonly isTrusted: boolean
}

/**
 * When dray put tags of a repository on its images: by the audit log, and by attestations. An
 * attestation counts only if it is about this image and this repository. A time that is not
 * plausible counts too: a machine with a wrong clock may just have promoted the image.
 */
export class Promotions {
  readonly #options: PromotionsOptions
  readonly #attested = new Map<Digest, readonly AttestedPromotion[]>()
  readonly #ignored = new Map<Digest, readonly string[]>()

  constructor(options: PromotionsOptions) {
    this.#options = options
  }

  /** By digest: the newest time at which dray put a tag on it. */
  get times(): ReadonlyMap<Digest, PromotedTime> {
    const { moves, now } = this.#options
    const times = new Map<Digest, PromotedTime>()
    // The log is the one of this run. A record in the future shows a wrong clock, not a forgery.
    for (const [digest, { tag, at }] of moves.puts)
      times.set(digest, { at: Math.min(at, now), text: `promoted as ${tag} (audit log)` })
    for (const [digest, promotions] of this.#attested) {
      for (const { tags, at } of promotions) {
        const known = times.get(digest)
        if (known !== undefined && known.at >= at) continue
        times.set(digest, { at, text: `promoted as ${tags.map(({ tag }) => tag).join(', ')} (attestation)` })
      }
    }
    return times
  }

  /** By digest: why some of its attestations do not count. */
  get ignored(): ReadonlyMap<Digest, readonly string[]> {
    return this.#ignored
  }

  isRead(digest: Digest): boolean {
    return this.#attested.has(digest)
  }

  of(digest: Digest): readonly AttestedPromotion[] {
    return this.#attested.get(digest) ?? []
  }

  /** Reads the attestations of images, each image once. @throws what the store throws. */
  async read(digests: readonly Digest[], call: Call): Promise<void> {
    const { scan, store, contents, sources } = this.#options
    const unread = digests.filter((digest) => !this.isRead(digest))
    if (unread.length === 0) return
    await scan.addReferrersOf(unread, call)
    const wanted = new Set(unread)
    const referrers = Map.groupBy(
      [...scan.graph.nodes.values()].filter(({ subject }) => subject !== undefined && wanted.has(subject)),
      ({ subject }) => subject,
    )
    const keys = referrers.size === 0 ? [] : await sources.keys(call)
    await inParallel(unread, imagesAtOnce, call, async (image, c) => {
      const ports = { store, contents, keys: keys ?? [] }
      const found = await readKnownAttestations(image, referrers.get(image) ?? [], ports, c)
      this.#note(image, found, keys)
    })
  }

  #note(
    image: Digest,
    found: readonly AttestationVerification[],
    keys: readonly PublicKey[] | undefined,
  ): void {
    const promotions: AttestedPromotion[] = []
    const ignored: string[] = []
    for (const one of found) {
      const counted = this.#count(one, keys)
      if (typeof counted === 'string') ignored.push(counted)
      else if (counted !== undefined) promotions.push(counted)
    }
    this.#attested.set(image, promotions)
    if (ignored.length > 0) this.#ignored.set(image, ignored)
  }

  /**
   * The promotion, or why it does not count; undefined if it is of another repository: attestations
   * are copied with their image.
   */
  #count(
    { status, why, promotion }: AttestationVerification,
    keys: readonly PublicKey[] | undefined,
  ): AttestedPromotion | string | undefined {
    if (status === 'bad' || status === 'unreadable' || promotion === undefined)
      return `an attestation is ${status}${why === undefined ? '' : `: ${why}`}`
    const { sources, store, now } = this.#options
    if (sources.identify(promotion.to.repository) !== sources.identify(store.repository)) return undefined
    if (promotion.tags.length === 0) return undefined
    const at = Date.parse(promotion.time)
    if (Number.isNaN(at)) return `an attestation has the time ${promotion.time}, which is no time`
    const isFuture = at > now + maxClockDifferenceMs
    const isPlausible = at >= firstImage && !isFuture
    const isTrusted = isPlausible && (status === 'verified' || (keys === undefined && status !== 'foreign'))
    return { tags: promotion.tags, at: isFuture ? at : Math.min(at, now), isTrusted }
  }
}
