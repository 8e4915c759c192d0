import type { AttestationStatus } from '../../../audit/attestation/verify-attestation.ts'
import type { FoundAttestation } from '../../../audit/attestation/read-attestations.ts'
import type { Promotion } from '../../../audit/attestation/promotion-statement.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { GateResult } from '../../../plan/gates/gate-result.ts'
import { formatRepository, type RepositoryName, sameRepository } from '../../../oci/reference.ts'
import { sortBySemver } from '../../../semver/order.ts'
import type { VersionReading } from '../../../semver/version.ts'

/** A target of an environment that an image may have been promoted to. */
export interface HistoryTarget {
  readonly environment: string
  readonly repository: RepositoryName
  readonly reading: VersionReading
  /** whether an image without an attestation is reported, as only promotions write here */
  readonly byPromotion: boolean
}

/** The tags, images and attestations of one target. */
export interface TargetFacts {
  readonly target: HistoryTarget
  /** the digest of each tag; null: the tag does not exist */
  readonly tags: ReadonlyMap<string, Digest | null>
  /** the requested images that the repository has now */
  readonly images: readonly Digest[]
  readonly attestations: readonly AttestationOfImage[]
  /** the number of tags beyond the limit, which may have attestations of their own */
  readonly tagsNotRead: number
}

export interface AttestationOfImage extends FoundAttestation {
  /** the image that it is attached to */
  readonly image: Digest
}

/** The promotions of images by their attestations: the oldest first, those without a time last. */
export interface HistoryView {
  readonly rows: readonly HistoryRow[]
  /** the number of tags of all targets beyond the limit */
  readonly tagsNotRead: number
}

/** One promotion; or, with `missing`, an image in an environment without an attestation for it. */
export interface HistoryRow {
  readonly status: AttestationStatus | 'missing'
  /** with `bad`, `foreign` and `unreadable` */
  readonly why?: string
  readonly image: Digest
  /** ISO 8601, UTC */
  readonly time?: string
  readonly from?: HistoryEnd
  /** of an unreadable attestation, the repository that it is in */
  readonly to: HistoryEnd
  readonly tags: readonly HistoryTag[]
  /** the user of the CI job; without a job, that of the machine */
  readonly actor?: string
  /** the URL of the CI job; without a job, the id of the run */
  readonly run?: string
  readonly reason?: string
  readonly ticket?: string
  /** the results of the gates of the destination; absent if the attestation has none */
  readonly gates?: readonly GateResult[]
  /** the manifest of the attestation */
  readonly attestation?: Digest
}

/** Has `environment` only if its repository was read: an attestation may claim any environment. */
export interface HistoryEnd {
  readonly environment?: string
  readonly repository: RepositoryName
}

/** A tag of a promotion, and its state now; `unknown` if its repository was not read. */
export interface HistoryTag {
  readonly tag: string
  readonly now: 'same' | 'moved' | 'gone' | 'unknown'
}

/** Returns the history: pure. An attestation that was copied to other environments counts once. */
export function buildHistory(facts: readonly TargetFacts[]): HistoryView {
  const once = new Map<string, { readonly fact: TargetFacts; readonly found: AttestationOfImage }>()
  for (const fact of facts) {
    for (const found of fact.attestations) {
      const key = `${found.image} ${found.manifest.digest}`
      // The attestation may be damaged in one environment and intact in another.
      if (!once.has(key) || found.status !== 'unreadable') once.set(key, { fact, found })
    }
  }
  const rows = [...once.values()].map(({ fact, found }) => rowOf(found, fact, facts))
  const missing = facts.flatMap((fact) => findUnexplained(fact, facts))
  const tagsNotRead = facts.reduce((sum, fact) => sum + fact.tagsNotRead, 0)
  return { rows: [...rows.sort(byTime), ...missing], tagsNotRead }
}

function rowOf(found: AttestationOfImage, at: TargetFacts, facts: readonly TargetFacts[]): HistoryRow {
  const { status, why, promotion, image, manifest } = found
  const common = { status, ...(why !== undefined && { why }), image, attestation: manifest.digest }
  if (promotion === undefined) return { ...common, to: endOf(at.target.repository, facts), tags: [] }
  const target = findFacts(promotion.to.repository, facts)
  const { gates, reason, ticket } = promotion
  return {
    ...common,
    time: promotion.time,
    from: endOf(promotion.from.repository, facts),
    to: endOf(promotion.to.repository, facts),
    tags: promotion.tags.map(({ tag }) => ({ tag, now: stateOfTag(target?.tags.get(tag), image) })),
    actor: promotion.actor.ci?.user ?? promotion.actor.user,
    run: promotion.actor.ci?.run ?? promotion.run,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(gates !== undefined && { gates }),
  }
}

function stateOfTag(now: Digest | null | undefined, image: Digest): HistoryTag['now'] {
  if (now === undefined) return 'unknown'
  if (now === null) return 'gone'
  return now === image ? 'same' : 'moved'
}

/** Returns a row for each image that has tags without an attestation, or no attestation at all. */
function findUnexplained(fact: TargetFacts, facts: readonly TargetFacts[]): readonly HistoryRow[] {
  const { target } = fact
  if (!target.byPromotion) return []
  return fact.images.flatMap((image) => {
    const into = findPromotionsTo(target.repository, image, facts)
    const named = new Set(into.flatMap(({ tags }) => tags.map(({ tag }) => tag)))
    const current = [...fact.tags].filter(([, digest]) => digest === image).map(([tag]) => tag)
    const unnamed = sortBySemver(
      current.filter((tag) => !named.has(tag)),
      target.reading,
    )
    if (unnamed.length === 0 && (current.length > 0 || into.length > 0)) return []
    const tags = unnamed.map((tag): HistoryTag => ({ tag, now: 'same' }))
    return [{ status: 'missing' as const, image, to: endOf(target.repository, facts), tags }]
  })
}

/**
 * Returns the promotions of an image to a repository. Attestations with a bad signature count,
 * because they have a row of their own.
 */
function findPromotionsTo(
  repository: RepositoryName,
  image: Digest,
  facts: readonly TargetFacts[],
): readonly Promotion[] {
  return facts
    .flatMap(({ attestations }) => attestations)
    .flatMap(({ promotion }) => promotion ?? [])
    .filter(({ digest, to }) => digest === image && sameRepository(to.repository, repository))
}

function findFacts(repository: RepositoryName, facts: readonly TargetFacts[]): TargetFacts | undefined {
  return facts.find(({ target }) => sameRepository(target.repository, repository))
}

function endOf(repository: RepositoryName, facts: readonly TargetFacts[]): HistoryEnd {
  const environment = findFacts(repository, facts)?.target.environment
  return { ...(environment !== undefined && { environment }), repository }
}

function byTime(a: HistoryRow, b: HistoryRow): number {
  return (
    timeOf(a) - timeOf(b) ||
    compareText(formatRepository(a.to.repository), formatRepository(b.to.repository)) ||
    compareText(a.attestation ?? '', b.attestation ?? '')
  )
}

function timeOf({ time }: HistoryRow): number {
  return time === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(time)
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
