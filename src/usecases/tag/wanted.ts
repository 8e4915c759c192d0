import { DrayError } from '../../lib/errors.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import type { NamedTags } from '../../plan/decide-tags.ts'
import {
  formatVersion,
  nextVersion,
  parseVersion,
  tagOfVersion,
  type Version,
  type VersionTag,
} from '../../semver/version.ts'
import { versionTags } from '../../semver/version-tags.ts'
import type { Request, Snapshot } from './snapshot.ts'

type Facts = Pick<Snapshot, 'request' | 'labels' | 'highest'>

/** The version that an image is to be tagged with; undefined for plain tags; why it has none. Pure. */
export function versionOf(facts: Facts): VersionTag | DrayError | undefined {
  const { wish } = facts.request
  switch (wish.kind) {
    case 'plain':
      return undefined
    case 'version':
      return wish.given
    case 'label':
      return ofLabel(facts)
    case 'next':
      return ofNext(facts, wish.part)
  }
}

function ofLabel({ request: { image }, labels = [] }: Facts): VersionTag | DrayError {
  const [text, ...others] = labels
  if (text === undefined || others.some((other) => !isSameVersion(other, text))) {
    const why =
      text === undefined ? 'neither its labels nor its annotations have it' : `it says ${labels.join(', ')}`
    return new DrayError('refused', `${image} does not say which version it is`, {
      why: `${annotationKeys.version}: ${why}`,
      hint: 'Name the version: dray tag IMAGE VERSION.',
    })
  }
  const version = parseVersion(text)
  if (version !== undefined) return { tag: text, version, hasV: text.startsWith('v') }
  return new DrayError(
    'refused',
    `${image} says it is ${JSON.stringify(text.slice(0, 200))}, which is no version`,
    {
      why: `${annotationKeys.version} is not MAJOR.MINOR.PATCH`,
      hint: 'Name the version: dray tag IMAGE VERSION.',
    },
  )
}

/** `1.4.2` and `v1.4.2` are one version. */
function isSameVersion(a: string, b: string): boolean {
  const [one, other] = [parseVersion(a), parseVersion(b)]
  return one !== undefined && other !== undefined && formatVersion(one) === formatVersion(other)
}

/** An image that has a version has it: a job that runs again, also after the next one has released, releases nothing anew. */
function ofNext(
  { request: { image }, highest }: Facts,
  part: 'major' | 'minor' | 'patch',
): VersionTag | DrayError {
  if (highest === undefined) {
    return new DrayError('refused', `there is no version yet that ${image} could come after`, {
      hint: 'Name the first one: dray tag IMAGE 0.1.0.',
    })
  }
  if (highest.own !== undefined) return highest.own
  const version = nextVersion(highest.tag.version, part)
  if (version === undefined) {
    return new DrayError('refused', `there is no ${part} version after ${highest.tag.tag}`, {
      why: 'its number is the largest that there is',
      hint: 'Name the version: dray tag IMAGE VERSION.',
    })
  }
  const { hasV } = highest.tag
  return { tag: tagOfVersion(version, hasV), version, hasV }
}

/**
 * The tags of an image at a target.
 * @param beside versions that other images of the run bring to the same repository
 */
export function wantedAt(
  { wish, policy }: Request,
  given: VersionTag | DrayError | undefined,
  listed: readonly string[],
  beside: readonly Version[] = [],
): NamedTags {
  if (wish.kind === 'plain') return { plain: wish.tags, version: undefined }
  if (given === undefined || given instanceof DrayError) return { plain: [], version: undefined }
  return { plain: [], version: versionTags(given, listed, policy, beside) }
}
