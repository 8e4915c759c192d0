import type { Digest } from '../../../oci/digest.ts'
import type {
  BundleContent,
  BundleDocument,
  BundleReceipt,
  BundleRoot,
} from '../../../plan/bundle/bundle-document.ts'

export interface ReceiptFacts {
  /** the last receipt of the destination; undefined: there is none */
  readonly before: BundleReceipt | undefined
  readonly destination: string
  readonly auditHead?: BundleReceipt['auditHead'] | undefined
}

/**
 * Returns the receipt of a destination at which a bundle was applied: pure. That of an increment
 * contains the roots and the content of the earlier bundles too. Of each tag, it has only the last
 * root. It keeps the tags to delete, which are not deleted here.
 */
export function nextReceipt(
  { id, sequence, base, roots, carries, expects }: BundleDocument,
  { before, destination, auditHead }: ReceiptFacts,
): BundleReceipt {
  // A full bundle begins anew: what earlier ones brought may be deleted by then.
  const earlier = base === undefined && before?.bundle.id !== id ? undefined : before
  return {
    schema: 'dray.receipt/1',
    bundle: { id, sequence },
    destination,
    roots: mergeRoots(earlier?.roots ?? [], roots),
    present: mergeContent([...(earlier?.present ?? []), ...expects, ...carries]),
    ...(auditHead !== undefined && { auditHead }),
  }
}

function mergeRoots(earlier: readonly BundleRoot[], roots: readonly BundleRoot[]): readonly BundleRoot[] {
  const keyOf = ({ repository, root, attached }: BundleRoot): string =>
    JSON.stringify([repository, root.digest, attached?.subject, attached?.tag])
  const now = new Set(roots.map(keyOf))
  const moved = new Set(roots.flatMap(({ repository, tags }) => tags.map((tag) => `${repository}:${tag}`)))
  const older = earlier
    .filter((root) => !now.has(keyOf(root)))
    .map((root) => ({
      ...root,
      tags: root.tags.filter((tag) => !moved.has(`${root.repository}:${tag}`)),
    }))
  const tagsBefore = new Map(earlier.map((root) => [keyOf(root), root.tags]))
  const current = roots.map((root) => {
    const others = (tagsBefore.get(keyOf(root)) ?? []).filter(
      (tag) => !moved.has(`${root.repository}:${tag}`),
    )
    return others.length === 0 ? root : { ...root, tags: [...root.tags, ...others].sort() }
  })
  return [...older, ...current]
}

/** Each content once, in the repository that received it first. */
function mergeContent(all: readonly BundleContent[]): readonly BundleContent[] {
  const byDigest = new Map<Digest, BundleContent>()
  for (const { digest, size, kind, repository } of all) {
    if (!byDigest.has(digest)) byDigest.set(digest, { digest, size, kind, repository })
  }
  return [...byDigest.values()].sort((a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0))
}
