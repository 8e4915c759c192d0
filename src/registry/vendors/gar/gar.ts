import type {
  Inventory,
  InventoryEntry,
  InventoryLock,
  InventoryTag,
} from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { type ApiFields, countOf, optionalObjects, optionalText, textField, timeOf } from '../api/fields.ts'
import { removeEach } from '../api/remove-each.ts'
import { changedList, type ListOfPages } from '../paging/page-bounds.ts'
import type { VendorApi } from '../vendor-api.ts'
import { CheckedRepositories } from './checked-repositories.ts'
import { GarApi } from './gar-api.ts'
import { listImages } from './list-images.ts'
import { removeItem } from './removals.ts'
import { imageOf, lastSegment, resourcePath } from './resource-names.ts'

/**
 * Creates the inventory of Google Artifact Registry (the protos of
 * `@google-cloud/artifact-registry` 4.7, google/devtools/artifactregistry/v1).
 *
 * dray lists the versions and then the tags of one image. The other two lists are not complete or
 * not bounded: the registry's own `tags/list` ends after 10,000 entries without a next page
 * (github.com/google/go-containerregistry/pull/1645; cloud.google.com/artifact-registry/quotas),
 * and `dockerImages` has the images of the whole repository. `related_tags` of a version ends after
 * 100.
 */
export function createGarInventory(vendorApi: VendorApi): Inventory {
  const api = new GarApi(vendorApi)
  const repositories = new CheckedRepositories(api)
  return {
    kind: 'gar',
    name: 'Google Artifact Registry',
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: 'no',
      size: 'content',
      children: false,
      locks: true,
    },
    deletes: { manifests: 1, tags: 1, lastTagDeletesManifest: false, restorable: false },
    entries: (repository, call) => listEntries(api, repositories, repository, call),
    repositories: (prefix, call) => listImages(api, prefix, call),
    remove: (repository, batch, call, beforeAttempt) =>
      removeEach(batch, call, (removal) => removeItem(api, { removal, repository, beforeAttempt }, call)),
  }
}

/**
 * Lists the versions of an image and then its tags. Tags come last, because a version that was
 * tagged in between would look untagged. For the same reason the versions have their related tags
 * too. If a tag is on a version that is not in the list, dray reads both lists once more.
 */
async function* listEntries(
  api: GarApi,
  repositories: CheckedRepositories,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const image = imageOf(repository, api.location)
  const lock = await repositories.lockOfTags(image, repository, call)
  const of = { doing: `list the manifests of ${formatRepository(repository)}`, repository }
  const list = api.listOf(of)
  const path = (items: string): string =>
    resourcePath(image, 'repositories', image.repository, 'packages', image.image, items)
  for (let isAgain = false; ; isAgain = true) {
    const missing = new Set<Digest>()
    const listed = new Set<Digest>()
    for await (const versions of api.list(path('versions'), 'versions', of, call, { view: 'FULL' }))
      for (const entry of versions.map((fields) => versionEntry(fields, lock, list))) {
        listed.add(entry.digest)
        yield entry
      }
    for await (const tags of api.list(path('tags'), 'tags', of, call)) {
      const entries = tagEntries(tags, lock, list)
      for (const { digest } of entries) if (!listed.has(digest)) missing.add(digest)
      yield* entries
    }
    const [digest] = missing
    if (digest === undefined) return
    if (isAgain) throw changedList(list, `a tag is on ${digest}, which is not in the list`)
  }
}

/** `createTime` is the time of the upload. `metadata` has the fields of `DockerImage`. */
function versionEntry(
  fields: ApiFields,
  locked: InventoryLock | undefined,
  list: ListOfPages,
): InventoryEntry {
  const metadata: ApiFields = isRecord(fields['metadata']) ? fields['metadata'] : {}
  const pushedAt = timeOf(fields['createTime'])
  const mediaType = optionalText(metadata['mediaType'])
  const artifactType = optionalText(metadata['artifactType'])
  const lock = locked === undefined ? {} : { locked }
  const tags = optionalObjects(fields['relatedTags'], list.host).map((tag) => tagOf(tag, lock, list))
  // Nothing says whether the size of an index has its children.
  const bytes =
    mediaType === undefined || isIndexType(mediaType) ? undefined : countOf(metadata['imageSizeBytes'])
  return {
    digest: digestOfVersion(fields, 'name', list),
    tags,
    ...(tags.length > 0 && lock),
    ...(pushedAt !== undefined && { pushedAt }),
    ...(mediaType !== undefined && { mediaType }),
    ...(artifactType !== undefined && { artifactType }),
    ...(bytes !== undefined && { bytes }),
  }
}

/** Returns one entry for each version that tags of a page are on. An immutable tag locks it. */
function tagEntries(
  page: readonly ApiFields[],
  locked: InventoryLock | undefined,
  list: ListOfPages,
): readonly InventoryEntry[] {
  const byDigest = new Map<Digest, InventoryTag[]>()
  const lock = locked === undefined ? {} : { locked }
  for (const fields of page) {
    const digest = digestOfVersion(fields, 'version', list)
    const tags = byDigest.get(digest) ?? []
    byDigest.set(digest, tags)
    tags.push(tagOf(fields, lock, list))
  }
  return [...byDigest].map(([digest, tags]) => ({ digest, tags, ...lock }))
}

function tagOf(fields: ApiFields, lock: Pick<InventoryTag, 'locked'>, list: ListOfPages): InventoryTag {
  return { name: lastSegment(textField(fields, 'name', list.host)), ...lock }
}

/** @throws `protocol` if the name of the version does not end with a digest. */
function digestOfVersion(fields: ApiFields, name: string, list: ListOfPages): Digest {
  const digest = lastSegment(textField(fields, name, list.host))
  if (isDigest(digest)) return digest
  const { host, subject } = list
  throw new DrayError('protocol', `${host} sent an entry whose ${name} is not the name of a version`, {
    subject,
  })
}
