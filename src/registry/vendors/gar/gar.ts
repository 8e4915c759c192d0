import type {
  Inventory,
  InventoryEntry,
  InventoryLock,
  InventoryTag,
} from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { SharedWork } from '../../http/shared-work.ts'
import { settingLine } from '../../http/transport/origins.ts'
import {
  answerObject,
  invalidAnswer,
  objectsOf,
  requiredText,
  sizeOf,
  textOf,
  timeOf,
} from '../answer-fields.ts'
import { changedList, type ListOfPages } from '../paging/page-bounds.ts'
import type { VendorApi } from '../vendor-api.ts'
import { GarApi, type GarFields } from './gar-api.ts'
import { removeItem } from './removals.ts'
import {
  anyLocation,
  type GarImage,
  type GarRepository,
  imageOf,
  pathOf,
  prefixOf,
  resourcePath,
} from './resource-names.ts'

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
    remove: async function* (repository, batch, call, beforeAttempt) {
      const image = imageOf(repository, api.location)
      for (const removal of batch)
        yield await removeItem(api, { removal, repository, image, beforeAttempt }, call)
    },
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

/** The repositories whose kind was checked, once for each. */
class CheckedRepositories {
  readonly #api: GarApi
  readonly #locks = new Map<string, SharedWork<InventoryLock | undefined>>()

  constructor(api: GarApi) {
    this.#api = api
  }

  /**
   * Returns the lock of all tags of a repository, if its tags are immutable.
   * @throws `unsupported` for a repository that only serves images of others, whose own list has
   * none of them.
   */
  async lockOfTags(of: GarRepository, name: RepositoryName, call: Call): Promise<InventoryLock | undefined> {
    const path = resourcePath(of, 'repositories', of.repository)
    const known = this.#locks.get(path) ?? new SharedWork((first) => this.#read(path, name, first))
    this.#locks.set(path, known)
    return await known.result(call)
  }

  async #read(path: string, repository: RepositoryName, call: Call): Promise<InventoryLock | undefined> {
    const subject = formatRepository(repository)
    const of = { doing: `read the settings of the repository of ${subject}`, repository }
    const list = this.#api.listOf(of)
    const fields = answerObject(await this.#get(path, of, call), list)
    const { format, mode, dockerConfig } = fields
    if (format !== 'DOCKER') throw invalidAnswer(list, 'the repository is not of the format DOCKER')
    if (mode === 'VIRTUAL_REPOSITORY' || mode === 'REMOTE_REPOSITORY') throw readOnly(subject, mode)
    return isRecord(dockerConfig) && dockerConfig['immutableTags'] === true
      ? { of: 'write', text: 'immutable tags' }
      : undefined
  }

  async #get(path: string, of: Parameters<GarApi['listOf']>[0], call: Call): Promise<unknown> {
    try {
      const answer = await this.#api.send({ ...of, path }, call)
      return await answer.json()
    } catch (error) {
      const isRefused = isDrayError(error) && (error.status === 400 || error.status === 404)
      throw isRefused && this.#api.location === anyLocation ? unknownLocation(this.#api, error) : error
    }
  }
}

/** cloud.google.com/artifact-registry/docs/repositories (virtual and remote repositories) */
function readOnly(subject: string, mode: 'VIRTUAL_REPOSITORY' | 'REMOTE_REPOSITORY'): DrayError {
  const kind = mode === 'VIRTUAL_REPOSITORY' ? 'virtual' : 'remote'
  return new DrayError('unsupported', `${subject} is in a ${kind} repository, which is read-only`, {
    subject,
    why: `a ${kind} repository of Artifact Registry serves images of other repositories`,
    hint: 'Name the repository that stores the images.',
  })
}

function unknownLocation({ registry, base }: GarApi, cause: DrayError): DrayError {
  const api = `api: "${base.origin}/locations/LOCATION"`
  return new DrayError('config', `dray does not know the location of the repositories of ${registry}`, {
    subject: registry,
    why: cause.why,
    hint: `Name it: ${settingLine(registry, `kind: gar, ${api}`)}`,
    cause,
  })
}

/** `createTime` is the time of the upload. `metadata` has the fields of `DockerImage`. */
function versionEntry(
  fields: GarFields,
  locked: InventoryLock | undefined,
  list: ListOfPages,
): InventoryEntry {
  const metadata: GarFields = isRecord(fields['metadata']) ? fields['metadata'] : {}
  const pushedAt = timeOf(fields, 'createTime', list)
  const mediaType = textOf(metadata, 'mediaType')
  const artifactType = textOf(metadata, 'artifactType')
  const lock = locked === undefined ? {} : { locked }
  const tags = objectsOf(fields['relatedTags'], list).map((tag) => tagOf(tag, lock, list))
  // Nothing says whether the size of an index has its children.
  const bytes =
    mediaType === undefined || isIndexType(mediaType) ? undefined : sizeOf(metadata, 'imageSizeBytes')
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
  page: readonly GarFields[],
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

function tagOf(fields: GarFields, lock: Pick<InventoryTag, 'locked'>, list: ListOfPages): InventoryTag {
  return { name: lastSegment(requiredText(fields, 'name', list)), ...lock }
}

/** @throws `protocol` if the name of the version does not end with a digest. */
function digestOfVersion(fields: GarFields, name: string, list: ListOfPages): Digest {
  const digest = lastSegment(requiredText(fields, name, list))
  if (isDigest(digest)) return digest
  throw invalidAnswer(list, `"${name}" of an entry is not the name of a version`)
}

function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** Lists the images of a repository, or of all repositories of a project. */
async function* listImages(api: GarApi, prefix: string, call: Call): AsyncGenerator<string, void> {
  const { registry, location } = api
  const named = prefixOf(registry, prefix)
  const doing = `list the images of ${registry}/${prefix}`
  if (named === undefined)
    throw new DrayError('unsupported', `cannot ${doing}: Artifact Registry lists those of a project only`, {
      subject: registry,
      hint: `Name the project: ${registry}/PROJECT/*`,
    })
  const { project } = named
  const of = { doing, repository: { registry, path: prefix } }
  const repositories =
    named.repository === undefined ? await listRepositories(api, project, of, call) : [named.repository]
  for (const repository of repositories) {
    const at = { project, location, repository }
    const path = resourcePath(at, 'repositories', repository, 'packages')
    for await (const packages of api.list(path, 'packages', of, call))
      for (const fields of packages) yield pathOf(registry, imageOfPackage(fields, at, api.listOf(of)))
  }
}

async function listRepositories(
  api: GarApi,
  project: string,
  of: Parameters<GarApi['listOf']>[0],
  call: Call,
): Promise<readonly string[]> {
  const at = { project, location: api.location, repository: '' }
  const found: string[] = []
  for await (const page of api.list(resourcePath(at, 'repositories'), 'repositories', of, call)) {
    const docker = page.filter(({ format }) => format === 'DOCKER')
    found.push(...docker.map((fields) => lastSegment(requiredText(fields, 'name', api.listOf(of)))))
  }
  return found
}

function imageOfPackage(fields: GarFields, at: GarRepository, list: ListOfPages): GarImage {
  const name = requiredText(fields, 'name', list)
  return { ...at, image: lastSegment(name).replaceAll(/%2F/gi, '/') }
}
