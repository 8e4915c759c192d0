import { DrayError } from '../../../lib/errors.ts'
import { refusal } from '../../placing/plan-images.ts'
import type { PromotionCheck } from './check.ts'

/** Refuses any digest other than that of `--expect-digest`. */
export const checkExpectedDigest: PromotionCheck = ({ request: { image, expect }, source: { root } }) => {
  if (expect === undefined || expect === root.digest) return []
  const error = new DrayError('refused', `${image} is not the image that was expected`, {
    subject: root.digest,
    why: `expected ${expect}, found ${root.digest}`,
    hint: 'The tag has moved since that digest was tested. Test what is there now, or promote the digest itself.',
  })
  return [refusal(image, error)]
}
