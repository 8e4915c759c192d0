import type { RepositoryPattern } from '../../selectors/repository-pattern.ts'
import { matchesRepository } from '../../selectors/repository-pattern.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import { boundsWithPreReleases, hasRelease } from './range-releases.ts'
import { formatVersion, plainReading, type VersionReading } from '../../semver/version.ts'
import { findProblem } from '../check/find-problem.ts'
import type { Config } from '../config.ts'
import { findImagesAt, repositoriesOf } from '../environments.ts'
import { RegistryNames } from '../registry-names.ts'
import type { WrittenPolicy } from '../schema/schema-retention.ts'
import { readingIn } from '../settings/version-reading.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'
import type { Protection, Rule } from './policy.ts'

type RangeSelector = Extract<TagSelector, { readonly kind: 'semver' }>

/** A range in a policy, and the repositories that it is for. */
interface LocatedRange {
  readonly selector: RangeSelector
  readonly path: Path
  readonly repositories: readonly RepositoryPattern[] | undefined
}

/**
 * Finds ranges that select no release of any repository under its scheme, and ranges that select
 * the pre-releases of a version without the version. Reports only what the texts alone prove.
 */
export function checkRanges(
  written: WrittenPolicy,
  { protect, rules }: { protect: readonly (Protection | undefined)[]; rules: readonly (Rule | undefined)[] },
  config: Config,
  path: Path,
): readonly Issue[] {
  const patterns = rules.flatMap((rule) => (rule === undefined ? [] : [rule.repositories]))
  const all = patterns.includes(undefined) ? undefined : patterns.flatMap((some) => some ?? [])
  const ofProtections = protect.flatMap((one, i) => {
    if (one?.kind !== 'tags') return []
    const at = [...path, 'protect', i]
    const isShort = written.protect?.[i]?.semver !== undefined
    return rangesIn(one.tags, isShort ? [...at, 'semver', 'range'] : [...at, 'tags', 'semver'], [
      ...at,
      'tags',
      'exclude',
      'semver',
    ]).map((range) => ({ ...range, repositories: one.repositories ?? all }))
  })
  const ofRules = rules.flatMap((rule, i) => {
    const at = [...path, 'rules', i, 'tags']
    return rangesIn(rule?.tags, [...at, 'semver'], [...at, 'exclude', 'semver']).map((range) => ({
      ...range,
      repositories: rule?.repositories,
    }))
  })
  return [...ofProtections, ...ofRules].flatMap((range) => [
    ...warnAboutScheme(range, config),
    ...warnAboutBounds(range),
  ])
}

function rangesIn(
  selector: TagSelector | undefined,
  own: Path,
  ofException: Path,
): readonly Pick<LocatedRange, 'selector' | 'path'>[] {
  const exclude = selector?.exclude
  return [
    ...(selector?.kind === 'semver' ? [{ selector, path: own }] : []),
    ...(exclude?.kind === 'semver' ? [{ selector: exclude, path: ofException }] : []),
  ]
}

function warnAboutScheme({ selector, path, repositories }: LocatedRange, config: Config): readonly Issue[] {
  const readings = readingsOf(repositories, config)
  const { range, text } = selector
  if (readings.length === 0 || readings.some((reading) => hasRelease(range, reading))) return []
  const schemes = [...new Set(readings.map(({ scheme }) => scheme))]
  const others = (['semver', 'calver', 'loose'] as const).filter((scheme) =>
    readings.every((reading) => hasRelease(range, { ...reading, scheme })),
  )
  // A range that has releases under no scheme names pre-releases.
  if (others.length === 0) return []
  const fix = others.map((scheme) => `\`scheme: ${scheme}\``).join(' or ')
  const message = `no release is in ${JSON.stringify(text)} under the scheme ${schemes.join(' or ')}: set ${fix} for these repositories, or correct the range`
  return [{ path, at: 'value', message }]
}

function warnAboutBounds({ selector: { range, text }, path }: LocatedRange): readonly Issue[] {
  return boundsWithPreReleases(range).map((bound): Issue => {
    const release = formatVersion(bound)
    const message = `${JSON.stringify(text)} includes pre-releases of ${release}, and not ${release} itself: to exclude them too, write <${release}-0`
    return { path, at: 'value', message }
  })
}

/** Returns how the repositories of some patterns are read; undefined is every environment. */
function readingsOf(
  patterns: readonly RepositoryPattern[] | undefined,
  config: Config,
): readonly VersionReading[] {
  const known = [...config.environments.keys()].flatMap((environment) => imagesOf(config, environment))
  const readings = (patterns ?? [undefined]).flatMap((pattern) => {
    const those = known.filter((one) => pattern === undefined || matchesImage(pattern, one, config))
    return those.length === 0
      ? [plainReading]
      : those.map(({ environment, image }) => readingIn(config, environment, image))
  })
  return [...new Map(readings.map((one) => [JSON.stringify(one), one])).values()]
}

interface KnownImage {
  readonly environment: string
  /** undefined: the file lists no images */
  readonly image: string | undefined
}

function imagesOf({ images }: Config, environment: string): readonly KnownImage[] {
  if (images === undefined) return [{ environment, image: undefined }]
  return [...images.keys()].map((image) => ({ environment, image }))
}

function matchesImage(
  pattern: RepositoryPattern,
  { environment, image }: KnownImage,
  config: Config,
): boolean {
  if (pattern.in.kind === 'environment')
    return (
      pattern.in.environment === environment &&
      (image === undefined || pattern.regex.match(image) !== undefined)
    )
  // An environment with mistakes has no repositories.
  if (image === undefined || findProblem(() => repositoriesOf(config, environment, image)) !== undefined)
    return false
  const names = new RegistryNames(config.registries)
  return repositoriesOf(config, environment, image).some((repository) =>
    matchesRepository(pattern, repository, findImagesAt(config, repository), names),
  )
}
