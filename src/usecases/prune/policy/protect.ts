import type { Hold } from '../../../audit/holds/find-holds.ts'
import type { TagProtection } from '../../../config/retention/policy.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Reach } from '../../../images/graph/reach.ts'
import type { ListedReason } from '../inventory/listed-reasons.ts'
import type { ReferenceInUse, RepositoryPolicy } from './policy.ts'
import { readingOfProtections, selectProtected } from '../../../selectors/select-versions.ts'

/**
 * The content that holds, protections and references in use keep: by tag, and by digest with
 * everything that it reaches.
 */
export interface ProtectedImages {
  /** protected tags, each with the first protection that selects it */
  readonly byTag: ReadonlyMap<string, TagProtection>
  /** the version-like tags among them */
  readonly versionLike: ReadonlySet<string>
  /** digests in use, each with the reference */
  readonly inUse: ReadonlyMap<Digest, ReferenceInUse>
  /** digests that a statement or tag holds */
  readonly held: ReadonlyMap<Digest, Hold>
  /** all kept digests, each with the reason and the digest that reaches it */
  readonly digests: ReadonlyMap<Digest, Protected>
  /** names of the protections that match something */
  readonly matched: ReadonlySet<string>
  /** references in use to images that do not exist */
  readonly absent: readonly ReferenceInUse[]
  /** references in use that keep an image although they name another host */
  readonly atOtherHosts: readonly ReferenceInUse[]
}

export type Protected =
  | {
      readonly kind: 'protection'
      readonly protection: TagProtection
      readonly tag: string
      readonly at: Digest
    }
  | { readonly kind: 'inUse'; readonly used: ReferenceInUse; readonly at: Digest }
  | { readonly kind: 'hold'; readonly hold: Hold; readonly at: Digest }
  | { readonly kind: 'listed'; readonly reason: ListedReason; readonly at: Digest }

/** References and holds, which keep images like the tags of protections do. */
export interface KeptReferences {
  /** references to the repository itself before those at other hosts */
  readonly used: readonly ReferenceInUse[]
  readonly held: ReadonlyMap<Digest, Hold>
  /** manifests that the inventory is a reason to keep */
  readonly listed?: ReadonlyMap<Digest, ListedReason>
}

/**
 * Collects what holds, protections and references in use keep. Pure.
 * @param tags image tags, with their digests
 */
export function findKept(
  tags: ReadonlyMap<string, Digest>,
  { protect, reading }: Pick<RepositoryPolicy, 'protect' | 'reading'>,
  { used, held, listed = new Map() }: KeptReferences,
  reach: Reach,
  isThere: (digest: Digest) => boolean,
): ProtectedImages {
  const byTag = new Map<string, TagProtection>()
  const matched = new Set<string>()
  const digests = new Map<Digest, Protected>()
  const names = [...tags.keys()]
  const read = readingOfProtections(names, reading)
  const versionLike = new Set<string>()
  for (const protection of protect) {
    const selected = selectProtected(protection, names, read)
    if (selected.tags.length > 0) matched.add(protection.name)
    for (const tag of selected.versionLike) if (!byTag.has(tag)) versionLike.add(tag)
    for (const tag of selected.tags) if (!byTag.has(tag)) byTag.set(tag, protection)
  }
  for (const [at, hold] of held) if (isThere(at)) keep(digests, { kind: 'hold', hold, at }, reach)
  for (const [tag, protection] of byTag) {
    const at = tags.get(tag)
    if (at !== undefined) keep(digests, { kind: 'protection', protection, tag, at }, reach)
  }
  const inUse = new Map<Digest, ReferenceInUse>()
  const absent: ReferenceInUse[] = []
  const atOtherHosts: ReferenceInUse[] = []
  for (const image of used) {
    const at = 'digest' in image.at ? image.at.digest : tags.get(image.at.tag)
    if (at === undefined || !isThere(at)) {
      if (image.otherHost === undefined) absent.push(image)
      continue
    }
    matched.add(image.protection)
    const isUsedHere = inUse.has(at) && inUse.get(at)?.otherHost === undefined
    if (image.otherHost !== undefined && !isUsedHere) atOtherHosts.push(image)
    if (!inUse.has(at)) inUse.set(at, image)
    keep(digests, { kind: 'inUse', used: image, at }, reach)
  }
  for (const [at, reason] of listed) if (isThere(at)) keep(digests, { kind: 'listed', reason, at }, reach)
  return { byTag, versionLike, inUse, held, digests, matched, absent, atOtherHosts }
}

/** Describes a reference in use by its source, and by its text if it names another host. */
export function describeUse({ by, otherHost }: ReferenceInUse): string {
  return otherHost === undefined ? by : `${by}, as ${otherHost.reference}`
}

function keep(digests: Map<Digest, Protected>, by: Protected, reach: Reach): void {
  if (digests.has(by.at)) return
  // Everything that a kept digest reaches is kept already.
  for (const digest of reach.all([by.at], digests)) digests.set(digest, by)
}
