import type { Config } from '../../config/config.ts'
import { namesOf, resolveImage, type ResolvedImage, withinOption } from '../../config/resolver/resolve.ts'
import { asUsage } from '../../lib/as-usage.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseTag, tagOrDigest } from '../../oci/reference.ts'
import { hasWildcard } from '../../oci/tag-glob.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import {
  classifyTag,
  parseVersion,
  parseVersionTag,
  plainReading,
  type VersionTag,
} from '../../semver/version.ts'
import type { TagRequest as Request, TagChoice } from '../../usecases/tag/request.ts'
import { type VersionFlags, taggingPolicy, unreadVersion } from './tagging-policy.ts'

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
  readonly policy: VersionFlags
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
    const policy = taggingPolicy(image, given.policy, config)
    return {
      image: names[i] ?? image.text,
      ...(environment !== undefined && { environment }),
      targets: image.repositories,
      at: tagOrDigest(image),
      choice: choiceOf({ image, policy, version }, given, config),
      policy,
      immutable: tags?.immutable ?? [],
    }
  })
}

function split({ references, tags, next, fromLabel }: TagArguments): {
  readonly images: readonly string[]
  readonly version: string | undefined
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
    references.length > 1 ? images.find((text) => classifyTag(text, plainReading) !== 'plain') : undefined
  if (misplaced !== undefined) throw misplacedVersion(misplaced, options)
  return { images, version }
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

/** An image with the version argument of the command. */
interface NamedImage {
  readonly image: ResolvedImage
  readonly policy: TagPolicy
  /** undefined: the tag of the image is its version */
  readonly version: string | undefined
}

function choiceOf(named: NamedImage, given: TagArguments, config: Config): TagChoice {
  const { tags, next, fromLabel } = given
  if (tags.length > 0) return { kind: 'plain', tags: tags.map((tag) => asUsage(() => parseTag(tag))) }
  if (next !== undefined) return nextChoice(next, named, given)
  if (fromLabel) return { kind: 'label' }
  return { kind: 'version', given: versionOf(named, config) }
}

/** @throws `usage`. */
function versionOf({ image, policy, version: text }: NamedImage, config: Config): VersionTag {
  const { tag } = image
  const found = text === undefined ? tag && parseVersionTag(tag, policy) : parseGivenVersion(text, policy)
  if (found) return found
  const isMissing = text === undefined && (tag === undefined || classifyTag(tag, policy) === 'plain')
  if (isMissing) throw new DrayError('usage', `the version of ${image.text} is missing`, { hint: forms })
  const unread = {
    text: text ?? tag ?? '',
    name: text === undefined ? `the tag of ${image.text}` : JSON.stringify(text),
    hasFlag: true,
    otherwise: 'Write other tags with --tags.',
  }
  throw unreadVersion(unread, image, policy, config)
}

function parseGivenVersion(text: string, policy: TagPolicy): VersionTag | undefined {
  const version = parseVersion(text, policy)
  return version === undefined ? undefined : { tag: text, version, hasV: text.startsWith('v') }
}

/** @throws `usage`. */
function nextChoice(
  part: NonNullable<TagArguments['next']>,
  { policy }: NamedImage,
  { policy: { variants = [] } }: TagArguments,
): TagChoice {
  const [variant = '', ...more] = variants
  if (more.length > 0 || hasWildcard(variant)) {
    throw new DrayError('usage', '--next requires one --variant without wildcards', {
      hint: 'Pass the suffix of the new version, such as --variant alpine.',
    })
  }
  if (policy.scheme === 'calver' && part !== 'patch') {
    throw new DrayError('usage', `--next ${part} is not possible in the scheme calver`, {
      why: 'the first numbers of a calendar version are its date',
      hint: 'Pass --next patch for the next version of the same date, or name the version.',
    })
  }
  return { kind: 'next', part, variant }
}
