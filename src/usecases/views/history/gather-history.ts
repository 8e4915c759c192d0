import type { PublicKey } from '../../../signing/dsse.ts'
import { readAttestations } from '../../../audit/attestation/read-attestations.ts'
import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { sameRepository } from '../../../oci/reference.ts'
import { sortBySemver } from '../../../semver/order.ts'
import { plainReading, type VersionReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type {
  BlobReader,
  Capabilities,
  ManifestReader,
  ReferrerLister,
  Repositories,
  TagLister,
} from '../../../images/ports.ts'
import { listTags, resolveTags } from '../../../images/tags/tags.ts'
import { imageInNoEnvironment } from '../image-in-no-environment.ts'
import { suggestInRepositories } from '../suggest-in-repositories.ts'
import { selectImageTags } from '../image-tags.ts'
import type { AttestationOfImage, HistoryTarget, TargetFacts } from './history.ts'

const readsAtOnce = 16
/** The maximum of earlier images of a tag that dray reads in one environment. */
const maxEarlierImages = 50

/** An image; a tag with its earlier images; or the highest `limit` tags of each environment. */
export type HistorySubject =
  | { readonly digest: Digest }
  | { readonly tag: string }
  | { readonly limit: number | undefined }

/** The state of an environment while it is read. */
interface EnvironmentReading {
  readonly target: HistoryTarget
  readonly store: ManifestReader & BlobReader & ReferrerLister & Pick<Capabilities, 'capability'>
  readonly tags: Map<string, Digest | null>
  readonly images: readonly Digest[]
  readonly attestations: AttestationOfImage[]
  readonly known: Set<Digest>
  readonly tagsNotRead: number
}

/**
 * Reads the history of an image: its tags, and the attestations of its promotions. An environment
 * without the repository does not have the image.
 * @throws `not-found` if no environment has the image or an attestation of it.
 */
export async function gatherHistory(
  stores: Repositories,
  targets: readonly HistoryTarget[],
  subject: HistorySubject,
  keys: readonly PublicKey[],
  call: Call,
): Promise<readonly TargetFacts[]> {
  const readings = await inParallel(targets, readsAtOnce, call, (target, c) =>
    startReading(stores, target, subject, c),
  )
  const allImages = 'limit' in subject ? [] : imagesOf(readings, subject)
  await inParallel(readings, readsAtOnce, call, async (reading, c) => {
    await readImages(reading, [...reading.images, ...allImages], keys, c)
    if ('tag' in subject) await readEarlierImages(reading, subject.tag, keys, c)
  })
  if (readings.every(({ images, attestations }) => images.length === 0 && attestations.length === 0)) {
    const repositories = targets.map(({ repository }) => repository)
    const reading = targets[0]?.reading ?? plainReading
    const hint =
      'tag' in subject
        ? await suggestInRepositories(stores, repositories, { tag: subject.tag, reading }, call)
        : undefined
    throw imageInNoEnvironment(repositories, hint)
  }
  await inParallel(readings, readsAtOnce, call, (reading, c) => resolveNamed(reading, readings, c))
  return readings.map(({ target, tags, images, attestations, tagsNotRead }) => ({
    target,
    tags,
    images,
    attestations,
    tagsNotRead,
  }))
}

async function startReading(
  stores: Repositories,
  target: HistoryTarget,
  subject: HistorySubject,
  call: Call,
): Promise<EnvironmentReading> {
  const store = stores.source(target.repository)
  const reading = { target, store, attestations: [], known: new Set<Digest>() }
  if ('digest' in subject) {
    const exists = (await store.resolve(subject, call)) !== undefined
    return { ...reading, tags: new Map(), images: exists ? [subject.digest] : [], tagsNotRead: 0 }
  }
  const all = 'tag' in subject ? [subject.tag] : await listHighestFirst(store, target.reading, call)
  const names = 'tag' in subject ? all : all.slice(0, subject.limit)
  const tags = await resolveTags(store, names, call)
  const images = [...new Set([...tags.values()].filter((digest) => digest !== null))]
  return { ...reading, tags, images, tagsNotRead: all.length - names.length }
}

/** Returns the tags, the highest first; none if the repository does not exist. */
async function listHighestFirst(
  store: TagLister,
  reading: VersionReading,
  call: Call,
): Promise<readonly string[]> {
  return sortBySemver(selectImageTags(await listTags(store, call)), reading)
}

/** Returns the images to find in all environments: one may have attestations that another lacks. */
function imagesOf(
  readings: readonly EnvironmentReading[],
  subject: Exclude<HistorySubject, { readonly limit: unknown }>,
): readonly Digest[] {
  return 'digest' in subject ? [subject.digest] : readings.flatMap(({ images }) => images)
}

async function readImages(
  reading: EnvironmentReading,
  images: readonly Digest[],
  keys: readonly PublicKey[],
  call: Call,
): Promise<void> {
  const fresh = [...new Set(images)].filter((image) => !reading.known.has(image))
  for (const image of fresh) reading.known.add(image)
  const found = await inParallel(fresh, readsAtOnce, call, async (image, c) => {
    const attestations = await readAttestations(reading.store, image, keys, c)
    return attestations.map((one) => ({ ...one, image }))
  })
  reading.attestations.push(...found.flat())
}

/** Follows the tag from each promotion to the image that it was on before. */
async function readEarlierImages(
  reading: EnvironmentReading,
  tag: string,
  keys: readonly PublicKey[],
  call: Call,
): Promise<void> {
  const before = (): readonly Digest[] =>
    reading.attestations
      .flatMap(({ promotion }) => promotion ?? [])
      .filter(({ to }) => sameRepository(to.repository, reading.target.repository))
      .flatMap(({ tags }) => tags.flatMap((one) => (one.tag === tag ? (one.before ?? []) : [])))
      .filter((image) => !reading.known.has(image))
  let remaining = maxEarlierImages
  for (let next = before(); next.length > 0 && remaining > 0; next = before()) {
    const some = next.slice(0, remaining)
    remaining -= some.length
    await readImages(reading, some, keys, call)
  }
}

/** Resolves the tags that attestations name for this environment. */
async function resolveNamed(
  reading: EnvironmentReading,
  readings: readonly EnvironmentReading[],
  call: Call,
): Promise<void> {
  const named = readings
    .flatMap(({ attestations }) => attestations)
    .flatMap(({ promotion }) => promotion ?? [])
    .filter(({ to }) => sameRepository(to.repository, reading.target.repository))
    .flatMap(({ tags }) => tags.map(({ tag }) => tag))
  const unknown = [...new Set(named)].filter((tag) => !reading.tags.has(tag))
  for (const [tag, digest] of await resolveTags(reading.store, unknown, call)) reading.tags.set(tag, digest)
}
