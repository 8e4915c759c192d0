import {
  classifyTag,
  formatVersion,
  parseVersionTag,
  type Version,
  type VersionReading,
} from '../../../../semver/version.ts'
import type { ExplainedVersion } from '../explanation.ts'
import { readingOfProtections } from '../../../../selectors/select-versions.ts'

/**
 * Explains how a tag is read as a version, in rules and in protections.
 * @param tags all image tags of the repository
 */
export function explainVersion(
  tag: string,
  tags: readonly string[],
  reading: VersionReading,
): ExplainedVersion | undefined {
  if (!tags.includes(tag)) return undefined
  const { scheme } = reading
  const kind = classifyTag(tag, reading)
  const version = parseVersionTag(tag, reading)?.version
  if (version === undefined) {
    const text =
      kind === 'versionLike' ? 'version-like tag, which the scheme does not read' : 'it is not a version'
    return { kind, scheme, text }
  }
  const protectedAs = parseVersionTag(tag, readingOfProtections(tags, reading))?.version
  const { variant } = version
  const text =
    protectedAs === undefined || protectedAs.variant === variant
      ? describe(version)
      : `${describe(version)}; in protections ${describe(protectedAs)}`
  return { kind, scheme, version: formatVersion(version), variant, text }
}

function describe({ variant, ...version }: Version): string {
  const kind = version.prerelease.length === 0 ? 'release' : 'pre-release'
  const of = variant === '' ? '' : ` of the variant ${variant}`
  return `${kind} ${formatVersion({ ...version, variant: '' })}${of}`
}
