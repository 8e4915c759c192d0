import type { PublicKey } from '../../../signing/dsse.ts'
import { readAttestations } from '../../../audit/attestation/read-attestations.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { formatRepository, sameRepository } from '../../../oci/reference.ts'
import { inSemverOrder } from '../../../semver/order.ts'
import { plainReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type {
  BlobReader,
  ManifestReader,
  ReferrerLister,
  Repositories,
  TagLister,
} from '../../../images/ports.ts'
import { listTags, resolveTags } from '../../../images/tags/tags.ts'
import type { AttestationOfImage, HistoryPlace, PlaceFacts } from './history.ts'

const looksAtOnce = 16
/** Images that a tag stood on before, one after another, of which one place is asked. */
const maxBefore = 50

/** Whose history: one image, a tag with what it stood on before, or all versions of a name, at most `limit` tags a place. */
export type HistorySubject =
  | { readonly digest: Digest }
  | { readonly tag: string }
  | { readonly limit: number | undefined }

/** A place while it is read. */
interface EnvironmentReading {
  readonly place: HistoryPlace
  readonly store: ManifestReader & BlobReader & ReferrerLister
  readonly tags: Map<string, Digest | null>
  readonly images: readonly Digest[]
  readonly attestations: AttestationOfImage[]
  readonly looked: Set<Digest>
}

/**
 * Reads what the registries know of the way of an image: tags, and attestations by the referrers API and under fallback tags. An environment
 * without the repository is one where the image is not.
 * @throws `not-found` where the image is nowhere and nothing tells of it, and what the stores throw.
 */
export async function gatherHistory(
  stores: Repositories,
  places: readonly HistoryPlace[],
  subject: HistorySubject,
  keys: readonly PublicKey[],
  call: Call,
): Promise<readonly PlaceFacts[]> {
  const readings = await inParallel(places, looksAtOnce, call, (place, c) => begin(stores, place, subject, c))
  const everywhere = 'limit' in subject ? [] : imagesOf(readings, subject)
  await inParallel(readings, looksAtOnce, call, async (reading, c) => {
    await look(reading, [...reading.images, ...everywhere], keys, c)
    if ('tag' in subject) await lookBack(reading, subject.tag, keys, c)
  })
  if (readings.every(({ images, attestations }) => images.length === 0 && attestations.length === 0)) {
    throw new DrayError('not-found', 'the image is in none of the environments', {
      subject: places.map(({ repository }) => formatRepository(repository)).join(', '),
    })
  }
  await inParallel(readings, looksAtOnce, call, (reading, c) => resolveNamed(reading, readings, c))
  return readings.map(({ place, tags, images, attestations }) => ({ place, tags, images, attestations }))
}

async function begin(
  stores: Repositories,
  place: HistoryPlace,
  subject: HistorySubject,
  call: Call,
): Promise<EnvironmentReading> {
  const store = stores.source(place.repository)
  const reading = { place, store, attestations: [], looked: new Set<Digest>() }
  if ('digest' in subject) {
    const isThere = (await store.resolve(subject, call)) !== undefined
    return { ...reading, tags: new Map(), images: isThere ? [subject.digest] : [] }
  }
  const names = 'tag' in subject ? [subject.tag] : await highestTags(store, subject.limit, call)
  const tags = await resolveTags(store, names, call)
  return { ...reading, tags, images: [...new Set([...tags.values()].filter((digest) => digest !== null))] }
}

/** The highest tags, without those of evidence; none where the repository is not there. */
async function highestTags(
  store: TagLister,
  limit: number | undefined,
  call: Call,
): Promise<readonly string[]> {
  const names = (await listTags(store, call)).filter((tag) => !isEvidenceTag(tag))
  return inSemverOrder(names, plainReading).slice(0, limit)
}

/** One place may know of an image what another has lost. */
function imagesOf(
  readings: readonly EnvironmentReading[],
  subject: Exclude<HistorySubject, { readonly limit: unknown }>,
): readonly Digest[] {
  return 'digest' in subject ? [subject.digest] : readings.flatMap(({ images }) => images)
}

async function look(
  reading: EnvironmentReading,
  images: readonly Digest[],
  keys: readonly PublicKey[],
  call: Call,
): Promise<void> {
  const fresh = [...new Set(images)].filter((image) => !reading.looked.has(image))
  for (const image of fresh) reading.looked.add(image)
  const found = await inParallel(fresh, looksAtOnce, call, async (image, c) => {
    const attestations = await readAttestations(reading.store, image, keys, c)
    return attestations.map((one) => ({ ...one, image }))
  })
  reading.attestations.push(...found.flat())
}

/** Goes from each promotion to the image that the tag stood on before it, as far as there is something to read. */
async function lookBack(
  reading: EnvironmentReading,
  tag: string,
  keys: readonly PublicKey[],
  call: Call,
): Promise<void> {
  const before = (): readonly Digest[] =>
    reading.attestations
      .flatMap(({ promotion }) => promotion ?? [])
      .filter(({ to }) => sameRepository(to.repository, reading.place.repository))
      .flatMap(({ tags }) => tags.flatMap((one) => (one.tag === tag ? (one.before ?? []) : [])))
      .filter((image) => !reading.looked.has(image))
  let left = maxBefore
  for (let next = before(); next.length > 0 && left > 0; next = before()) {
    const some = next.slice(0, left)
    left -= some.length
    await look(reading, some, keys, call)
  }
}

/** What the tags point at now that any attestation says were set here. */
async function resolveNamed(
  reading: EnvironmentReading,
  readings: readonly EnvironmentReading[],
  call: Call,
): Promise<void> {
  const named = readings
    .flatMap(({ attestations }) => attestations)
    .flatMap(({ promotion }) => promotion ?? [])
    .filter(({ to }) => sameRepository(to.repository, reading.place.repository))
    .flatMap(({ tags }) => tags.map(({ tag }) => tag))
  const unknown = [...new Set(named)].filter((tag) => !reading.tags.has(tag))
  for (const [tag, digest] of await resolveTags(reading.store, unknown, call)) reading.tags.set(tag, digest)
}
