import type { ProtectionData } from '../policy-data.ts'
import { isInRange } from './ranges.ts'
import { selects } from './selectors.ts'
import {
  comparePrecedence,
  isVersionLike,
  lineOf,
  type OracleVersion,
  type ReadingData,
  textOrderOf,
  versionOf,
  withSuspectedVariants,
} from './versions.ts'

/** The tags that a protection keeps, with those that a protection by version cannot read. */
export function protectedTags(
  protection: ProtectionData,
  tags: readonly string[],
  declared: ReadingData,
): readonly string[] {
  const { tags: selector, semver } = protection
  const reading = withSuspectedVariants(tags, declared)
  if (semver === undefined) return tags.filter((tag) => selects(selector, tag, { reading, isKept: true }))
  const unread = tags.filter((tag) => isVersionLike(tag, reading))
  return [...unread, ...protectedVersions(semver, tags, reading)]
}

function protectedVersions(
  { range, newestPer, count }: NonNullable<ProtectionData['semver']>,
  tags: readonly string[],
  reading: ReadingData,
): readonly string[] {
  const versions = tags.flatMap((tag) => {
    const version = versionOf(tag, reading)
    return version === undefined ? [] : [{ tag, version }]
  })
  const inRange = versions.filter(({ version }) => isInRange(version, range, textOrderOf(reading)))
  if (newestPer === undefined || count === undefined) return inRange.map(({ tag }) => tag)
  const line = (version: OracleVersion): string => `${lineOf(version, newestPer)} ${version.variant}`
  return inRange.flatMap(({ tag, version }) => {
    const others = inRange.map((one) => one.version).filter((one) => line(one) === line(version))
    const isAmongNewest = [textOrderOf(reading), 'numbers' as const].some((order) => {
      const higher = others.filter((one) => comparePrecedence(one, version, order) > 0)
      const distinct = higher.filter(
        (one, i) => !higher.slice(0, i).some((before) => comparePrecedence(before, one, order) === 0),
      )
      return distinct.length < count
    })
    return isAmongNewest ? [tag] : []
  })
}
