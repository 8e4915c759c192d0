import { DrayError } from '../../../lib/errors.ts'
import { refusal } from '../../placing/plan-images.ts'
import type { PromotionCheck } from './check.ts'

/** Refuses a source that is not in `promoteFrom` of the destination. */
export const checkPromotionOrder: PromotionCheck = ({ request: { image, from, to } }) => {
  const { environment } = from
  if (to.accepts === undefined || (environment !== undefined && to.accepts.includes(environment))) return []
  const source = environment ?? 'a repository outside every environment'
  const error = new DrayError(
    'refused',
    `${to.environment ?? 'the destination'} does not accept images from ${source}`,
    {
      why: `promoteFrom of ${to.environment ?? 'the destination'} in dray.yaml is [${to.accepts.join(', ')}]`,
      hint:
        to.accepts.length === 0
          ? 'Change promoteFrom in dray.yaml.'
          : `Promote from ${to.accepts.join(' or ')}: pass --from ${to.accepts[0]}. To allow another source, change promoteFrom in dray.yaml.`,
    },
  )
  return [refusal(image, error)]
}
