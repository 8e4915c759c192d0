import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { VersionReading } from '../../semver/version.ts'
import { warnAboutTags } from '../../semver/warn-about-tags.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import type { TargetTags } from './snapshot.ts'

/** The targets of an image whose tag lists were read. */
export interface WarnedImage {
  readonly reading: VersionReading
  /** the run writes `latest`, or the tag that takes its place for a variant */
  readonly maintainsLatest: boolean
  /** the command has flags for the reading, and the repository is in no environment */
  readonly byFlags?: boolean
  readonly targets: readonly (TargetTags | UnreadTarget)[]
  /** the tags that the image may get */
  readonly tagsAt: (target: TargetTags) => readonly string[]
}

/**
 * Returns warnings about tags that are probably read in another way than the user expects, once for
 * each repository whose tags were listed. The tags that the run writes count too.
 */
export function warnAboutTargets(images: readonly WarnedImage[]): readonly string[] {
  const read = images.flatMap((image) =>
    image.targets.flatMap((target) =>
      target.kind === 'read' && target.listed !== undefined
        ? [{ image, repository: target.repository, tags: [...target.listed, ...image.tagsAt(target)] }]
        : [],
    ),
  )
  const byRepository = Map.groupBy(read, ({ repository }) => formatRepository(repository))
  return [...byRepository.values()].flatMap((all) => {
    const [first] = all
    if (first === undefined) return []
    const tags = [...new Set(all.flatMap((one) => one.tags))]
    return warnAt(first.repository, tags, first.image)
  })
}

function warnAt(
  repository: RepositoryName,
  tags: readonly string[],
  { reading, maintainsLatest, byFlags = false }: WarnedImage,
): readonly string[] {
  return warnAboutTags(tags, reading, { maintainsLatest, byFlags }).map(
    (text) => `${formatRepository(repository)}: ${text}`,
  )
}
