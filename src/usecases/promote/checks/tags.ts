import { refusal } from '../../placing/plan-images.ts'
import { listDecidedTargets, type PromotionCheck } from './check.ts'

/** Refuses a version tag or immutable tag on another digest, and one tag for several images. */
export const checkTags: PromotionCheck = ({ request: { image } }, context) =>
  listDecidedTargets(context).flatMap(({ id, tags }) =>
    tags.refusals.map((error) => refusal(image, error, id)),
  )
