import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import { blobsOf, childrenOf, parseManifest } from '../../../oci/manifest.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import type { StoredManifest } from '../../storage/storage.ts'
import type { VendorState } from '../vendor.ts'

const monthMs = 30 * 24 * 3_600_000
const yearMs = 365 * 24 * 3_600_000

/** An image of a tag (docker/docs, content/reference/api/hub/latest.yaml, `image`). */
interface DockerHubImage {
  readonly architecture: string
  readonly features: string
  readonly variant: string | null
  readonly digest: Digest | null
  readonly os: string
  readonly os_features: string
  readonly os_version: string | null
  /** bytes of the layers */
  readonly size: number
  readonly status: 'active' | 'inactive'
  readonly last_pulled: string | null
  readonly last_pushed: string | null
}

/**
 * A tag (the same, `tag`). The API also answers with `digest`, `media_type`, `content_type` and
 * `tag_status`, which it does not document.
 */
export interface DockerHubTag {
  readonly creator: number
  readonly id: number
  readonly images: readonly DockerHubImage[]
  readonly last_updated: string | null
  readonly last_updater: number
  readonly last_updater_username: string
  readonly name: string
  readonly repository: number
  /** bytes */
  readonly full_size: number
  readonly v2: boolean
  readonly tag_status: 'active' | 'inactive'
  readonly tag_last_pulled: string | null
  readonly tag_last_pushed: string | null
  /** the media type of an index, or of the configuration of an image */
  readonly media_type?: string
  readonly content_type?: string
  /** some tags have none */
  readonly digest?: Digest
}

/** A page of tags (the same, `paginated_tags`). */
export interface DockerHubTagPage {
  readonly count: number
  readonly next: string | null
  readonly previous: string | null
  readonly results: readonly DockerHubTag[]
}

/** The tags that a list shows, the last pushed first. Pushes show late if the options say so. */
export async function listedTags(state: VendorState, repository: string): Promise<readonly string[]> {
  const { storage, records, clock, options } = state
  const shownUntil = clock.now() - (options.lagMs ?? 0)
  const pushedAt = (tag: string): number => records.tag(repository, tag).pushedAt
  const tags = (await storage.tags(repository)).filter((tag) => pushedAt(tag) <= shownUntil)
  return tags.toSorted((a, b) => pushedAt(b) - pushedAt(a))
}

/** Undefined if the tag does not exist. */
export async function tagAnswer(
  state: VendorState,
  repository: string,
  name: string,
): Promise<DockerHubTag | undefined> {
  const { storage, records, clock, options } = state
  const digest = await storage.tag(repository, name)
  const manifest = digest === undefined ? undefined : await storage.manifest(repository, digest)
  if (digest === undefined || manifest === undefined) return undefined
  const { pushedAt } = records.tag(repository, name)
  const pulledAt = latest(
    records.tag(repository, name).pulledAt,
    records.manifest(repository, digest).pulledAt,
  )
  const images = await imagesOf(state, repository, manifest)
  const isWithout = options.traits?.has('old-without-digest') === true && pushedAt < clock.now() - yearMs
  const parsed = parseManifest(manifest.bytes, manifest.mediaType, digest)
  return {
    creator: 1,
    id: records.idOf(repository, digest),
    images,
    last_updated: timeText(pushedAt),
    last_updater: 1,
    last_updater_username: 'pusher',
    name,
    repository: 1,
    full_size: images[0]?.size ?? 0,
    v2: true,
    tag_status: statusOf(state, latest(pushedAt, pulledAt)),
    tag_last_pulled: timeText(pulledAt),
    tag_last_pushed: timeText(pushedAt),
    ...(!isWithout && {
      media_type: parsed.kind === 'manifest' ? parsed.config.mediaType : manifest.mediaType,
      content_type: 'image',
      digest,
    }),
  }
}

/** The images of an index, or the image itself. */
async function imagesOf(
  state: VendorState,
  repository: string,
  manifest: StoredManifest,
): Promise<readonly DockerHubImage[]> {
  if (!isIndexType(manifest.mediaType)) return [imageAnswer(state, repository, manifest)]
  const index = parseManifest(manifest.bytes, manifest.mediaType, manifest.digest)
  const images: DockerHubImage[] = []
  for (const child of childrenOf(index)) {
    const stored = await state.storage.manifest(repository, child.digest)
    if (stored !== undefined) images.push(imageAnswer(state, repository, stored, child))
  }
  return images
}

function imageAnswer(
  state: VendorState,
  repository: string,
  { bytes, mediaType, digest }: StoredManifest,
  descriptor?: Descriptor,
): DockerHubImage {
  const { pushedAt, pulledAt } = state.records.manifest(repository, digest)
  const sizes = blobsOf(parseManifest(bytes, mediaType, digest)).map(({ size }) => size)
  const { platform } = descriptor ?? {}
  return {
    architecture: platform?.architecture ?? 'unknown',
    features: '',
    variant: platform?.variant ?? null,
    digest,
    os: platform?.os ?? 'unknown',
    os_features: '',
    os_version: platform?.osVersion ?? null,
    size: sizes.reduce((sum, size) => sum + size, 0),
    status: statusOf(state, latest(pushedAt, pulledAt)),
    last_pulled: timeText(pulledAt),
    last_pushed: timeText(pushedAt),
  }
}

/** `active`: pushed or pulled in the past month. */
function statusOf({ clock }: VendorState, usedAt: number | undefined): 'active' | 'inactive' {
  return usedAt !== undefined && usedAt >= clock.now() - monthMs ? 'active' : 'inactive'
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

function timeText(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString().replace(/Z$/, '000Z')
}
