import { refusal } from '../../placing/plan-images.ts'
import type { PromotionCheck } from './check.ts'

/** Refuses a target that could not be read. */
export const checkUnread: PromotionCheck = ({ request: { image } }, { targets }) =>
  targets.flatMap(({ id, target }) => (target.kind === 'unread' ? [refusal(image, target.error, id)] : []))
