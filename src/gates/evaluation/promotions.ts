import {
  type Promotion,
  promotionOf,
  promotionPredicateType,
} from '../../audit/attestation/promotion-statement.ts'
import { toDrayError } from '../../lib/errors.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../evidence.ts'
import { isDamagedEvidence } from './damaged-evidence.ts'
import { mayBeStatement } from './maybe-statement.ts'
import { acceptedSigners, nameArtifact, whyNotAccepted } from './signers.ts'

/** A promotion that an accepted signer states about a manifest. */
export interface VerifiedPromotion {
  readonly evidence: AttachedEvidence
  readonly signers: readonly VerifiedSigner[]
  readonly promotion: Promotion
  /** milliseconds since 1970 */
  readonly time: number
}

export interface FoundPromotions {
  readonly promotions: readonly VerifiedPromotion[]
  /** why a statement cannot be read that could be a newer promotion */
  readonly unreadable?: string
  /** why other statements do not count */
  readonly warnings: readonly string[]
}

/** Returns the promotions of a manifest by the attestations that an accepted signer made. */
export function findPromotions(
  image: JudgedImage,
  subject: JudgedSubject,
  signedBy: readonly string[],
): FoundPromotions {
  const attached = image.evidence.filter(
    (one) => one.attachedTo === subject.digest && mayBeStatement(one, promotionPredicateType),
  )
  const found = attached.map((evidence) => readPromotion(evidence, subject, signedBy))
  const unreadable = found.find((one) => one.unreadable !== undefined)?.unreadable
  return {
    promotions: found.flatMap(({ promotion }) => promotion ?? []),
    ...(unreadable !== undefined && { unreadable }),
    warnings: found.flatMap(({ warning }) => warning ?? []),
  }
}

interface ReadPromotion {
  readonly promotion?: VerifiedPromotion
  readonly unreadable?: string
  readonly warning?: string
}

function readPromotion(
  evidence: AttachedEvidence,
  subject: JudgedSubject,
  signedBy: readonly string[],
): ReadPromotion {
  const { content } = evidence
  const name = nameArtifact('promotion', evidence)
  const signers = acceptedSigners(evidence, signedBy)
  if (signers.length === 0 && !isDamagedEvidence(evidence))
    return { warning: `${name} does not count: ${whyNotAccepted(evidence, signedBy)}` }
  if (content.kind === 'unreadable') return { unreadable: `${name} cannot be read: ${content.reason}` }
  if (content.kind !== 'statement') return {}
  if (!content.digests.includes(subject.digest))
    return { warning: `${name} does not count: it is about another digest` }
  try {
    const { predicateType, predicate, digests: subjects } = content
    const fields = predicate as Readonly<Record<string, unknown>>
    const promotion = promotionOf({ subjects, annotations: {}, predicateType, predicate: fields }, 'it')
    return { promotion: { evidence, signers, promotion, time: Date.parse(promotion.time) } }
  } catch (error) {
    return { unreadable: `${name} cannot be read: ${toDrayError(error).message}` }
  }
}
