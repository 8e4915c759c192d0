import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../oci/reference.ts'
import type { Version } from '../semver/version.ts'
import type { NamedTags } from './decide-tags.ts'

/** An image that comes to a repository, or gets tags there, in one run with others. */
export interface Comer {
  /** as the person named it */
  readonly image: string
  readonly root: Digest
  readonly repository: RepositoryName
  /** whose tags it gets */
  readonly version: Version | undefined
  /** its tags there. @param beside versions that come to the repository in the same run */
  readonly tags: (beside: readonly Version[]) => NamedTags
}

/** What the images of one run have to do with each other. */
export interface Batch {
  /** by tag, with its repository: why none of the images of this run gets it */
  readonly contested: ReadonlyMap<string, DrayError>
  /** the versions that come to a repository */
  versionsAt(repository: RepositoryName): readonly Version[]
}

/**
 * Finds the tags that are to be put on several images at once: which of them would have it in the end is not left to chance. Of several versions for one
 * repository the highest gets the floating tags, as if they had come one after another.
 */
export function surveyBatch(comers: readonly Comer[]): Batch {
  const versions = Map.groupBy(comers, ({ repository }) => formatRepository(repository))
  const versionsAt = (repository: RepositoryName): readonly Version[] =>
    (versions.get(formatRepository(repository)) ?? []).flatMap(({ version }) => version ?? [])
  const wanted = comers.map((comer): Wanted => ({ ...comer, ...comer.tags(versionsAt(comer.repository)) }))
  return { contested: new Map([...sameVersions(wanted), ...sameTags(wanted)]), versionsAt }
}

type Wanted = Pick<Comer, 'image' | 'root' | 'repository'> & NamedTags

type Contested = readonly (readonly [where: string, why: DrayError])[]

function sameTags(comers: readonly Wanted[]): Contested {
  const claimed = new Map<string, Map<Digest, string>>()
  for (const { image, root, repository, plain, version } of comers) {
    const floating = version?.floating.flatMap(({ tag, moves }) => (moves ? [tag] : [])) ?? []
    for (const tag of [...plain, ...(version === undefined ? [] : [version.exact]), ...floating]) {
      const where = formatAt(repository, { tag })
      const images = claimed.get(where) ?? new Map<Digest, string>()
      claimed.set(where, images.set(root, image))
    }
  }
  return [...claimed].flatMap(([where, images]) =>
    images.size > 1 ? [[where, sameTag(where, [...images.values()])]] : [],
  )
}

/** One version under several exact tags: with a `v` and without, or with other build metadata. */
function sameVersions(comers: readonly Wanted[]): Contested {
  const claimed = new Map<string, { readonly images: Map<Digest, string>; readonly exact: Set<string> }>()
  for (const { image, root, repository, version } of comers) {
    if (version === undefined) continue
    // without its build metadata: what has the same precedence is one version
    const name = `${formatRepository(repository)} ${version.version.version}`
    const { images, exact } = claimed.get(name) ?? { images: new Map(), exact: new Set() }
    const where = formatAt(repository, { tag: version.exact })
    claimed.set(name, { images: images.set(root, image), exact: exact.add(where) })
  }
  return [...claimed.values()].flatMap(({ images, exact }) =>
    images.size > 1
      ? [...exact].map((where) => [where, sameVersion(where, [...images.values()])] as const)
      : [],
  )
}

function sameTag(where: string, images: readonly string[]): DrayError {
  return new DrayError('refused', `${images.join(' and ')} cannot all get the tag ${where}`, {
    subject: where,
    hint: 'A tag is on one image. Give each of them a tag of its own.',
  })
}

function sameVersion(where: string, images: readonly string[]): DrayError {
  return new DrayError('refused', `${images.join(' and ')} cannot all be the same version`, {
    subject: where,
    why: 'a version with a "v", or with other build metadata, is the same one',
    hint: 'A version is on one image. Give each of them a version of its own.',
  })
}
