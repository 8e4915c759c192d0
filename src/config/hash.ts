import { digestOf } from '../oci/digest.ts'
import { gateParts, trustParts } from './gates/hash-parts.ts'
import type { Config, ReadingConfig, Requirement, TagsConfig } from './config.ts'

/**
 * The hash of the configuration that decides where images go: environments with their gates,
 * images, signers, approvers and residency, in any order. It does not cover the connection to a
 * registry and the path of the audit log, so the same decision on another machine has the same
 * hash. Retention policies and sync rules have hashes of their own, so that a change of one does
 * not make a saved promotion out of date. `sha256:` and hex, over JSON without white space.
 */
export function hashOfConfig(config: Config): string {
  const environments = sorted(config.environments).map(
    ([name, { targets, promoteFrom, attest, require, tags, gates }]) => [
      name,
      targets.map(({ registry, path }) => [registry, path]),
      promoteFrom === undefined ? null : [...promoteFrom].sort(),
      attest ?? false,
      (require ?? []).map(requirementText).sort(),
      // An environment without tag rules keeps the hash that it had before tag rules existed.
      ...(tags === undefined ? [] : [tagRules(tags)]),
      ...addedReading(tags),
      ...gateParts(gates),
    ],
  )
  const images =
    config.images === undefined
      ? null
      : sorted(config.images).map(([name, image]) => [
          name,
          image.name ?? name,
          ...addedReading(image.tags),
          ...(image.tags?.buildMetadata === undefined ? [] : [image.tags.buildMetadata]),
        ])
  return digestOf(JSON.stringify({ environments, images, ...trustParts(config) }))
}

function requirementText({ name, pattern }: Requirement): string {
  return pattern === undefined ? name : `${name} ${pattern}`
}

function tagRules({ semver, immutable, v, channels, buildMetadata, majorZero }: TagsConfig): unknown {
  return [
    semver === undefined ? null : [...semver].sort(),
    [...(immutable ?? [])].sort(),
    v ?? 'none',
    [...(channels ?? [])].sort(),
    buildMetadata ?? false,
    majorZero ?? false,
  ]
}

/** Without the keys of versions, an entry keeps the hash that it had before these keys existed. */
function addedReading({ scheme, variants, ignoreVersions }: ReadingConfig = {}): readonly unknown[] {
  if (scheme === undefined && variants === undefined && ignoreVersions === undefined) return []
  return [{ scheme, variants: variants?.toSorted(), ignoreVersions: ignoreVersions?.toSorted() }]
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}
