import { DrayError } from '../../../lib/errors.ts'
import { refusal } from '../../placing/plan-images.ts'
import type { PromotionCheck } from './check.ts'

/** Refuses a source that is not in `promoteFrom` of the destination. */
export const checkPromotionOrder: PromotionCheck = ({ request: { image, from, to } }) => {
  const { environment } = from
  if (to.accepts === undefined || (environment !== undefined && to.accepts.includes(environment))) return []
  const source = environment ?? 'outside every environment'
  const error = new DrayError(
    'refused',
    `${to.environment ?? 'the destination'} does not take images from ${source}`,
    {
      why: `its promoteFrom is [${to.accepts.join(', ')}]`,
      hint: `Promote through ${to.accepts.join(' or ')}, or change promoteFrom in dray.yaml.`,
    },
  )
  return [refusal(image, error)]
}
