import { isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { artifactTypeOf, blobsOf, childrenOf, parseManifest } from '../../../oci/manifest.ts'
import type { StoredManifest } from '../../storage/storage.ts'
import {
  afterOf,
  checkPermission,
  ecrFailure,
  type EcrInput,
  type EcrOperation,
  type EcrState,
  firstPage,
  pageSize,
  repositoryOf,
} from './operation.ts'

const dayMs = 24 * 60 * 60_000

const imageStatuses: ReadonlySet<unknown> = new Set(['ACTIVE', 'ACTIVATING', 'ARCHIVED', 'ANY'])

/** The repositories of the registry, by name (API_DescribeRepositories). */
export const describeRepositories: EcrOperation = async (input, state) => {
  const size = pageSize(input, state)
  const names = await state.storage.repositories(afterOf(input), size + 1)
  const { page, next } = firstPage(names, size, (name) => name)
  const repositories = page.map((repositoryName) => ({ repositoryName, imageTagMutability: 'MUTABLE' }))
  return { repositories, ...next }
}

/** The images of a repository, also untagged ones (API_DescribeImages). */
export const describeImages: EcrOperation = async (input, state) => {
  const repository = await repositoryOf(input, state)
  checkPermission('DescribeImages', repository, 'pull', state)
  const size = pageSize(input, state)
  const after = afterOf(input)
  const wanted = wantedDigests(input)
  const matches = matcherOf(input)
  const found: ImageFacts[] = []
  for await (const manifest of state.storage.manifests(repository)) {
    if (wanted !== undefined ? !wanted.has(manifest.digest) : manifest.digest <= (after ?? '')) continue
    const facts = await factsOf(repository, manifest, state)
    if (facts.isVisible && matches(facts)) found.push(facts)
  }
  if (wanted !== undefined && found.length < wanted.size)
    throw ecrFailure('ImageNotFoundException', 'the image does not exist within the repository')
  const sorted = found.toSorted((a, b) => (a.manifest.digest < b.manifest.digest ? -1 : 1))
  const { page, next } = firstPage(sorted, size, ({ manifest }) => manifest.digest)
  const imageDetails = await Promise.all(page.map((facts) => detailOf(repository, facts, state)))
  return { imageDetails, ...next }
}

interface ImageFacts {
  readonly manifest: StoredManifest
  readonly tags: readonly string[]
  readonly status: 'ACTIVE' | 'ARCHIVED'
  readonly isVisible: boolean
}

async function factsOf(
  repository: string,
  manifest: StoredManifest,
  { storage, options, records, clock }: EcrState,
): Promise<ImageFacts> {
  const tags = await storage.tagsOf(repository, manifest.digest)
  const isArchived = tags.some((tag) => options.lockedTags?.includes(tag) === true)
  const { pushedAt } = records.manifest(repository, manifest.digest)
  const isVisible = options.lagMs === undefined || pushedAt + options.lagMs <= clock.now()
  return { manifest, tags, status: isArchived ? 'ARCHIVED' : 'ACTIVE', isVisible }
}

/** The filter of the request. Without `imageStatus`, archived images are missing. */
function matcherOf({ filter = {} }: EcrInput): (facts: ImageFacts) => boolean {
  if (!isRecord(filter)) throw ecrFailure('InvalidParameterException', `Invalid parameter at 'filter'`)
  const { imageStatus = 'ACTIVE', tagStatus = 'ANY' } = filter
  if (!imageStatuses.has(imageStatus))
    throw ecrFailure('InvalidParameterException', `Invalid parameter at 'filter.imageStatus'`)
  return ({ status, tags }) =>
    (imageStatus === 'ANY' || imageStatus === status) &&
    (tagStatus === 'ANY' || (tagStatus === 'TAGGED') === tags.length > 0)
}

function wantedDigests({ imageIds, nextToken, maxResults }: EcrInput): ReadonlySet<string> | undefined {
  if (imageIds === undefined) return undefined
  if (
    nextToken !== undefined ||
    maxResults !== undefined ||
    !Array.isArray(imageIds) ||
    imageIds.length > 100
  )
    throw ecrFailure('InvalidParameterException', `Invalid parameter at 'imageIds'`)
  return new Set(
    imageIds.flatMap((id: unknown) =>
      isRecord(id) && typeof id['imageDigest'] === 'string' && isDigest(id['imageDigest'])
        ? [id['imageDigest']]
        : [],
    ),
  )
}

/** The JSON of an ImageDetail. Times are seconds since 1970. */
async function detailOf(
  repository: string,
  { manifest, tags, status }: ImageFacts,
  state: EcrState,
): Promise<object> {
  const { digest, mediaType, refers } = manifest
  const { pushedAt } = state.records.manifest(repository, digest)
  const pulledAt = recordedPull(repository, digest, state)
  const artifactMediaType = artifactTypeOf(parseManifest(manifest.bytes, mediaType, digest))
  return {
    registryId: '000000000000',
    repositoryName: repository,
    imageDigest: digest,
    ...(tags.length > 0 && { imageTags: tags }),
    imageSizeInBytes: await sizeOf(repository, manifest, state),
    imagePushedAt: pushedAt / 1000,
    imageManifestMediaType: mediaType,
    ...(artifactMediaType !== undefined && { artifactMediaType }),
    ...(pulledAt !== undefined && { lastRecordedPullTime: pulledAt / 1000 }),
    ...(refers !== undefined && { subjectManifestDigest: refers.subject }),
    imageStatus: status,
  }
}

/** A pull shows only if the recorded one is older than a day. */
function recordedPull(
  repository: string,
  digest: StoredManifest['digest'],
  { records, recordedPulls }: EcrState,
): number | undefined {
  const { pulledAt } = records.manifest(repository, digest)
  if (pulledAt === undefined) return undefined
  const key = `${repository}@${digest}`
  const recorded = recordedPulls.get(key)
  if (recorded !== undefined && pulledAt - recorded < dayMs) return recorded
  recordedPulls.set(key, pulledAt)
  return pulledAt
}

/** The blobs of an image; of an index, those of its largest child. */
async function sizeOf(
  repository: string,
  { bytes, mediaType, digest }: StoredManifest,
  state: EcrState,
): Promise<number> {
  const manifest = parseManifest(bytes, mediaType, digest)
  let size = blobsOf(manifest).reduce((sum, blob) => sum + blob.size, 0)
  for (const child of childrenOf(manifest)) {
    const stored = await state.storage.manifest(repository, child.digest)
    if (stored !== undefined) size = Math.max(size, await sizeOf(repository, stored, state))
  }
  return size
}
