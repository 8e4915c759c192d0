import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import type { RepositoryNode, StatementLayer } from '../../images/graph/repository-node.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader } from '../../images/ports.ts'
import type { PublicKey } from '../../signing/dsse.ts'
import { maxBundleSize } from '../../signing/sigstore-bundle.ts'
import { readBlob } from '../artifact.ts'
import { promotionPredicateType } from './promotion-statement.ts'
import {
  type AttestationVerification,
  isAttestationType,
  unreadable,
  verifyAttestation,
} from './verify-attestation.ts'

const readsAtOnce = 8
/** Limits the reads for an image with very many attestations, and their bytes. */
const maxAttestations = 5000
const maxTotal = 16 * 1024 * 1024

export interface KnownAttestationsPorts {
  readonly store: BlobReader
  /** content that dray has read before */
  readonly contents?: ContentStore | undefined
  readonly keys: readonly PublicKey[]
}

/**
 * Reads the promotion attestations among referrers of an image whose manifests are known, and
 * verifies each with the keys.
 * @throws what the store throws, except for missing or damaged content; `unsupported` for too many
 * attestations, because an ignored one could be the newest.
 */
export async function readKnownAttestations(
  image: Digest,
  referrers: Iterable<RepositoryNode>,
  { store, contents, keys }: KnownAttestationsPorts,
  call: Call,
): Promise<readonly AttestationVerification[]> {
  const layers = [...referrers].flatMap(({ subject, statement }) =>
    subject === image && statement !== undefined && mayBePromotion(statement) ? [statement] : [],
  )
  const total = layers.reduce((sum, { layer }) => sum + layer.size, 0)
  if (layers.length > maxAttestations || total > maxTotal) {
    throw new DrayError('unsupported', `the image has too many attestations: ${layers.length}`, {
      subject: formatAt(store.repository, { digest: image }),
      why: `dray reads at most ${maxAttestations} attestations and ${maxTotal} bytes of an image`,
    })
  }
  const found = await inParallel(layers, readsAtOnce, call, async (statement, c) => {
    const { layer, predicateType } = statement
    try {
      const bytes = await readLayer(statement, { store, contents, keys }, c)
      return verifyAttestation(bytes, layer.mediaType, image, keys)
    } catch (error) {
      const verified = unreadable(error)
      return predicateType === promotionPredicateType ? verified : undefined
    }
  })
  return found.flatMap((one) => one ?? [])
}

function mayBePromotion({ layer, predicateType }: StatementLayer): boolean {
  const isOther = predicateType !== undefined && predicateType !== promotionPredicateType
  return !isOther && isAttestationType(layer.mediaType)
}

async function readLayer(
  { layer }: StatementLayer,
  { store, contents }: KnownAttestationsPorts,
  call: Call,
): Promise<Uint8Array> {
  if (layer.size > maxBundleSize) throw new DrayError('malformed', `it is larger than ${maxBundleSize} bytes`)
  const known = await contents?.get(layer.digest)
  if (known !== undefined) return known
  const bytes = await readBlob(store, layer, call)
  await contents?.put(layer.digest, bytes)
  return bytes
}
