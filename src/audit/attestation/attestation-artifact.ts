import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatRepository } from '../../oci/reference.ts'
import { describe, sourceOf } from '../artifact.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import type {
  BlobWriter,
  ManifestContent,
  ManifestReader,
  ManifestWriter,
  ReferrerLister,
  UnlistedReferrer,
} from '../../images/ports.ts'
import { signEnvelope } from '../../signing/dsse.ts'
import { formatPromotion, type Promotion, promotionPredicateType } from './promotion-statement.ts'
import { bundleMediaType, formatBundle, hintOf } from '../../signing/sigstore-bundle.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import { statementMediaType } from '../../signing/statement.ts'

/** Annotations of an attestation's manifest. They identify it in a list of referrers. */
export const attestationAnnotations = {
  /** defined by cosign for bundles */
  content: 'dev.sigstore.bundle.content',
  /** defined by cosign for bundles */
  bundlePredicateType: 'dev.sigstore.bundle.predicateType',
  /** defined by BuildKit for plain statements */
  predicateType: 'in-toto.io/predicate-type',
  created: 'org.opencontainers.image.created',
  /** the hash of the plan */
  plan: 'dray.promotion.plan',
  /** identifies the content of the attestation: see `identityOf` */
  id: 'dray.promotion.id',
} as const

/** A promotion to attest. It is signed if there is a key. */
export interface Attestation {
  readonly promotion: Promotion
  /** the promoted manifest or index */
  readonly subject: Descriptor
  readonly key?: SigningKey
}

/** A manifest that refers to its subject, and its only blob. */
export interface AttestationArtifact {
  /** with `artifactType` and annotations, as a list of referrers shows it */
  readonly manifest: ManifestContent
  readonly blob: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }
}

/**
 * Builds an attestation as a referrer: a sigstore bundle as cosign 3 does, or the plain statement
 * if there is no key. The config repeats the layer instead of the empty descriptor. That saves up
 * to three requests, and clients that take the artifact type from the config find the right one.
 */
export function attestationArtifact(attestation: Attestation): AttestationArtifact {
  const { promotion, subject, key } = attestation
  if (subject.digest !== promotion.digest) {
    throw new DrayError('internal', `an attestation of ${promotion.digest} cannot refer to ${subject.digest}`)
  }
  const statement = formatPromotion(promotion)
  const bytes =
    key === undefined ? statement : formatBundle(signEnvelope(statementMediaType, statement, key), key)
  const artifactType = key === undefined ? statementMediaType : bundleMediaType
  const blob = describe(bytes, artifactType)
  const annotations = annotationsOf(attestation)
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: blob,
      layers: [blob],
      subject: bareDescriptor(subject),
      annotations,
    }),
  )
  const descriptor = { ...describe(manifest, mediaTypes.manifest), artifactType, annotations }
  return { manifest: { descriptor, bytes: manifest }, blob: { descriptor: blob, bytes } }
}

function annotationsOf(attestation: Attestation): Readonly<Record<string, string>> {
  const { promotion, key } = attestation
  const names = attestationAnnotations
  return {
    ...(key === undefined
      ? { [names.predicateType]: promotionPredicateType }
      : { [names.content]: 'dsse-envelope', [names.bundlePredicateType]: promotionPredicateType }),
    [names.created]: promotion.time,
    [names.plan]: promotion.plan,
    [names.id]: identityOf(attestation),
  }
}

/** The same for the same plan, image, destination, tags and key, whenever the plan is executed. */
function identityOf({ promotion, key }: Attestation): string {
  return digestOf(
    canonicalJson({
      plan: promotion.plan,
      digest: promotion.digest,
      to: formatRepository(promotion.to.repository),
      tags: promotion.tags.map(({ tag }) => tag).sort(),
      key: key === undefined ? null : hintOf(key),
    }),
  )
}

export interface AttachResult {
  readonly result: 'attached' | 'unchanged'
  /** the attestation's manifest, as a list of referrers shows it */
  readonly manifest: Descriptor
  /** the attestation, if the caller has to list it */
  readonly unlisted: readonly UnlistedReferrer[]
}

/**
 * Attaches an attestation to its subject, which must exist. Keeps an attestation that was written
 * for the same plan. Sends at most six requests. @throws what the store throws.
 */
export async function attachAttestation(
  store: ManifestReader & ReferrerLister & ManifestWriter & BlobWriter,
  attestation: Attestation,
  call: Call,
): Promise<AttachResult> {
  const { subject } = attestation
  const existing = await findWritten(store, attestation, call)
  if (existing !== undefined) return { result: 'unchanged', manifest: existing, unlisted: [] }
  const { manifest, blob } = attestationArtifact(attestation)
  await store.putBlob(blob.descriptor, { ...sourceOf(blob.bytes), isNew: true }, call)
  const put = await store.putManifest(manifest.descriptor, manifest.bytes, [], call)
  const { descriptor } = manifest
  const unlisted = put.subjectListed ? [] : [{ subject: subject.digest, entry: descriptor }]
  return { result: 'attached', manifest: descriptor, unlisted }
}

async function findWritten(
  store: ManifestReader & ReferrerLister,
  attestation: Attestation,
  call: Call,
): Promise<Descriptor | undefined> {
  const id = identityOf(attestation)
  const listed = await listReferrers(store, attestation.subject.digest, call)
  const same = listed.find((entry) => entry.annotations?.[attestationAnnotations.id] === id)
  if (same === undefined) return undefined
  // An entry under a fallback tag may name a manifest that was deleted.
  const exists = (await store.resolve({ digest: same.digest }, call)) !== undefined
  return exists ? same : undefined
}
