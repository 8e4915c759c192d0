import { refusal } from '../../placing/plan-images.ts'
import { decidedTargets, type PromotionCheck } from './check.ts'

/** Refuses a version tag or immutable tag on another digest, and a tag that several images would get. */
export const checkTags: PromotionCheck = ({ request: { image } }, context) =>
  decidedTargets(context).flatMap(({ id, tags }) => tags.refusals.map((error) => refusal(image, error, id)))
