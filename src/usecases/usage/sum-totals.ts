import type { DescribedStorage } from './describe-repositories.ts'
import type { RepositoryUsage, StoredBytes, UnpulledImages, UsageTotals, WouldFree } from './usage-report.ts'

/** Sums the storages. Content that several repositories of a storage have counts once. Pure. */
export function sumTotals(
  described: readonly DescribedStorage[],
  unreachable: number,
): Omit<UsageTotals, 'growth' | 'rows'> {
  const rows = described.flatMap((one) => one.rows)
  const sum = (of: (row: RepositoryUsage) => number): number => rows.reduce((all, row) => all + of(row), 0)
  const priced = described.flatMap(({ cost }) => cost ?? [])
  const notPulled = sumUnpulled(described, rows)
  const wouldFree = sumFreed(described, rows)
  return {
    repositories: rows.length,
    unreachable,
    images: sum(({ images }) => images),
    tags: sum(({ tags }) => tags),
    manifests: sum(({ manifests }) => manifests),
    sumOfImages: sum(({ sumOfImages }) => sumOfImages),
    bytes: sumBytes(described.map(({ bytes }) => bytes)),
    ...(notPulled !== undefined && { notPulled }),
    ...(wouldFree !== undefined && { wouldFree }),
    ...(priced.length > 0 && { cost: priced.reduce((a, b) => a + b) }),
  }
}

function sumBytes(all: readonly StoredBytes[]): StoredBytes {
  const untagged = all.map((one) => one.untagged)
  const known = untagged.filter((bytes) => bytes !== 'unknown')
  return {
    unique: all.reduce((sum, one) => sum + one.unique, 0),
    shared: all.reduce((sum, one) => sum + one.shared, 0),
    crossRepository: all.reduce((sum, one) => sum + one.crossRepository, 0),
    untagged: known.length < untagged.length ? 'unknown' : known.reduce((a, b) => a + b, 0),
    stored: all.reduce((sum, one) => sum + one.stored, 0),
  }
}

/** Unknown if no repository has pull times. */
function sumUnpulled(
  described: readonly DescribedStorage[],
  rows: readonly RepositoryUsage[],
): UsageTotals['notPulled'] {
  if (rows.every(({ notPulled }) => notPulled === undefined)) return undefined
  const known = rows.flatMap(({ notPulled = 'unknown' }) => (notPulled === 'unknown' ? [] : [notPulled]))
  if (known.length === 0) return 'unknown'
  const sum = (of: (one: UnpulledImages) => number): number => known.reduce((all, one) => all + of(one), 0)
  return {
    images: sum(({ images }) => images),
    bytes: described.reduce((all, { unpulledBytes = 0 }) => all + unpulledBytes, 0),
    kept: {
      inUse: sum(({ kept }) => kept.inUse),
      protection: sum(({ kept }) => kept.protection),
      hold: sum(({ kept }) => kept.hold),
    },
    unknown: sum(({ unknown }) => unknown),
  }
}

function sumFreed(
  described: readonly DescribedStorage[],
  rows: readonly RepositoryUsage[],
): WouldFree | undefined {
  const all = rows.flatMap(({ wouldFree }) => wouldFree ?? [])
  if (described.every(({ freed }) => freed === undefined)) return undefined
  return {
    bytes: described.reduce((sum, { freed = 0 }) => sum + freed, 0),
    images: all.reduce((sum, one) => sum + one.images, 0),
    manifests: all.reduce((sum, one) => sum + one.manifests, 0),
  }
}
