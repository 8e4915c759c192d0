import type { Config } from '../../config/config.ts'
import { findImagesAt } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import { hasWildcard } from '../../oci/tag-glob.ts'
import type { TagLevel, TagPolicy } from '../../semver/tag-policy.ts'
import { adviseUnread, otherSchemeOf } from '../../semver/unread-version.ts'
import type { VersionReading as Reading, VersionTag } from '../../semver/version.ts'
import type { TagRequest } from '../../usecases/tag/request.ts'
import { type ImageOwner, readingOfImage, tagPolicyOf } from '../changes/tag-policy.ts'

/** The flags of `dray tag` about versions. They override the settings of the environment. */
export interface VersionFlags extends Partial<
  Pick<TagPolicy, 'v' | 'buildMetadata' | 'majorZero' | 'scheme'>
> {
  /** added to those of the environment */
  readonly variants?: readonly string[]
  readonly ignoreVersions?: readonly string[]
  readonly levels: readonly TagLevel[] | undefined
  readonly channels: readonly string[] | undefined
  readonly allowBackward: boolean
}

/** Returns the policy by which `dray tag` gives an image the tags of a version. */
export function taggingPolicy(owner: ImageOwner, flags: VersionFlags, config: Config): TagPolicy {
  const configured = tagPolicyOf(owner, config, flags.allowBackward)
  const scheme = flags.scheme ?? configured.scheme
  return {
    ...configured,
    scheme,
    variants: [...new Set([...configured.variants, ...(flags.variants ?? [])])],
    ignoreVersions: [...new Set([...configured.ignoreVersions, ...(flags.ignoreVersions ?? [])])],
    ...(flags.buildMetadata !== undefined && { buildMetadata: flags.buildMetadata }),
    twoNumbers: scheme === 'loose' && !writtenLevels(owner, flags, config).includes('minor'),
    ...(flags.v !== undefined && { v: flags.v }),
    ...(flags.majorZero !== undefined && { majorZero: flags.majorZero }),
    levels: flags.levels ?? configured.levels,
    channels: flags.channels ?? configured.channels,
  }
}

/** The levels of an environment are those that its promotions write. */
function writtenLevels(owner: ImageOwner, { levels }: VersionFlags, config: Config): readonly TagLevel[] {
  if (levels !== undefined) return levels
  if (owner.environment === undefined) return tagPolicyOf(owner, config, false).levels
  return config.environments.get(owner.environment)?.tags?.semver ?? []
}

/**
 * Warns about flags that read the tags of an environment in another way than `dray.yaml`, once for
 * each environment: the next promotion, rollback or prune does not have them.
 */
export function warnAboutVersionFlags(requests: readonly TagRequest[], config: Config): readonly string[] {
  return [...new Set(requests.flatMap((request) => warnAboutReading(request, config)))]
}

function warnAboutReading({ environment, targets, policy }: TagRequest, config: Config): readonly string[] {
  if (environment === undefined) return []
  const [repository] = targets
  const image = findImagesAt(config, repository).find((one) => one.environment === environment)?.image
  const settings = differentSettings(readingOfImage({ environment, image }, config), policy)
  if (settings.length === 0) return []
  const key = keyOf({ environment, image }, config)
  return [
    `flags change how the tags of ${environment} are read, for this run only; for other commands, set ${settings.join(', ')} in ${key} of dray.yaml`,
  ]
}

/** Warns about versions without the suffix that `--variant` names. */
export function warnAboutMissingSuffix(
  versions: readonly VersionTag[],
  { variants = [] }: VersionFlags,
): readonly string[] {
  const variant = variants.find((glob) => !hasWildcard(glob))
  if (variant === undefined) return []
  return versions
    .filter(({ version }) => version.variant === '')
    .map(
      ({ tag }) =>
        `${tag} does not have the suffix of --variant ${variant}; to tag the variant, name the version ${tag}-${variant}`,
    )
}

function differentSettings(configured: Reading, used: Reading): readonly string[] {
  const { scheme, variants, ignoreVersions, buildMetadata } = used
  return [
    ...(scheme === configured.scheme ? [] : [`scheme: ${scheme}`]),
    ...(variants.length === configured.variants.length ? [] : [`variants: ${JSON.stringify(variants)}`]),
    ...(ignoreVersions.length === configured.ignoreVersions.length
      ? []
      : [`ignoreVersions: ${JSON.stringify(ignoreVersions)}`]),
    ...(buildMetadata === configured.buildMetadata ? [] : [`buildMetadata: ${buildMetadata}`]),
  ]
}

/** The section of `dray.yaml` whose keys decide how the tags of an image are read. */
function keyOf({ environment = '', image = '' }: ImageOwner, config: Config): string {
  return config.images?.get(image)?.tags === undefined
    ? `environments.${environment}.tags`
    : `images.${image}.tags`
}

/** A text that should be a version. */
export interface UnreadVersion {
  readonly text: string
  /** the subject of the error: `"2024.10.15"` or `the tag 2024.10.15 of api` */
  readonly name: string
  /** whether the command has the flag `--scheme` */
  readonly hasFlag: boolean
  /** the hint if no scheme reads the text */
  readonly otherwise: string
}

/** Returns the error for a version that the scheme of its repository does not read. */
export function unreadVersion(
  { text, name, hasFlag, otherwise }: UnreadVersion,
  owner: ImageOwner,
  reading: Reading,
  config: Config,
): DrayError {
  const message = `${name} is not a version in the scheme ${reading.scheme}`
  const other = otherSchemeOf(text, reading)
  if (other === undefined) {
    return new DrayError('usage', message, { hint: `${adviseUnread(text, reading)} ${otherwise}` })
  }
  const fixes = [
    ...(owner.environment === undefined
      ? []
      : [`set "scheme: ${other}" in ${keyOf(owner, config)} of dray.yaml`]),
    ...(hasFlag ? [`pass --scheme ${other}`] : []),
  ]
  const fix = fixes.join(', or ')
  return new DrayError('usage', message, {
    why: `it is a version in the scheme ${other}`,
    hint: fix === '' ? otherwise : `${fix[0]?.toUpperCase()}${fix.slice(1)}.`,
  })
}
