import type { Config, TagsConfig } from '../../config/config.ts'
import { namesOf, resolveImage, type ResolvedImage, withinOption } from '../../config/resolver/resolve.ts'
import { asUsage } from '../../lib/as-usage.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseTag, tagOrDigest } from '../../oci/reference.ts'
import type { TagLevel, TagPolicy } from '../../semver/tag-policy.ts'
import { parseVersion, parseVersionTag, plainReading, type VersionTag } from '../../semver/version.ts'
import type { TagRequest as Request, TagChoice } from '../../usecases/tag/request.ts'
import { tagPolicyOf } from '../changes/tag-policy.ts'

/** The arguments and options of `tag`. */
export interface TagArguments {
  /** images; the last can be a version */
  readonly references: readonly string[]
  /** an environment, with or without `@` */
  readonly env: string | undefined
  /** the folder that relative paths of layouts start at */
  readonly cwd: string
  readonly tags: readonly string[]
  readonly next: 'major' | 'minor' | 'patch' | undefined
  readonly fromLabel: boolean
  /** overrides the settings of the environment */
  readonly policy: Partial<Pick<TagPolicy, 'v' | 'buildMetadata' | 'majorZero'>> & {
    readonly levels: readonly TagLevel[] | undefined
    readonly channels: readonly string[] | undefined
    readonly allowBackward: boolean
  }
}

/** Resolves the arguments of `tag` to requests. @throws `usage`. */
export function tagRequests(given: TagArguments, config: Config): readonly Request[] {
  const { images: texts, version } = split(given)
  const within = withinOption('--env', given.env)
  const images = [...new Set(texts)].map((text) =>
    resolveImage(text, { accepts: ['image', 'layout'], within, cwd: given.cwd }, config),
  )
  const names = namesOf(images)
  return images.map((image, i): Request => {
    const { environment } = image
    const tags = environment === undefined ? undefined : config.environments.get(environment)?.tags
    const policy = policyFor(tags, given)
    return {
      image: names[i] ?? image.text,
      ...(environment !== undefined && { environment }),
      targets: image.repositories,
      at: tagOrDigest(image),
      choice: wishOf(image, policy, given, version),
      policy,
      immutable: tags?.immutable ?? [],
    }
  })
}

function split({ references, tags, next, fromLabel }: TagArguments): {
  readonly images: readonly string[]
  readonly version: VersionTag | undefined
} {
  if (references.length === 0) throw new DrayError('usage', 'an image is required', { hint: forms })
  const options = [
    ...(tags.length > 0 ? ['--tags'] : []),
    ...(next === undefined ? [] : ['--next']),
    ...(fromLabel ? ['--from-label'] : []),
  ]
  if (options.length > 1) {
    throw new DrayError('usage', `${options.join(' and ')} cannot be combined`, { hint: forms })
  }
  const { images, version } =
    options.length > 0 ? { images: references, version: undefined } : splitVersion(references)
  const misplaced =
    references.length > 1 ? images.find((text) => parseVersion(text, plainReading) !== undefined) : undefined
  if (misplaced !== undefined) throw misplacedVersion(misplaced, options)
  return { images, version: version === undefined ? undefined : parseGivenVersion(version) }
}

/** The last of several arguments is the version if it has no `/`, `:` or `@`. */
export function splitVersion(references: readonly string[]): {
  readonly images: readonly string[]
  readonly version: string | undefined
} {
  const last = references.at(-1) ?? ''
  if (references.length < 2 || /[/:@]/.test(last)) return { images: references, version: undefined }
  return { images: references.slice(0, -1), version: last }
}

/** Otherwise a version among images would be taken for an image of that name. */
function misplacedVersion(version: string, options: readonly string[]): DrayError {
  return new DrayError(
    'usage',
    options.length > 0
      ? `${version} and ${options.join()} cannot be combined`
      : `${version} is a version: pass one version, as the last argument`,
    { hint: `${forms} To name an image ${version}, write @ENV/${version}.` },
  )
}

const forms =
  'Use dray tag IMAGE VERSION, dray tag IMAGE --next minor, dray tag IMAGE --from-label, or dray tag IMAGE --tags a,b,c.'

function parseGivenVersion(text: string): VersionTag {
  const version = parseVersion(text, plainReading)
  if (version !== undefined) return { tag: text, version, hasV: text.startsWith('v') }
  throw new DrayError('usage', `${JSON.stringify(text)} is not a version`, {
    hint: 'A version is MAJOR.MINOR.PATCH, such as 1.4.2 or 1.4.2-rc.1. Write other tags with --tags.',
  })
}

function wishOf(
  image: ResolvedImage,
  policy: TagPolicy,
  { tags, next, fromLabel }: TagArguments,
  version: VersionTag | undefined,
): TagChoice {
  if (tags.length > 0) return { kind: 'plain', tags: tags.map((tag) => asUsage(() => parseTag(tag))) }
  if (next !== undefined) return { kind: 'next', part: next }
  if (fromLabel) return { kind: 'label' }
  const given = version ?? (image.tag === undefined ? undefined : parseVersionTag(image.tag, policy))
  if (given !== undefined) return { kind: 'version', given }
  throw new DrayError('usage', `the version of ${image.text} is missing`, {
    hint: forms,
  })
}

function policyFor(tags: TagsConfig | undefined, { policy: given }: TagArguments): TagPolicy {
  const configured = tagPolicyOf(tags, given.allowBackward)
  return {
    ...configured,
    ...(given.v !== undefined && { v: given.v }),
    ...(given.buildMetadata !== undefined && { buildMetadata: given.buildMetadata }),
    ...(given.majorZero !== undefined && { majorZero: given.majorZero }),
    levels: given.levels ?? configured.levels,
    channels: given.channels ?? configured.channels,
  }
}
