import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import type { BlobWriter, ManifestReader, ManifestWriter, ReferrerLister } from '../../images/ports.ts'
import { formatPromotion, type Promotion, promotionPredicateType } from './promotion-statement.ts'
import { hintOf } from '../../signing/sigstore-bundle.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import {
  putStatement,
  type PutStatement,
  type StatementArtifact,
  statementArtifact,
} from './statement-artifact.ts'

/** Annotations of an attestation's manifest. They identify it in a list of referrers. */
export const attestationAnnotations = {
  created: annotationKeys.created,
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

/** Builds an attestation as a referrer. */
export function attestationArtifact(attestation: Attestation): StatementArtifact {
  const { promotion, subject, key } = attestation
  if (subject.digest !== promotion.digest) {
    throw new DrayError('internal', `an attestation of ${promotion.digest} cannot refer to ${subject.digest}`)
  }
  return statementArtifact({
    statement: formatPromotion(promotion),
    predicateType: promotionPredicateType,
    subject,
    key,
    annotations: annotationsOf(attestation),
  })
}

function annotationsOf(attestation: Attestation): Readonly<Record<string, string>> {
  const { promotion } = attestation
  const names = attestationAnnotations
  return {
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

/**
 * Attaches an attestation to its subject, which must exist. Keeps an attestation that was written
 * for the same plan. Sends at most six requests. @throws what the store throws.
 */
export async function attachAttestation(
  store: ManifestReader & ReferrerLister & ManifestWriter & BlobWriter,
  attestation: Attestation,
  call: Call,
): Promise<PutStatement> {
  const { subject } = attestation
  const existing = await findWritten(store, attestation, call)
  if (existing !== undefined) return { result: 'unchanged', manifest: existing, unlisted: [] }
  return await putStatement(store, attestationArtifact(attestation), subject, call)
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
