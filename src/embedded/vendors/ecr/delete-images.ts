import { isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { indexesOf } from '../../endpoints/deletes.ts'
import { digestOfTag } from '../listed-content.ts'
import { checkPermission, ecrFailure, type EcrOperation, type EcrState, repositoryOf } from './operation.ts'

const maxImages = 100

interface ImageId {
  readonly imageDigest?: string
  readonly imageTag?: string
}

interface ImageFailureReason {
  readonly failureCode: string
  readonly failureReason: string
}

/**
 * Deletes images by digest with all their tags, and tags; the last tag takes its image along
 * (API_BatchDeleteImage). Images that stay are in `failures` of a 200.
 */
export const deleteImages: EcrOperation = async (input, state) => {
  const repository = await repositoryOf(input, state)
  checkPermission('BatchDeleteImage', repository, 'delete', state)
  const deleted: ImageId[] = []
  const failures: object[] = []
  for (const imageId of imageIdsOf(input['imageIds'], state)) {
    const failure = await deleteImage(repository, imageId, state, deleted)
    if (failure !== undefined) failures.push({ imageId, ...failure })
  }
  return { imageIds: deleted, failures }
}

function imageIdsOf(value: unknown, { options }: EcrState): readonly ImageId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxImages)
    throw ecrFailure(
      'InvalidParameterException',
      `Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to ${maxImages}'`,
    )
  const ids = value.filter(isRecord).map(({ imageDigest, imageTag }) => ({
    ...(typeof imageDigest === 'string' && { imageDigest }),
    ...(typeof imageTag === 'string' && { imageTag }),
  }))
  if (options.traits?.has('unordered batches') !== true) return ids
  return ids.toSorted((a, b) => ((a.imageDigest ?? '') < (b.imageDigest ?? '') ? -1 : 1))
}

/** Adds what it deleted, one entry for each tag. Returns why the image stays. */
async function deleteImage(
  repository: string,
  { imageDigest, imageTag }: ImageId,
  state: EcrState,
  deleted: ImageId[],
): Promise<ImageFailureReason | undefined> {
  const { storage, records, clock } = state
  if (imageDigest === undefined && imageTag === undefined)
    return failed('MissingDigestAndTag', 'Invalid request parameters: both tag and digest cannot be null')
  if (imageDigest !== undefined && !isDigest(imageDigest))
    return failed('InvalidImageDigest', 'Invalid request parameters: image digest should satisfy the regex')
  const tagged = imageTag === undefined ? undefined : await digestOfTag(state, repository, imageTag)
  const digest = imageDigest ?? tagged
  if (digest === undefined || (imageTag !== undefined && tagged === undefined)) return notFound()
  if (imageTag !== undefined && tagged !== digest)
    return failed(
      'ImageTagDoesNotMatchDigest',
      'Invalid request parameters: given tag does not map to the given digest',
    )
  const tags = await storage.tagsOf(repository, digest)
  if (imageTag !== undefined && imageDigest === undefined && tags.length > 1) {
    await storage.deleteTag(repository, imageTag)
    deleted.push({ imageDigest: digest, imageTag })
    return undefined
  }
  const [index] = await indexesOf(storage, repository, digest)
  if (index !== undefined)
    return failed('ImageReferencedByManifestList', `Requested image referenced by manifest list: [${index}]`)
  if (!(await storage.deleteManifest(repository, digest))) return notFound()
  records.deleted(repository, digest, clock.now())
  const each = tags.length === 0 ? [{}] : tags.map((tag) => ({ imageTag: tag }))
  deleted.push(...each.map((tag) => ({ imageDigest: digest, ...tag })))
  return undefined
}

function notFound(): ImageFailureReason {
  return failed('ImageNotFound', 'Requested image not found')
}

function failed(failureCode: string, failureReason: string): ImageFailureReason {
  return { failureCode, failureReason }
}
