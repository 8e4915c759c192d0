import { formatAddress } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseTag, tagOrDigest } from '../../oci/reference.ts'
import type { TagLevel, TagPolicy } from '../../semver/tag-policy.ts'
import { parseVersion, parseVersionTag, type VersionTag } from '../../semver/version.ts'
import type { TagRequest as Request, Wish } from '../../usecases/tag/request.ts'
import { imageInPlace, type ImageInPlace, type Whereabouts } from './in-place.ts'
import { namesOf } from './names.ts'
import { tagPolicyOf } from '../changes/tag-policy.ts'
import { asUsage } from '../command/usage-error.ts'

/** What `dray tag` was told beside its words. */
export interface TagWords extends Whereabouts {
  /** images; the last word may be a version */
  readonly words: readonly string[]
  readonly tags: readonly string[]
  readonly next: 'major' | 'minor' | 'patch' | undefined
  readonly fromLabel: boolean
  /** in place of what the environment says, where it is given */
  readonly policy: Partial<Pick<TagPolicy, 'v' | 'buildMetadata' | 'majorZero'>> & {
    readonly levels: readonly TagLevel[] | undefined
    readonly channels: readonly string[] | undefined
    readonly allowBackward: boolean
  }
}

/** Turns the words of `tag` into requests. @throws `usage`. */
export function tagRequestsOf(said: TagWords, config: Config): readonly Request[] {
  const { images: words, version } = split(said)
  const distinct = [...new Set(words)].map((word) => imageInPlace(word, said, config))
  const names = namesOf(distinct.map(({ address }) => address))
  return distinct.map((image, i): Request => {
    const policy = policyFor(image, said)
    return {
      image: names[i] ?? formatAddress(image.address),
      ...(image.environment !== undefined && { environment: image.environment }),
      targets: image.targets,
      at: tagOrDigest(image),
      wish: wishOf(image, policy, said, version),
      policy,
      immutable: image.rules?.tags?.immutable ?? [],
    }
  })
}

function split({ words, tags, next, fromLabel }: TagWords): {
  readonly images: readonly string[]
  readonly version: VersionTag | undefined
} {
  if (words.length === 0) throw new DrayError('usage', 'an image is missing', { hint: forms })
  const ways = [
    ...(tags.length > 0 ? ['--tags'] : []),
    ...(next === undefined ? [] : ['--next']),
    ...(fromLabel ? ['--from-label'] : []),
  ]
  if (ways.length > 1) {
    throw new DrayError('usage', `${ways.join(' and ')} cannot stand together`, { hint: forms })
  }
  const { images, version } = ways.length > 0 ? { images: words, version: undefined } : splitWords(words)
  const misplaced = words.length > 1 ? images.find((word) => parseVersion(word) !== undefined) : undefined
  if (misplaced !== undefined) throw notAnImage(misplaced, ways)
  return { images, version: version === undefined ? undefined : versionNamed(version) }
}

/** An address of an image has one of `/`, `:` and `@` in it; a word without them, behind others, is meant as the version. */
export function splitWords(words: readonly string[]): {
  readonly images: readonly string[]
  readonly version: string | undefined
} {
  const last = words.at(-1) ?? ''
  if (words.length < 2 || /[/:@]/.test(last)) return { images: words, version: undefined }
  return { images: words.slice(0, -1), version: last }
}

/** A version among images would else be looked for as an image of that name, at docker.io. */
function notAnImage(version: string, ways: readonly string[]): DrayError {
  return new DrayError(
    'usage',
    ways.length > 0
      ? `${version} and ${ways.join()} cannot stand together`
      : `${version} is a version: there is one of them, and it stands last`,
    { hint: `${forms} An image of this name is written as @ENV/${version}.` },
  )
}

const forms =
  'dray tag IMAGE VERSION, dray tag IMAGE --next minor, dray tag IMAGE --from-label, or dray tag IMAGE --tags a,b,c.'

function versionNamed(word: string): VersionTag {
  const version = parseVersion(word)
  if (version !== undefined) return { tag: word, version, hasV: word.startsWith('v') }
  throw new DrayError('usage', `${JSON.stringify(word)} is not a version`, {
    hint: 'A version is MAJOR.MINOR.PATCH, such as 1.4.2 or 1.4.2-rc.1. Other tags are put with --tags.',
  })
}

function wishOf(
  image: ImageInPlace,
  policy: TagPolicy,
  { tags, next, fromLabel }: TagWords,
  version: VersionTag | undefined,
): Wish {
  if (tags.length > 0) return { kind: 'plain', tags: tags.map((tag) => asUsage(() => parseTag(tag))) }
  if (next !== undefined) return { kind: 'next', part: next }
  if (fromLabel) return { kind: 'label' }
  const given = version ?? (image.tag === undefined ? undefined : parseVersionTag(image.tag, policy))
  if (given !== undefined) return { kind: 'version', given }
  throw new DrayError('usage', `nothing says which tags ${formatAddress(image.address)} gets`, {
    hint: forms,
  })
}

function policyFor(image: ImageInPlace, { policy: said }: TagWords): TagPolicy {
  const configured = tagPolicyOf(image.rules?.tags, said.allowBackward)
  return {
    ...configured,
    ...(said.v !== undefined && { v: said.v }),
    ...(said.buildMetadata !== undefined && { buildMetadata: said.buildMetadata }),
    ...(said.majorZero !== undefined && { majorZero: said.majorZero }),
    levels: said.levels ?? configured.levels,
    channels: said.channels ?? configured.channels,
  }
}
