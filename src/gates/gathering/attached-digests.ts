import { promotionPredicateType } from '../../audit/attestation/promotion-statement.ts'
import type { GateDefinition } from '../../config/gates/gate.ts'
import { cosignEntries } from '../../images/evidence/cosign-entries.ts'
import type { Evidence } from '../../images/evidence/evidence.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ManifestReader } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { isContentFailure } from '../../lib/errors.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import { isRecord } from '../../oci/json.ts'
import { parseManifest } from '../../oci/manifest.ts'
import type { AttachedEvidence } from '../evidence.ts'

/** Manifests that are read at once. */
const readsAtOnce = 8
/** Manifests that are read to find whether cosign replaced them. */
const maxReplaced = 100

interface AttachedContent {
  readonly evidence: readonly Evidence[]
  readonly verified: readonly AttachedEvidence[]
  readonly gates: readonly GateDefinition[]
}

/**
 * Returns the manifests of all attached artifacts. cosign replaces the manifest under a tag when it
 * adds an entry. A manifest that a promotion lists counts as attached if all of its entries are
 * under a tag now. Only completeness gates need that: one GET for each listed manifest that is no
 * longer attached.
 * @throws what the store throws for a read that failed.
 */
export async function attachedDigests(
  store: ManifestReader,
  { evidence, verified, gates }: AttachedContent,
  call: Call,
): Promise<ReadonlySet<Digest>> {
  const attached = new Set(evidence.map(({ manifest }) => manifest.digest))
  const tagged = evidence.filter(({ via }) => via === 'tag')
  if (tagged.length === 0 || !gates.some(({ kind }) => kind === 'completeness')) return attached
  const entries = new Set(
    tagged.flatMap(({ graph }) => graph.nodes.flatMap(({ manifest }) => cosignEntries(manifest))),
  )
  const gone = [...new Set(verified.flatMap(listedDigests))].filter((digest) => !attached.has(digest))
  const replaced = await inParallel(gone.slice(0, maxReplaced), readsAtOnce, call, async (digest, c) =>
    (await isReplaced(store, digest, entries, c)) ? [digest] : [],
  )
  return new Set([...attached, ...replaced.flat()])
}

/** The attached artifacts that a verified attestation of a promotion lists. */
function listedDigests({ content, signers }: AttachedEvidence): readonly Digest[] {
  const isPromotion = content.kind === 'statement' && content.predicateType === promotionPredicateType
  if (!isPromotion || signers.length === 0 || !isRecord(content.predicate)) return []
  const listed = content.predicate['evidence']
  return Array.isArray(listed)
    ? listed.filter((one): one is Digest => typeof one === 'string' && isDigest(one))
    : []
}

async function isReplaced(
  store: ManifestReader,
  digest: Digest,
  entries: ReadonlySet<string>,
  call: Call,
): Promise<boolean> {
  try {
    const content = await store.findManifest({ digest }, call)
    if (content === undefined) return false
    const own = cosignEntries(parseManifest(content.bytes, content.descriptor.mediaType, digest))
    return own.length > 0 && own.every((entry) => entries.has(entry))
  } catch (error) {
    if (!isContentFailure(error) || call.signal.aborted) throw error
    return false
  }
}
