import type { EvidenceView } from '../../usecases/views/inspect/evidence-view.ts'
import type { ImageView } from '../../usecases/views/inspect/inspect.ts'
import type { Digest } from '../../oci/digest.ts'
import { escapeText } from '../text/escape.ts'
import { formatDigestOn, formatBytes } from '../text/format.ts'
import type { Page } from '../text/style.ts'
import { cut } from '../text/width.ts'

/** The kinds of cosign's tags by suffix (cosign, SIGNATURE_SPEC). Manifests do not have them. */
const cosignKinds: ReadonlyMap<string, string> = new Map([
  ['sig', 'cosign signature'],
  ['att', 'cosign attestation'],
  ['sbom', 'cosign SBOM'],
])

/** Renders attached artifacts below their subject, and those of attached artifacts below that. */
export function renderEvidence(view: ImageView, page: Page): string {
  const all = view.evidence
  if (all === null) return page.style.dim('unknown: dray cannot read them')
  if (all.length === 0) return page.style.dim(formatNone(view))
  const bySubject = Map.groupBy(all, ({ subject }) => subject)
  const evidence = new Set(all.map(({ descriptor }) => descriptor.digest))
  // A child of the index that is evidence appears below its subject.
  const manifests = view.manifests.filter(({ descriptor }) => !evidence.has(descriptor.digest))
  const byDigest = Map.groupBy(manifests, ({ descriptor }) => descriptor.digest)
  const names = new Map(
    [...byDigest].map(([digest, those]) => [
      digest,
      those.map(({ platform }) => platform ?? 'manifest').join(', '),
    ]),
  )
  if (view.kind === 'index') names.set(view.image.digest, 'index')
  return [...names]
    .filter(([digest]) => bySubject.has(digest))
    .flatMap(([digest, name]) => [
      subjectLine(name, formatDigestOn(page, digest), page),
      ...branches(digest, bySubject, page, '', new Set()),
    ])
    .join('\n')
}

/** Names what was not read: the index of a platform, and manifests that do not exist. */
function formatNone({ index, missing }: ImageView): string {
  if (index !== undefined) return 'none of this platform; dray did not read those of the index'
  return missing === undefined ? 'none' : 'none of the manifests that exist'
}

function subjectLine(name: string, digest: string, { style, width = Infinity }: Page): string {
  return `${cut(escapeText(name), width - digest.length - 1)} ${style.dim(digest)}`
}

function branches(
  subject: Digest,
  bySubject: ReadonlyMap<Digest, readonly EvidenceView[]>,
  page: Page,
  indent: string,
  above: ReadonlySet<Digest>,
): string[] {
  // a registry can be made to answer that two manifests are evidence of each other
  if (above.has(subject)) return []
  const items = bySubject.get(subject) ?? []
  return items.flatMap((item, i) => {
    const isLast = i === items.length - 1
    const below = `${indent}${isLast ? '   ' : '│  '}`
    const before = `${indent}${isLast ? '└─ ' : '├─ '}`
    return [
      before + evidenceLine(item, before.length, page),
      ...branches(item.descriptor.digest, bySubject, page, below, new Set([...above, subject])),
    ]
  })
}

function evidenceLine(item: EvidenceView, used: number, page: Page): string {
  const { style, width = Infinity } = page
  const digest = formatDigestOn(page, item.descriptor.digest)
  const size = formatBytes(item.size)
  const space = Math.max(8, width - used - digest.length - size.length - 4)
  return [cut(kindOf(item), space), style.cyan(digest), style.dim(size)].join('  ')
}

/** Formats the kind of evidence, and its predicate types if they are known. */
function kindOf({ artifactType, descriptor, predicates = [], tag, via }: EvidenceView): string {
  const kind =
    cosignKinds.get(tag?.split('.').at(-1) ?? '') ??
    (via === 'index' ? 'buildkit attestation' : escapeText(artifactType ?? descriptor.mediaType))
  return predicates.length === 0 ? kind : `${kind} (${predicates.map(escapeText).join(', ')})`
}
