import { formatPromotion, type Promotion } from '../../../src/audit/attestation/promotion-statement.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { promotionOf } from '../attestations.ts'
import type { Content } from '../images.ts'
import { attestation, type AttestationOptions } from './attached.ts'
import { digestOfSubject, type Subject } from './statements.ts'
import type { TestSigner } from './test-signer.ts'

/** A signed attestation of a promotion of the subject to staging. */
export function promotion(
  subject: Subject,
  signer: TestSigner,
  changes: Partial<Promotion> & { readonly time: string },
  options: AttestationOptions = {},
): Content {
  const to = { environment: 'staging', repository: { registry: 'registry.test', path: 'staging/api' } }
  const digest = parseDigest(digestOfSubject(subject))
  const bytes = formatPromotion(promotionOf(digest, { to, evidence: [], ...changes, digest }))
  const { predicate } = JSON.parse(Buffer.from(bytes).toString()) as { predicate: unknown }
  return attestation(subject, 'urn:dray:promotion:v1', predicate, signer, options)
}

export interface DecisionOptions extends AttestationOptions {
  readonly environment?: string
  readonly expires?: string
}

/** A signed decision of a person about the subject for prod, as `dray approve` makes it. */
export function decision(
  subject: Subject,
  person: TestSigner,
  kind: 'approve' | 'reject',
  timestamp: string,
  { environment = 'prod', expires, ...options }: DecisionOptions = {},
): Content {
  const predicate = {
    digest: digestOfSubject(subject),
    environment,
    decision: kind,
    timestamp,
    ...(expires !== undefined && { expires }),
  }
  return attestation(subject, 'urn:dray:approval:v1', predicate, person, options)
}
