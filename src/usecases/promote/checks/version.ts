import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { formatAt } from '../../../oci/reference.ts'
import { floatingLineIn } from '../../../semver/line.ts'
import { versionTagsIn } from '../../../semver/version.ts'
import { refusal } from '../../placing/plan-images.ts'
import { nameVersionHint } from '../source-version.ts'
import { listDecidedTargets, type PromotionCheck } from './check.ts'

/** Refuses an image that must have one version and has none or several. */
export const checkVersion: PromotionCheck = ({ request }, { requested: { version } }) =>
  isDrayError(version) ? [refusal(request.image, version)] : []

/**
 * Refuses a tag without a version if it is a floating tag at the target. The tag would move by its
 * name there, backward as well as forward.
 */
export const checkFloatingName: PromotionCheck = ({ request }, context) => {
  const { image, tags, tagMaintenance } = request
  if (context.requested.version !== undefined || tagMaintenance?.mayDerive !== true) return []
  return listDecidedTargets(context).flatMap(({ id, target: { repository, listed = [] } }) => {
    const { policy } = tagMaintenance
    const versions = versionTagsIn(listed, policy)
    const tag = tags.find((one) => floatingLineIn(one, versions, policy, []) !== undefined)
    if (tag === undefined) return []
    const error = new DrayError('refused', `the version of ${image} is unknown`, {
      why: `${formatAt(repository, { tag })} follows the versions there, and the source has no version tag of ${tag}`,
      hint: nameVersionHint,
    })
    return [refusal(image, error, id)]
  })
}
