import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { type Manifest, parseManifest } from '../../oci/manifest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatAt } from '../../oci/reference.ts'
import { listAllReferrers } from '../../images/evidence/referrers.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader, Capabilities, ManifestReader, ReferrerLister } from '../../images/ports.ts'
import { readBlob } from '../artifact.ts'
import { predicateTypeOf } from '../../oci/evidence-kind.ts'
import type { PublicKey } from '../../signing/dsse.ts'
import {
  isAttestationType,
  type AttestationVerification,
  verifyAttestation,
  unreadable,
} from './verify-attestation.ts'
import { promotionPredicateType } from './promotion-statement.ts'
import { maxBundleSize } from '../../signing/sigstore-bundle.ts'

const readsAtOnce = 8
/** Limits the reads for an image with very many referrers. */
const maxReferrers = 5000

/** Limits the bytes read for one image: enough for thousands of attestations. */
const maxTotal = 16 * 1024 * 1024

/** A promotion attestation that is attached to an image, and its verification. */
export interface FoundAttestation extends AttestationVerification {
  readonly manifest: Descriptor
}

/**
 * Reads all promotion attestations among the referrers of an image, from the API or the fallback
 * tag, and verifies each with the keys. A damaged one is reported as `unreadable` and does not
 * affect the others. @throws what the store throws, except for missing or damaged content;
 * `unsupported` for too many referrers.
 */
export async function readAttestations(
  store: ManifestReader & BlobReader & ReferrerLister & Pick<Capabilities, 'capability'>,
  image: Digest,
  keys: readonly PublicKey[],
  call: Call,
): Promise<readonly FoundAttestation[]> {
  const listed = await listAllReferrers(store, image, call)
  if (listed.length > maxReferrers) {
    throw new DrayError('unsupported', `the image has more than ${maxReferrers} referrers`, {
      subject: formatAt(store.repository, { digest: image }),
    })
  }
  const reader: AttestationReader = { store, image, keys, left: maxTotal }
  const found = await inParallel(listed.filter(mayBePromotion), readsAtOnce, call, (entry, c) =>
    readOne(reader, entry, c),
  )
  return found.flatMap((one) => one ?? [])
}

interface AttestationReader {
  readonly store: ManifestReader & BlobReader
  readonly image: Digest
  readonly keys: readonly PublicKey[]
  /** bytes that may still be read */
  left: number
}

async function readOne(
  reader: AttestationReader,
  entry: Descriptor,
  call: Call,
): Promise<FoundAttestation | undefined> {
  const { store, image, keys } = reader
  let claimsPromotion = predicateTypeOf(entry.annotations) === promotionPredicateType
  try {
    const content = await store.manifest(entry, call)
    const manifest = parseManifest(content.bytes, content.descriptor.mediaType, 'the manifest')
    // A list may name a manifest with another subject, which is not attached to this image.
    if (manifest.subject?.digest !== image || !mayBePromotion(manifest)) return undefined
    claimsPromotion ||= predicateTypeOf(manifest.annotations) === promotionPredicateType
    const layer = layerOf(manifest)
    if (layer === undefined) return undefined
    const verified = verifyAttestation(await readLayer(reader, layer, call), layer.mediaType, image, keys)
    if (verified === undefined || (verified.status === 'unreadable' && !claimsPromotion)) return undefined
    return { ...verified, manifest: entry }
  } catch (error) {
    const verified = unreadable(error)
    return claimsPromotion ? { ...verified, manifest: entry } : undefined
  }
}

/** The only layer of an attestation; undefined for another kind of artifact. */
function layerOf(manifest: Manifest): Descriptor | undefined {
  if (manifest.kind !== 'manifest') return undefined
  const [layer, ...others] = manifest.layers
  return layer !== undefined && others.length === 0 && isAttestationType(layer.mediaType) ? layer : undefined
}

type Described = Pick<Descriptor, 'artifactType' | 'annotations'>

/**
 * Skips artifacts that declare another type. cosign 3 lists its bundles under the type
 * of their empty config, without annotations.
 */
function mayBePromotion(described: Described): boolean {
  const predicateType = predicateTypeOf(described.annotations)
  if (predicateType !== undefined) return predicateType === promotionPredicateType
  const { artifactType } = described
  return artifactType === undefined || artifactType === mediaTypes.empty || isAttestationType(artifactType)
}

async function readLayer(reader: AttestationReader, d: Descriptor, call: Call): Promise<Uint8Array> {
  if (d.size > maxBundleSize) {
    throw new DrayError('malformed', `it is larger than ${maxBundleSize} bytes`)
  }
  reader.left -= d.size
  if (reader.left < 0) {
    throw new DrayError('malformed', `the image has more than ${maxTotal} bytes of attestations`)
  }
  return await readBlob(reader.store, d, call)
}
