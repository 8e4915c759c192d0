import { syncRulesOf } from '../../../config/sync/sync-rules.ts'
import { decidePromotions, requestFor } from '../../changes/review/decide-promotions.ts'
import type { DecideAgain } from '../../changes/review/review-plan.ts'

/** A sync writes the digests of its plan, also if the tags of the source have moved since. */
export const decideSyncAgain: DecideAgain = {
  readsSources: true,
  decide: async (input) => {
    const rules = new Map(syncRulesOf(await input.context.config()).map((rule) => [rule.name, rule]))
    return await decidePromotions(input, (image) => {
      const [{ rule: name = '' }] = image.placements
      const request = requestFor(image, input, false)
      const platforms = rules.get(name)?.platforms
      return {
        ...request,
        to: { ...request.to, followsSource: true },
        ...(platforms !== undefined && { platforms }),
      }
    })
  },
}
