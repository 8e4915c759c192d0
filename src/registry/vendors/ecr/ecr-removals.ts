import type { ImageFailure, ImageIdentifier } from '@aws-sdk/client-ecr'
import type { Removal, RemovalOutcome } from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { OpenEcr } from './ecr-client.ts'
import type { EcrPurpose } from './ecr-errors.ts'

/** The most images of BatchDeleteImage. */
export const maxImagesOfBatch = 100

/** A batch for one repository. */
interface EcrBatch {
  readonly open: OpenEcr
  readonly repository: RepositoryName
  readonly purpose: EcrPurpose
  readonly call: Call
}

/**
 * Deletes images and tags with BatchDeleteImage. A tag is only deleted if its image keeps another
 * one, because ECR deletes an image with its last tag.
 */
export async function* removeFromEcr(
  open: OpenEcr,
  repository: RepositoryName,
  removals: readonly Removal[],
  call: Call,
  beforeAttempt?: BeforeAttempt,
): AsyncGenerator<RemovalOutcome, void> {
  const subject = formatRepository(repository)
  const purpose = { doing: `delete images of ${subject}`, subject, beforeAttempt }
  const batch = { open, repository, purpose, call }
  let checked: CheckedRemovals
  try {
    checked = await withoutLastTags(batch, removals)
  } catch (error) {
    call.signal.throwIfAborted()
    for (const removal of removals) yield { removal, result: 'failed', error }
    return
  }
  const { lastTags, deletable } = checked
  yield* lastTags
  let blocked: readonly BlockedRemoval[] = []
  if (deletable.length > 0) blocked = yield* deleteOnce(batch, deletable)
  // ECR names no order within a batch: the index of an image may have been deleted after it.
  const isRepeated = blocked.length > 0 && blocked.length < deletable.length
  const still = isRepeated
    ? yield* deleteOnce(
        batch,
        blocked.map(({ removal }) => removal),
      )
    : blocked
  for (const { removal, text } of still) yield { removal, result: 'protected', text }
}

/** A removal that an index keeps. */
interface BlockedRemoval {
  readonly removal: Removal
  readonly text: string
}

/** Sends one request. Yields all outcomes but those of images that an index keeps. */
async function* deleteOnce(
  batch: EcrBatch,
  removals: readonly Removal[],
): AsyncGenerator<RemovalOutcome, readonly BlockedRemoval[]> {
  const { open, repository, purpose, call } = batch
  const imageIds = removals.map(idOf)
  let answer
  try {
    answer = await (
      await open()
    ).batchDeleteImage({ repositoryName: repository.path, imageIds }, purpose, call)
  } catch (error) {
    call.signal.throwIfAborted()
    for (const removal of removals) yield { removal, result: 'failed', error }
    return []
  }
  const blocked: BlockedRemoval[] = []
  for (const removal of removals) {
    const failure = answer.failures?.find(({ imageId }) => isOf(removal, imageId))
    if (failure?.failureCode === 'ImageReferencedByManifestList')
      blocked.push({ removal, text: textOf(failure) })
    else if (failure !== undefined) yield failureOutcome(removal, failure, purpose)
    else if (answer.imageIds?.some((imageId) => isOf(removal, imageId)) === true)
      yield { removal, result: 'removed' }
    else yield { removal, result: 'failed', error: withoutOutcome(purpose) }
  }
  return blocked
}

/**
 * The documented forms are a digest and a tag. An id with both is not documented, and imitations of
 * ECR delete the image with all its tags then.
 */
function idOf(removal: Removal): ImageIdentifier {
  return removal.kind === 'tag' ? { imageTag: removal.tag } : { imageDigest: removal.digest }
}

function isOf(removal: Removal, id: ImageIdentifier | undefined): boolean {
  if (removal.kind === 'tag') return id?.imageTag === removal.tag
  return id?.imageDigest === removal.digest
}

function failureOutcome(removal: Removal, failure: ImageFailure, purpose: EcrPurpose): RemovalOutcome {
  if (failure.failureCode === 'ImageNotFound') return { removal, result: 'absent' }
  const { doing, subject } = purpose
  const error = new DrayError('refused', `cannot ${doing}: ${failure.failureCode ?? 'unknown failure'}`, {
    subject,
    why: textOf(failure),
    registryCode: failure.failureCode,
  })
  return { removal, result: 'failed', error }
}

function textOf({ failureCode, failureReason }: ImageFailure): string {
  return failureReason ?? failureCode ?? 'unknown reason'
}

function withoutOutcome({ doing, subject }: EcrPurpose): DrayError {
  return new DrayError('protocol', `cannot ${doing}: Amazon ECR named no outcome`, { subject })
}

interface CheckedRemovals {
  /** outcomes of tags that are the last ones of their image, or on another one */
  readonly lastTags: readonly RemovalOutcome[]
  readonly deletable: readonly Removal[]
}

/** Reads the tags of all images of which tags are to be deleted, in one request. */
async function withoutLastTags(batch: EcrBatch, removals: readonly Removal[]): Promise<CheckedRemovals> {
  const digests = new Set(removals.flatMap((one) => (one.kind === 'tag' ? [one.digest] : [])))
  if (digests.size === 0) return { lastTags: [], deletable: removals }
  const lastTags: RemovalOutcome[] = []
  const deletable: Removal[] = []
  const remaining = await tagsOf(batch, [...digests])
  for (const removal of removals) {
    const tags = removal.kind === 'tag' ? remaining.get(removal.digest) : undefined
    if (removal.kind === 'manifest') deletable.push(removal)
    else if (tags?.has(removal.tag) !== true) lastTags.push({ removal, result: 'absent' })
    else if (tags.size === 1) lastTags.push({ removal, result: 'protected', text: lastTagText })
    else {
      tags.delete(removal.tag)
      deletable.push(removal)
    }
  }
  return { lastTags, deletable }
}

const lastTagText = 'it is the last tag of the image, and Amazon ECR deletes an image with its last tag'

/** An image that is missing has no tags. Archived images count as missing. */
async function tagsOf(batch: EcrBatch, digests: readonly Digest[]): Promise<Map<Digest, Set<string>>> {
  const { open, repository, purpose, call } = batch
  const imageIds = digests.map((imageDigest) => ({ imageDigest }))
  const input = { repositoryName: repository.path, imageIds }
  try {
    const { imageDetails = [] } = await (await open()).describeImages(input, purpose, call)
    const tags = new Map(imageDetails.map(({ imageDigest, imageTags }) => [imageDigest, imageTags]))
    return new Map(digests.map((digest) => [digest, new Set(tags.get(digest))]))
  } catch (error) {
    if (!isDrayError(error) || error.registryCode !== 'ImageNotFoundException') throw error
    const [only, ...others] = digests
    if (only !== undefined && others.length === 0) return new Map([[only, new Set()]])
    // One missing image fails the whole request.
    const found = new Map<Digest, Set<string>>()
    for (const digest of digests) found.set(digest, (await tagsOf(batch, [digest])).get(digest) ?? new Set())
    return found
  }
}
