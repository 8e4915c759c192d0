import type { Call } from '../../../lib/call.ts'
import { dayMs } from '../../../lib/day.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import type { Platform } from '../../../oci/platform.ts'
import { formatAt } from '../../../oci/reference.ts'
import { cosignEntries } from '../../../images/evidence/cosign-entries.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader, SourceRepository } from '../../../images/ports.ts'
import { childrenBelow } from '../reads/children.ts'
import { type Attached, AttachedReader } from './attached.ts'
import type { SourceEvidence } from './source-evidence.ts'

/** Images that are compared at once. */
const imagesAtOnce = 16
/** Deeper than any real nesting of artifacts on artifacts. */
const maxDepth = 8

export interface EvidenceComparison {
  /** the destination, with its complete list of tags */
  readonly at: { readonly store: SourceRepository; readonly tags: readonly string[] }
  /** of an index: the platforms that the destination has; undefined: all */
  readonly platforms: readonly Platform[] | undefined
  /** by digest, milliseconds since 1970 */
  readonly childrenSearchedAt: ReadonlyMap<Digest, number>
  readonly now: number
}

export interface ComparedEvidence {
  /** by root: the attached artifacts that the destination lacks */
  readonly missing: ReadonlyMap<Digest, number>
  /** roots of which the referrers of children and of attached artifacts were searched */
  readonly childrenSearched: ReadonlySet<Digest>
}

export const nothingCompared: ComparedEvidence = { missing: new Map(), childrenSearched: new Set() }

/**
 * Counts the attached artifacts of images that both sides have, and that the destination lacks. One
 * search at the source for each image; the destination is read only if the source has some. The
 * artifacts of children, and those on artifacts, are searched once a day.
 * @throws what the stores throw.
 */
export async function compareEvidence(
  source: SourceEvidence,
  roots: readonly Digest[],
  { at, platforms, childrenSearchedAt, now }: EvidenceComparison,
  call: Call,
): Promise<ComparedEvidence> {
  const destination = new AttachedReader(at.store, at.tags)
  const [first, ...others] = roots
  // one answer shows whether the registry has the referrers API: the others wait for it
  const isUnknown = source.store.capability('referrers') === 'unknown'
  if (isUnknown && first !== undefined && others.length > 0) await source.of(first, call)
  const compared = await inParallel(roots, imagesAtOnce, call, async (root, c) => {
    const isDeep = isDue(childrenSearchedAt.get(root), now)
    const subjects = isDeep ? [root, ...(await childrenBelow(at.store, root, platforms, c))] : [root]
    return { root, isDeep, missing: await countMissing({ source, destination, isDeep }, subjects, c) }
  })
  return {
    missing: new Map(
      compared.flatMap(({ root, missing }) => (missing > 0 ? [[root, missing] as const] : [])),
    ),
    childrenSearched: new Set(compared.flatMap(({ root, isDeep }) => (isDeep ? [root] : []))),
  }
}

function isDue(searchedAt: number | undefined, now: number): boolean {
  if (searchedAt === undefined) return true
  const age = now - searchedAt
  // the clock of the machine may have been set back since
  return age < 0 || age >= dayMs
}

interface Sides {
  readonly source: SourceEvidence
  readonly destination: AttachedReader
  /** also the artifacts that are attached to artifacts */
  readonly isDeep: boolean
}

async function countMissing(sides: Sides, subjects: readonly Digest[], call: Call): Promise<number> {
  const seen = new Set(subjects)
  let missing = 0
  let level = subjects
  for (let depth = 0; level.length > 0 && depth < maxDepth; depth++) {
    const read = await inParallel(level, imagesAtOnce, call, async (subject, c) => {
      const attached = await sides.source.of(subject, c)
      return { attached, lacks: await countLacking(sides, subject, attached, c) }
    })
    missing += read.reduce((sum, { lacks }) => sum + lacks, 0)
    const artifacts = read.flatMap(({ attached: { referrers, cosign } }) => [
      ...referrers,
      ...cosign.values(),
    ])
    level = sides.isDeep ? [...new Set(artifacts)].filter((digest) => !seen.has(digest)) : []
    for (const digest of level) seen.add(digest)
  }
  return missing
}

async function countLacking(
  { source, destination }: Sides,
  subject: Digest,
  { referrers, cosign }: Attached,
  call: Call,
): Promise<number> {
  if (referrers.size === 0 && cosign.size === 0) return 0
  const there = await destination.read(subject, call)
  const presentTags = await inParallel([...cosign], imagesAtOnce, call, async ([tag, digest], c) => {
    const other = there.cosign.get(tag)
    if (other === undefined || other === digest) return other === digest
    return await hasAllEntries(destination.store, other, source.store, digest, c)
  })
  const lacking = [...referrers].filter((digest) => !there.referrers.has(digest))
  return lacking.length + presentTags.filter((isPresent) => !isPresent).length
}

/** Whether a manifest under a cosign tag has all entries of that of the source. */
async function hasAllEntries(
  at: ManifestReader,
  own: Digest,
  source: ManifestReader,
  wanted: Digest,
  call: Call,
): Promise<boolean> {
  const [there, here] = await Promise.all([readEntries(at, own, call), readEntries(source, wanted, call)])
  return here !== undefined && there !== undefined && here.every((entry) => there.includes(entry))
}

async function readEntries(
  store: ManifestReader,
  digest: Digest,
  call: Call,
): Promise<readonly string[] | undefined> {
  const content = await store.findManifest({ digest }, call)
  if (content === undefined) return undefined
  const where = formatAt(store.repository, { digest })
  return cosignEntries(parseManifest(content.bytes, content.descriptor.mediaType, where))
}
