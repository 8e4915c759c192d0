import { DrayError, isDrayError } from '../../lib/errors.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import { adviseUnread } from '../../semver/unread-version.ts'
import { formatVersionTag, parseVersion, versionKeyWithBuild, type VersionTag } from '../../semver/version.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import { incrementVersion } from '../../semver/increment.ts'
import type { RequestedTags } from '../placing/requested-tags.ts'
import type { TagChoice } from './request.ts'
import type { TagSnapshot } from './snapshot.ts'

/** The parts of a snapshot that the version follows from. */
type VersionSource = Pick<TagSnapshot, 'request' | 'labels' | 'highest'>

export function requestedTags(source: VersionSource): RequestedTags {
  const { choice, policy } = source.request
  return { plain: choice.kind === 'plain' ? choice.tags : [], version: versionOf(source), policy }
}

function versionOf(source: VersionSource): VersionTag | DrayError | undefined {
  const { choice } = source.request
  switch (choice.kind) {
    case 'plain':
      return undefined
    case 'version':
      return choice.given
    case 'label':
      return labelVersion(source)
    case 'next':
      return versionAfter(source, choice)
  }
}

function labelVersion({ request: { image, policy }, labels = [] }: VersionSource): VersionTag | DrayError {
  const [text, ...others] = labels
  if (text === undefined || others.some((other) => !isSameLabel(other, text, policy))) {
    const why =
      text === undefined
        ? `it has no label or annotation ${annotationKeys.version}`
        : `its ${annotationKeys.version} has several values: ${labels.join(', ')}`
    return new DrayError('refused', `the version of ${image} is unknown`, {
      why,
      hint: 'Name the version: dray tag IMAGE VERSION',
    })
  }
  const version = parseVersion(text, policy)
  if (version !== undefined) return { tag: text, version, hasV: text.startsWith('v') }
  return new DrayError('refused', `the label of ${image} is not a version`, {
    why: `${annotationKeys.version} is ${JSON.stringify(text.slice(0, 200))}`,
    hint: `${adviseUnread(text, policy)} To name the version, run: dray tag IMAGE VERSION`,
  })
}

/** `1.4.2` and `v1.4.2` are one version. */
function isSameLabel(a: string, b: string, policy: TagPolicy): boolean {
  const [one, other] = [parseVersion(a, policy), parseVersion(b, policy)]
  return one !== undefined && other !== undefined && versionKeyWithBuild(one) === versionKeyWithBuild(other)
}

/** Returns the version that the user or the label gives, if there is one. */
export function givenVersion(source: VersionSource): VersionTag | undefined {
  const version = source.request.choice.kind === 'next' ? undefined : versionOf(source)
  return isDrayError(version) ? undefined : version
}

/** Says that `--next` adds no version, if the image has one. */
export function describeIgnoredNext({ request, highest }: VersionSource): readonly string[] {
  const { choice, image } = request
  if (choice.kind !== 'next' || highest?.own === undefined) return []
  return [
    `${image} already has the version ${highest.own.tag}, and --next ${choice.part} does not add another one. To add a version, run: dray tag IMAGE VERSION`,
  ]
}

/** Returns the image's own version if it has one: a repeated CI job must not release it again. */
function versionAfter(
  { request: { image, policy }, highest }: VersionSource,
  { part, variant = '' }: Extract<TagChoice, { kind: 'next' }>,
): VersionTag | DrayError {
  if (highest === undefined) {
    return new DrayError('refused', `cannot choose the next version for ${image}`, {
      why: 'its repository has no version tag, and --next needs one',
      hint: `Name the first version: dray tag IMAGE ${policy.scheme === 'calver' ? 'VERSION' : '0.1.0'}`,
    })
  }
  if (highest.own !== undefined) return highest.own
  const version = incrementVersion(highest.tag.version, part, policy, variant)
  if (version === undefined) {
    return new DrayError('refused', `cannot choose a ${part} version after ${highest.tag.tag}`, {
      why: `the scheme ${policy.scheme} has no such version`,
      hint: 'Name the version: dray tag IMAGE VERSION',
    })
  }
  const { hasV } = highest.tag
  return { tag: formatVersionTag(version, hasV), version, hasV }
}
