import { refusal } from '../../placing/plan-images.ts'
import { listDecidedTargets, type PromotionCheck } from './check.ts'

/** Refuses a cosign tag with own entries at each side, unless `--evidence-conflict` decides. */
export const checkEvidence: PromotionCheck = ({ request: { image } }, context) =>
  listDecidedTargets(context).flatMap(({ id, evidence }) =>
    evidence.flatMap((one) => (one.kind === 'conflict' ? [refusal(image, one.error, id)] : [])),
  )
