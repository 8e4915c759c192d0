import { formatAt } from '../../../oci/reference.ts'
import { readingOf } from '../../../plan/plan.ts'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  plainReading,
  type Version,
  type VersionReading,
} from '../../../semver/version.ts'
import type { AuditRecord } from '../../log/record.ts'
import { bounds } from '../bounds.ts'
import type { ChangeFinding } from '../finding.ts'
import type { Observation } from '../observation.ts'

/** The image that a tag was moved to. */
interface TaggedVersion {
  readonly digest: string
  readonly version: Version
}

/** The versions of the images that tags were moved to, by the names of the images. */
export class TagVersions {
  readonly #known = new Map<string, TaggedVersion>()

  /**
   * Notes the move of a tag. Returns the versions if the new one is lower, and no flag or operation
   * asked for that. It compares only with the image that the tag had just before.
   */
  note({ entry }: Observation): ChangeFinding['versions'] {
    const { step, phase, result, operation } = entry
    if (step?.kind !== 'tag' || phase !== 'outcome' || result !== 'done') return undefined
    const version = versionOf(entry)
    if (version === undefined) return undefined
    const key = formatAt(step.repository, { tag: step.tag })
    const before = this.#known.get(key)
    this.#remember(key, { digest: step.target.digest, version })
    if (before === undefined || before.digest !== entry.before) return undefined
    if (step.override !== undefined || operation === 'rollback') return undefined
    const isComparable =
      before.version.scheme === version.scheme && before.version.variant === version.variant
    if (!isComparable || compareVersions(version, before.version) >= 0) return undefined
    return { from: formatVersion(before.version), to: formatVersion(version) }
  }

  /** The tags that moved last are known. */
  #remember(key: string, image: TaggedVersion): void {
    this.#known.delete(key)
    this.#known.set(key, image)
    if (this.#known.size <= bounds.tags) return
    const [oldest = ''] = this.#known.keys()
    this.#known.delete(oldest)
  }
}

/** The version in the name of the image, such as `@staging/api:1.4.2`. */
function versionOf({ image, step }: AuditRecord): Version | undefined {
  const tag = image
    ?.replace(/@[a-z0-9]+:.*$/, '')
    .split('/')
    .at(-1)
    ?.split(':')[1]
  if (tag === undefined || step?.kind !== 'tag') return undefined
  const highest = Array.isArray(step.expect) ? step.expect.find((one) => one.kind === 'highest') : undefined
  const readings: readonly VersionReading[] =
    highest === undefined ? [plainReading, { ...plainReading, scheme: 'loose' }] : [readingOf(highest)]
  for (const reading of readings) {
    const version = parseVersion(tag, reading)
    if (version !== undefined) return version
  }
  return undefined
}
