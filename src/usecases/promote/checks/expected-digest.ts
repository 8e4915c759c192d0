import { DrayError } from '../../../lib/errors.ts'
import { refusal } from '../../placing/plan-images.ts'
import type { PromotionCheck } from './check.ts'

/** Refuses any digest other than that of `--expect-digest`. */
export const checkExpectedDigest: PromotionCheck = ({ request: { image, expect }, source: { root } }) => {
  if (expect === undefined || expect === root.digest) return []
  const error = new DrayError('refused', `${image} does not have the expected digest`, {
    subject: root.digest,
    why: `--expect-digest is ${expect}, and the digest is ${root.digest}`,
    hint: 'Test the current digest and pass it with --expect-digest, or promote the tested digest: IMAGE@DIGEST.',
  })
  return [refusal(image, error)]
}
