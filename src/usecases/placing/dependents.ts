import type { Call } from '../../lib/call.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { childrenOf, type Manifest, parseManifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { formatAt } from '../../oci/reference.ts'
import type { Dependent, FormerImage } from '../../plan/former-image.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ManifestReader, ReferrerLister } from '../../images/ports.ts'

/** Manifests that are read at once. */
const readsAtOnce = 16
/** Levels of indexes in indexes; `images/graph` refuses more. */
const maxLevels = 16

/** The tags and manifests that may lead to a former image. */
interface Surroundings {
  /** all tags of the repository */
  readonly tags: ReadonlyMap<string, Descriptor>
  /** the images that the run copies to the repository, and the stores to read them from */
  readonly roots: readonly { readonly root: Descriptor; readonly store: ManifestReader }[]
}

/**
 * Reads what depends on images that are about to lose their last tag: indexes that have them as
 * children, their subject, and attached artifacts with a tag. The API lists no index without a tag.
 * @throws what the stores throw.
 */
export async function readDependents(
  store: ManifestReader & ReferrerLister,
  former: readonly Digest[],
  { tags, roots }: Surroundings,
  call: Call,
): Promise<ReadonlyMap<Digest, FormerImage>> {
  const tagged = [...tags].filter(([, { mediaType }]) => isIndexType(mediaType))
  const [indexes, newIndexes] = await Promise.all([
    inParallel(tagged, readsAtOnce, call, async ([tag, index], c) => ({
      dependent: { kind: 'index', tag, digest: index.digest } as const,
      below: await readBelow(store, index, c),
    })),
    inParallel(roots, readsAtOnce, call, async ({ root, store: source }, c) => ({
      dependent: { kind: 'new index', digest: root.digest } as const,
      below: await readBelow(source, root, c),
    })),
  ])
  const containers = [...indexes, ...newIndexes]
  const deleted = new Set(former)
  const found = await inParallel(former, readsAtOnce, call, async (digest, c) => {
    const parents = containers.filter(({ below }) => below.has(digest)).map(({ dependent }) => dependent)
    const kept = new Set([
      ...[...tags.values()].map((one) => one.digest),
      ...containers
        .filter(({ dependent }) => !deleted.has(dependent.digest))
        .flatMap(({ below }) => [...below]),
    ])
    const manifest = await readManifest(store, { digest }, c)
    const dependents: readonly Dependent[] = [
      ...parents,
      ...(await readSubject(store, manifest, deleted, c)),
      ...(await readReferrers(store, [digest, ...onlyBelow(manifest, kept)], tags, c)),
    ]
    return [digest, { dependents }] as const
  })
  return new Map(found)
}

/** The children of an image that nothing else leads to: they are deleted together with it. */
function onlyBelow(manifest: Manifest | undefined, kept: ReadonlySet<Digest>): readonly Digest[] {
  if (manifest === undefined) return []
  return childrenOf(manifest).flatMap(({ digest }) => (kept.has(digest) ? [] : [digest]))
}

/** The manifests below an index, at any depth; a missing index leads to none. */
async function readBelow(store: ManifestReader, root: Descriptor, call: Call): Promise<ReadonlySet<Digest>> {
  const below = new Set<Digest>()
  let level: readonly Descriptor[] = [root]
  for (let depth = 0; level.length > 0 && depth <= maxLevels; depth++) {
    const indexes = level.filter(({ mediaType }) => isIndexType(mediaType))
    const read = await inParallel(indexes, readsAtOnce, call, (one, c) => readManifest(store, one, c))
    level = read
      .flatMap((manifest) => (manifest === undefined ? [] : childrenOf(manifest)))
      .filter(({ digest }) => !below.has(digest))
    for (const { digest } of level) below.add(digest)
  }
  return below
}

async function readManifest(
  store: ManifestReader,
  at: { readonly digest: Digest } | Descriptor,
  call: Call,
): Promise<Manifest | undefined> {
  const content = await store.findManifest(at, call)
  if (content === undefined) return undefined
  const { bytes, descriptor } = content
  const where = formatAt(store.repository, { digest: descriptor.digest })
  return parseManifest(bytes, descriptor.mediaType, where)
}

async function readSubject(
  store: ManifestReader,
  manifest: Manifest | undefined,
  deleted: ReadonlySet<Digest>,
  call: Call,
): Promise<readonly Dependent[]> {
  const digest = manifest?.subject?.digest
  // A subject that is deleted too needs nothing.
  if (digest === undefined || deleted.has(digest)) return []
  return (await store.resolve({ digest }, call)) === undefined ? [] : [{ kind: 'subject', digest }]
}

async function readReferrers(
  store: ReferrerLister,
  subjects: readonly Digest[],
  tags: ReadonlyMap<string, Descriptor>,
  call: Call,
): Promise<readonly Dependent[]> {
  const listed = await inParallel(subjects, readsAtOnce, call, async (subject, c) =>
    ((await store.referrers(subject, c)) ?? []).map(({ digest }) => digest),
  )
  const referrers = new Set(listed.flat())
  return [...tags].flatMap(([tag, { digest }]) =>
    referrers.has(digest) && !isEvidenceTag(tag) ? [{ kind: 'referrer', tag, digest } as const] : [],
  )
}
