import type { Config } from '../../config/config.ts'
import { resolveEnvironmentOption, type ResolvedImage } from '../../config/resolver/resolve.ts'
import { ageOf } from '../../config/retention/age.ts'
import { endOfDay } from '../../lib/day.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseCreated } from '../../oci/created.ts'
import { tagOrDigest } from '../../oci/reference.ts'
import type { PlacementEnd } from '../../plan/plan.ts'
import type { ApprovalRequest } from '../../usecases/approve/approval.ts'
import { resolveImagesFor } from '../arguments/check-requests.ts'
import { imageNameOf } from '../arguments/promote-requests.ts'

/** The arguments and options of `approve` that name images. */
export interface ApproveArguments {
  readonly references: readonly string[]
  readonly to: string
  readonly from?: string | undefined
  /** the folder that relative paths of layouts start at */
  readonly cwd: string
}

/** Resolves the arguments of `approve`. @throws `usage`. */
export function approvalRequests(
  { references, to, from, cwd }: ApproveArguments,
  config: Config,
): { readonly environment: string; readonly requests: readonly ApprovalRequest[] } {
  if (references.length === 0) {
    throw new DrayError('usage', 'an image is missing', {
      hint: 'Pass the images to approve: dray approve api:1.4.2 --to prod --key FILE',
    })
  }
  const destination = resolveEnvironmentOption(to, config)
  const images = resolveImagesFor(references, { destination, from, cwd }, config)
  return {
    environment: destination.environment,
    requests: images.map((image) => ({
      image: image.shortText,
      name: imageNameOf(image, destination),
      from: sourceOf(image),
      at: tagOrDigest(image),
    })),
  }
}

function sourceOf({ environment, repositories, isNamed, tag }: ResolvedImage): PlacementEnd {
  return {
    ...(isNamed && environment !== undefined && { environment }),
    repository: repositories[0],
    ...(tag !== undefined && { tag }),
  }
}

/**
 * Parses `--expires`: a span such as `7d`, a day (`2027-01-31`, valid through that day in UTC), or
 * a time. Returns milliseconds since 1970. @throws `usage`, also for the past.
 */
export function parseExpiry(text: string, now: number): number {
  const time = readExpiry(text, now)
  if (time === undefined || Number.isNaN(time))
    throw wrongExpiry(
      text,
      'it is neither a span nor a day',
      'Pass a span such as 7d, or a day such as 2027-01-31.',
    )
  if (time <= now) throw wrongExpiry(text, 'it is in the past', 'Pass a later time.')
  return time
}

function readExpiry(text: string, now: number): number | undefined {
  if (/^\d+[mhdw]$/.test(text)) {
    const age = ageOf(text, 'the decision would expire at once')
    if (typeof age === 'string') throw wrongExpiry(text, age, 'Pass a span such as 7d.')
    return now + age
  }
  return endOfDay(text) ?? parseCreated(text)
}

function wrongExpiry(text: string, why: string, hint: string): DrayError {
  return new DrayError('usage', `${JSON.stringify(text)} is no value of --expires`, { why, hint })
}
