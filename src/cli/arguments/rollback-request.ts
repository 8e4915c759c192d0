import type { Config } from '../../config/config.ts'
import { resolveImage, withinOption } from '../../config/resolver/resolve.ts'
import { DrayError } from '../../lib/errors.ts'
import { isDigest } from '../../oci/digest.ts'
import { defaultTag } from '../../oci/reference.ts'
import { parseVersion, plainReading } from '../../semver/version.ts'
import type { RollbackRequest } from '../../usecases/rollback/request.ts'
import { tagPolicyOf } from '../changes/tag-policy.ts'

/** The arguments and options of `rollback`. */
export interface RollbackOptions {
  readonly image: string
  /** an environment, with or without `@` */
  readonly env: string | undefined
  /** a version or a digest */
  readonly to: string | undefined
  readonly partial: boolean
  /** the folder that relative paths of layouts start at */
  readonly cwd: string
}

/** Resolves the arguments of `rollback` to a request. @throws `usage`. */
export function rollbackRequest(
  { image: text, env, to, partial, cwd }: RollbackOptions,
  config: Config,
): RollbackRequest {
  const within = withinOption('--env', env)
  const image = resolveImage(text, { accepts: ['image', 'layout'], within, cwd }, config)
  const release = image.tag ?? image.digest
  if (release !== undefined) {
    throw new DrayError(
      'usage',
      `${text} has a tag or a digest, and rollback selects the version with --to`,
      {
        hint: isRelease(release) ? `Omit it, and pass --to ${release}.` : 'Omit it.',
      },
    )
  }
  const { environment } = image
  const rules = environment === undefined ? undefined : config.environments.get(environment)
  return {
    image: image.shortText,
    ...(environment !== undefined && { environment }),
    targets: image.repositories,
    to: to === undefined ? undefined : parseRelease(to),
    currentTag: rules?.currentTag ?? defaultTag,
    policy: tagPolicyOf(rules?.tags, true),
    immutable: rules?.tags?.immutable ?? [],
    partial,
  }
}

function isRelease(text: string): boolean {
  return isDigest(text) || parseVersion(text, plainReading) !== undefined
}

function parseRelease(text: string): NonNullable<RollbackRequest['to']> {
  const release = isDigest(text) ? text : parseVersion(text, plainReading)
  if (release !== undefined) return release
  throw new DrayError('usage', `${JSON.stringify(text)} is neither a version nor a digest`, {
    hint: 'Pass --to 1.4.2 or --to sha256:….',
  })
}
