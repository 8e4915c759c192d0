import type { PromotionCheck } from './check.ts'
import { checkEvidence } from './evidence.ts'
import { checkExpectedDigest } from './expected-digest.ts'
import { checkPromotionOrder } from './promotion-order.ts'
import { checkTags } from './tags.ts'
import { checkUnread } from './unread.ts'
import { checkFloatingName, checkVersion } from './version.ts'

/** Every check of a promotion, in the order in which a plan shows the refusals. */
export const promotionChecks: readonly PromotionCheck[] = [
  checkVersion,
  checkExpectedDigest,
  checkPromotionOrder,
  checkUnread,
  checkFloatingName,
  checkTags,
  checkEvidence,
]
