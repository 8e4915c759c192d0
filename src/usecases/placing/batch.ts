import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { decideTags, type ImageTags, type TagDecisions, type TagRules } from '../../plan/decide-tags.ts'
import { type Version, versionKey } from '../../semver/version.ts'
import { isHoldTag } from '../../images/holds/hold-tag.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import { type RequestedTags, selectTagsAt } from './requested-tags.ts'
import type { TargetTags } from './snapshot.ts'

/** An image of a run that gets tags in one or several repositories. */
export interface BatchImage {
  /** as the user named it */
  readonly image: string
  readonly root: Digest
  readonly requested: RequestedTags
  readonly targets: readonly (Pick<TargetTags, 'kind' | 'repository' | 'listed'> | UnreadTarget)[]
}

/** The images of one run, as far as they compete for tags. */
export interface Batch {
  /** by reference: why none of the images gets this tag */
  readonly contested: ReadonlyMap<string, DrayError>
  /** Returns the versions that the run brings to a repository. */
  versionsAt(repository: RepositoryName): readonly Version[]
}

interface BatchTags extends Pick<BatchImage, 'image' | 'root'>, ImageTags {
  readonly repository: RepositoryName
}

/**
 * Finds the tags that several images of one run would get, so that their order does not decide. Of
 * several versions for one repository, the highest gets the floating tags.
 */
export function surveyBatch(images: readonly BatchImage[]): Batch {
  const read = images.flatMap(({ targets, ...image }) =>
    targets.flatMap((target) => (target.kind === 'unread' ? [] : [{ ...image, target }])),
  )
  const versions = Map.groupBy(read, ({ target }) => formatRepository(target.repository))
  const versionsAt = (repository: RepositoryName): readonly Version[] =>
    (versions.get(formatRepository(repository)) ?? []).flatMap(({ requested: { version } }) =>
      version === undefined || isDrayError(version) ? [] : [version.version],
    )
  const tagged = read.map(({ image, root, requested, target: { repository, listed } }): BatchTags => {
    const tags = selectTagsAt(requested, listed ?? [], versionsAt(repository))
    return { image, root, repository, ...tags }
  })
  return { contested: new Map([...sameVersions(tagged), ...sameTags(tagged)]), versionsAt }
}

/** Decides about the tags of one image of a batch at one target. */
export function decideBatchTags(
  { image, root, requested }: Omit<BatchImage, 'targets'>,
  { repository, listed, tags, former }: TargetTags,
  batch: Batch,
  rules: TagRules,
): TagDecisions {
  const expected = selectTagsAt(requested, listed ?? [], batch.versionsAt(repository))
  const decided = decideTags({ image, repository, root, former, ...expected }, tags, rules)
  const contested = decided.waves
    .flat()
    .flatMap(({ tag }) => batch.contested.get(formatAt(repository, { tag })) ?? [])
  const reserved = expected.plain.filter(isHoldTag).map((tag) => reservedTag(formatAt(repository, { tag })))
  return { ...decided, refusals: [...decided.refusals, ...contested, ...reserved] }
}

type Contested = readonly (readonly [reference: string, why: DrayError])[]

function sameTags(images: readonly BatchTags[]): Contested {
  const claimed = new Map<string, Map<Digest, string>>()
  for (const { image, root, repository, plain, version } of images) {
    const floating = version?.floating.flatMap(({ tag, moves }) => (moves ? [tag] : [])) ?? []
    for (const tag of [...plain, ...(version === undefined ? [] : [version.exact]), ...floating]) {
      const reference = formatAt(repository, { tag })
      const claims = claimed.get(reference) ?? new Map<Digest, string>()
      claimed.set(reference, claims.set(root, image))
    }
  }
  return [...claimed].flatMap(([reference, claims]) =>
    claims.size > 1 ? [[reference, sameTag(reference, [...claims.values()])]] : [],
  )
}

/** Finds several version tags of one version: with and without `v`, or other build metadata. */
function sameVersions(images: readonly BatchTags[]): Contested {
  const claimed = new Map<string, { readonly claims: Map<Digest, string>; readonly exact: Set<string> }>()
  for (const { image, root, repository, version } of images) {
    if (version === undefined) continue
    // tags of the same precedence are one version, also with other build metadata
    const name = `${formatRepository(repository)} ${versionKey(version.version)}`
    const { claims, exact } = claimed.get(name) ?? { claims: new Map(), exact: new Set() }
    const reference = formatAt(repository, { tag: version.exact })
    claimed.set(name, { claims: claims.set(root, image), exact: exact.add(reference) })
  }
  return [...claimed.values()].flatMap(({ claims, exact }) =>
    claims.size > 1
      ? [...exact].map((reference) => [reference, sameVersion(reference, [...claims.values()])] as const)
      : [],
  )
}

/** A tag of a hold at another repository would hold an image there without a reason. */
function reservedTag(reference: string): DrayError {
  return new DrayError('refused', `cannot write ${reference}: it is the tag of a hold`, {
    subject: reference,
    why: 'dray sets such tags with dray hold, together with a statement that has the reason',
    hint: 'Name the image by another tag or by its digest. To hold an image, run: dray hold IMAGE --reason TEXT.',
  })
}

function sameTag(reference: string, images: readonly string[]): DrayError {
  return new DrayError('refused', `cannot write the tag ${reference} for ${images.join(' and ')}`, {
    subject: reference,
    why: 'a tag points to one image',
    hint: 'Use a different tag for each image.',
  })
}

function sameVersion(reference: string, images: readonly string[]): DrayError {
  return new DrayError('refused', `cannot give ${images.join(' and ')} the same version`, {
    subject: reference,
    why: 'a prefix "v" and build metadata make no other version',
    hint: 'Use a different version for each image.',
  })
}
