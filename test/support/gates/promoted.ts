import {
  formatPromotion,
  type Promotion,
  promotionPredicateType,
} from '../../../src/audit/attestation/promotion-statement.ts'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import { promotionOf } from '../attestations.ts'
import { type Attached, index, now, statement } from './judged-image.ts'

/** An attestation of a promotion to staging, by the signer `promotions`. */
export function promoted(
  over: Partial<Promotion> & { readonly age?: number } = {},
  options: Attached = {},
): AttachedEvidence {
  const { age = 0, ...fields } = over
  const promotion = promotionOf(options.about?.[0] ?? index, {
    to: { environment: 'staging', repository: { registry: 'registry.example.com', path: 'staging/api' } },
    evidence: [],
    time: new Date(now - age).toISOString(),
    ...fields,
  })
  const { predicate } = JSON.parse(new TextDecoder().decode(formatPromotion(promotion))) as {
    predicate: unknown
  }
  return statement(promotionPredicateType, predicate, { by: ['promotions'], ...options })
}
