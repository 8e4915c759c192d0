import type { Config } from '../../config/config.ts'
import { resolveImage, type ResolvedImage, withinOption } from '../../config/resolver/resolve.ts'
import { DrayError } from '../../lib/errors.ts'
import { isDigest } from '../../oci/digest.ts'
import { defaultTag } from '../../oci/reference.ts'
import { hasWildcard } from '../../oci/tag-glob.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import { adviseUnread, otherSchemeOf } from '../../semver/unread-version.ts'
import { isVariant, withVariant } from '../../semver/variant.ts'
import { formatVersion, parseVersion, type VersionReading } from '../../semver/version.ts'
import type { RollbackRequest } from '../../usecases/rollback/request.ts'
import { tagPolicyOf } from '../changes/tag-policy.ts'
import { unreadVersion } from './tagging-policy.ts'

/** The arguments and options of `rollback`. */
export interface RollbackOptions {
  readonly image: string
  /** an environment, with or without `@` */
  readonly env: string | undefined
  /** a version or a digest */
  readonly to: string | undefined
  /** the variant whose floating tags move, such as `alpine` */
  readonly variant?: string | undefined
  readonly partial: boolean
  /** the folder that relative paths of layouts start at */
  readonly cwd: string
}

/** Resolves the arguments of `rollback` to a request. @throws `usage`. */
export function rollbackRequest(
  { image: text, env, to, variant = '', partial, cwd }: RollbackOptions,
  config: Config,
): RollbackRequest {
  const within = withinOption('--env', env)
  const image = resolveImage(text, { accepts: ['image', 'layout'], within, cwd }, config)
  const policy = withVariantIn(tagPolicyOf(image, config, true), variant)
  const release = image.tag ?? image.digest
  if (release !== undefined) {
    throw new DrayError(
      'usage',
      `${text} has a tag or a digest, and rollback selects the version with --to`,
      {
        hint: isRelease(release, policy) ? `Omit it, and pass --to ${release}.` : 'Omit it.',
      },
    )
  }
  const { environment } = image
  const rules = environment === undefined ? undefined : config.environments.get(environment)
  return {
    image: image.shortText,
    ...(environment !== undefined && { environment }),
    targets: image.repositories,
    to: to === undefined ? undefined : parseRelease(to, variant, { image, policy }, config),
    variant,
    currentTag: variant === '' ? (rules?.currentTag ?? defaultTag) : variant,
    policy,
    immutable: rules?.tags?.immutable ?? [],
    partial,
  }
}

/** The variant that a flag names is one, also if `dray.yaml` does not declare it. */
function withVariantIn(policy: TagPolicy, variant: string): TagPolicy {
  if (hasWildcard(variant)) {
    throw new DrayError('usage', `--variant ${JSON.stringify(variant)} is a pattern`, {
      hint: 'Pass one suffix, such as --variant alpine.',
    })
  }
  if (variant === '' || isVariant(variant, policy.variants)) return policy
  return { ...policy, variants: [...policy.variants, variant] }
}

function isRelease(text: string, reading: VersionReading): boolean {
  return isDigest(text) || parseVersion(text, reading) !== undefined
}

/** @throws `usage`. */
function parseRelease(
  text: string,
  variant: string,
  { image, policy }: { readonly image: ResolvedImage; readonly policy: TagPolicy },
  config: Config,
): NonNullable<RollbackRequest['to']> {
  if (isDigest(text)) return text
  const release = parseVersion(text, policy)
  if (release === undefined) {
    const name = JSON.stringify(text)
    const otherwise = 'Pass --to 1.4.2 or --to sha256:….'
    if (otherSchemeOf(text, policy) !== undefined)
      throw unreadVersion({ text, name, hasFlag: false, otherwise }, image, policy, config)
    throw new DrayError('usage', `${name} is neither a version nor a digest`, {
      hint: policy.scheme === 'semver' ? otherwise : adviseUnread(text, policy),
    })
  }
  if (variant === '' || release.variant === variant) return release
  throw new DrayError('usage', `--to ${text} is not a version of --variant ${variant}`, {
    hint: `Pass --to ${withVariant(formatVersion({ ...release, variant: '' }), variant)}, or omit --variant.`,
  })
}
