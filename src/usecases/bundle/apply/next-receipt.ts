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
  readonly deleted?: DeletedByBundle | undefined
}

/** The deletes of a bundle that were executed at every destination. */
export interface DeletedByBundle {
  /** `library/alpine:3.20` */
  readonly tags: ReadonlySet<string>
  /** `library/alpine@sha256:…`: manifests that were deleted at any destination */
  readonly manifests: ReadonlySet<string>
}

const nothing: DeletedByBundle = { tags: new Set(), manifests: new Set() }

/**
 * Returns the receipt of a destination at which a bundle was applied: pure. That of an increment
 * contains the roots and the content of the earlier bundles too. Of each tag, it has only the last
 * root. Tags to delete that were kept stay in it, so that the next bundle names them again.
 */
export function nextReceipt(
  { id, sequence, base, roots, carries, expects }: BundleDocument,
  { before, destination, auditHead, deleted = nothing }: ReceiptFacts,
): BundleReceipt {
  // A full bundle begins anew: what earlier ones brought may be deleted by then.
  const earlier = base === undefined && before?.bundle.id !== id ? undefined : before
  return {
    schema: 'dray.receipt/1',
    bundle: { id, sequence },
    destination,
    roots: mergeRoots(withoutTags(earlier?.roots ?? [], deleted.tags), roots.map(withoutBase)),
    present: mergeContent([...(earlier?.present ?? []), ...expects, ...carries]).filter(
      ({ repository, digest }) => !deleted.manifests.has(`${repository}@${digest}`),
    ),
    ...(auditHead !== undefined && { auditHead }),
  }
}

/** Where a tag was before the bundle is not of interest after it. */
function withoutBase({ replaces: _replaces, ...root }: BundleRoot): BundleRoot {
  return root
}

/** An image that lost its last tag goes with its attached artifacts. */
function withoutTags(roots: readonly BundleRoot[], deleted: ReadonlySet<string>): readonly BundleRoot[] {
  if (deleted.size === 0) return roots
  const left = roots.map((root) => ({
    ...root,
    tags: root.tags.filter((tag) => !deleted.has(`${root.repository}:${tag}`)),
  }))
  const nameOf = (repository: string, digest: Digest): string => `${repository}@${digest}`
  const gone = new Set(
    left.flatMap(({ repository, root, tags }, i) =>
      tags.length === 0 && (roots[i]?.tags.length ?? 0) > 0 ? [nameOf(repository, root.digest)] : [],
    ),
  )
  return left.filter(
    ({ repository, root, attached }) =>
      !gone.has(nameOf(repository, attached === undefined ? root.digest : attached.subject)),
  )
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
