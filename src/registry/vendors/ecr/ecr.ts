import type { ImageDetail } from '@aws-sdk/client-ecr'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Inventory, InventoryEntry } from '../../../images/inventory/inventory.ts'
import { isDigest } from '../../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { tokenPages } from '../paging/token-pages.ts'
import type { VendorApi } from '../vendor-api.ts'
import type { EcrOperations, OpenEcr } from './ecr-client.ts'
import type { EcrPurpose } from './ecr-errors.ts'
import { maxImagesOfBatch, removeFromEcr } from './ecr-removals.ts'

/** The most images or repositories of a page. */
const pageSize = 1000

/**
 * Amazon ECR (docs.aws.amazon.com/AmazonECR/latest/APIReference: DescribeImages,
 * DescribeRepositories, BatchDeleteImage). Immutable tags are no locks here: ECR does not move
 * them, and deletes them (userguide/image-tag-mutability.html).
 */
export function createEcrInventory(api: VendorApi): Inventory {
  const open = loadOnce(api)
  return {
    kind: 'ecr',
    name: 'Amazon ECR',
    // `lastRecordedPullTime` is refreshed at least once in 24 hours.
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: 'day',
      size: 'image',
      children: false,
      locks: true,
    },
    deletes: {
      manifests: maxImagesOfBatch,
      tags: maxImagesOfBatch,
      lastTagDeletesManifest: true,
      restorable: false,
    },
    entries: (repository, call) => listImages(open, api, repository, call),
    repositories: (prefix, call) => listRepositories(open, api, prefix, call),
    remove: (...of) => removeFromEcr(open, ...of),
  }
}

/** The SDK is loaded for the first request. */
function loadOnce(api: VendorApi): OpenEcr {
  let loaded: Promise<EcrOperations> | undefined
  const load = async (): Promise<EcrOperations> => {
    const client = await import('./ecr-client.ts')
    return new client.EcrOperations(api)
  }
  return () => (loaded ??= load())
}

async function* listImages(
  open: OpenEcr,
  api: VendorApi,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const subject = formatRepository(repository)
  const doing = `list the images of ${subject}`
  const ecr = await open()
  const pages = tokenPages({ doing, subject, host: api.base.host }, async (nextToken) => {
    const input = {
      repositoryName: repository.path,
      maxResults: pageSize,
      nextToken,
      // Otherwise archived images are missing.
      filter: { imageStatus: 'ANY' as const },
    }
    const answer = await ecr.describeImages(input, { doing, subject }, call)
    return { items: listOf(answer.imageDetails, doing, subject), bytes: 0, next: answer.nextToken }
  })
  const shared = new SharedTexts()
  for await (const page of pages) for (const image of page) yield toEntry(image, shared, { doing, subject })
}

async function* listRepositories(
  open: OpenEcr,
  api: VendorApi,
  prefix: string,
  call: Call,
): AsyncGenerator<string, void> {
  const subject = api.registry
  const doing = `list the repositories of ${subject}`
  const ecr = await open()
  const pages = tokenPages({ doing, subject, host: api.base.host }, async (nextToken) => {
    const input = { maxResults: pageSize, nextToken }
    const answer = await ecr.describeRepositories(input, { doing, subject }, call)
    return { items: listOf(answer.repositories, doing, subject), bytes: 0, next: answer.nextToken }
  })
  for await (const page of pages) {
    for (const { repositoryName } of page)
      if (repositoryName?.startsWith(prefix) === true) yield repositoryName
  }
}

/** Texts that many images have, once each: a parsed answer has a copy for each image. */
class SharedTexts {
  readonly #texts = new Map<string, string>()

  get(text: string): string {
    const known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, text)
    return known ?? text
  }
}

/** @throws `protocol` if the list is missing, which is not an empty list. */
function listOf<T>(list: readonly T[] | undefined, doing: string, subject: string): readonly T[] {
  if (list !== undefined) return list
  throw new DrayError('protocol', `cannot ${doing}: the answer of Amazon ECR has no list`, { subject })
}

/** @throws `protocol` for an image without a digest, because the list would be incomplete. */
function toEntry(image: ImageDetail, shared: SharedTexts, { doing, subject }: EcrPurpose): InventoryEntry {
  const { imageDigest, imageTags = [], imageManifestMediaType, artifactMediaType } = image
  const { subjectManifestDigest, imagePushedAt, imageSizeInBytes, imageStatus } = image
  const { lastRecordedPullTime } = image
  if (imageDigest === undefined || !isDigest(imageDigest))
    throw new DrayError('protocol', `cannot ${doing}: Amazon ECR listed an image without a digest`, {
      subject,
    })
  const locked = lockOf(imageStatus)
  return {
    digest: imageDigest,
    tags: imageTags.map((name) => ({ name })),
    // A pull shows up to 24 hours late, and ECR has recorded pulls since 2022 only: without a time,
    // the last pull is unknown.
    ...(lastRecordedPullTime !== undefined && { pulledAt: lastRecordedPullTime.getTime() }),
    ...(imagePushedAt !== undefined && { pushedAt: imagePushedAt.getTime() }),
    ...(imageManifestMediaType !== undefined && { mediaType: shared.get(imageManifestMediaType) }),
    ...(artifactMediaType !== undefined && { artifactType: shared.get(artifactMediaType) }),
    ...(subjectManifestDigest !== undefined &&
      isDigest(subjectManifestDigest) && { subject: subjectManifestDigest }),
    ...(imageSizeInBytes !== undefined && { bytes: imageSizeInBytes }),
    ...(imageStatus !== undefined && { status: shared.get(imageStatus) }),
    ...(locked !== undefined && { locked }),
  }
}

/** The OCI API answers 404 for an archived image (userguide/archive-image.html), so it is kept. */
function lockOf(status: string | undefined): InventoryEntry['locked'] {
  if (status === undefined || status === 'ACTIVE') return undefined
  return { of: 'delete', text: status === 'ARCHIVED' ? 'archived' : status.toLowerCase() }
}
