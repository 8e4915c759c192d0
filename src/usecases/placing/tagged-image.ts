import type { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { TagDecisions } from '../../plan/decide-tags.ts'
import {
  type ImageDecision,
  createPlacementEnd,
  formatPlacementId,
  createPlacement,
  refusal,
  type TargetDecision,
} from './plan-images.ts'

/** An image that stays in its repositories and gets tags there. */
export interface TaggedImage {
  /** as the user named it */
  readonly image: string
  readonly environment: string | undefined
  /** the tag that it was resolved by */
  readonly tag: string | undefined
  readonly root: Descriptor
  /** why it gets no tags in any target */
  readonly errors: readonly DrayError[]
  readonly targets: readonly TaggedTarget[]
}

export interface TaggedTarget {
  readonly repository: RepositoryName
  /** undefined: nothing could be decided, and `errors` give the reason */
  readonly tags: TagDecisions | undefined
  readonly errors: readonly DrayError[]
}

/** @param id the id of the image in the plan */
export function taggingDecision(
  { image, environment, tag, root, errors, targets }: TaggedImage,
  id: string,
): ImageDecision {
  const decided = targets.map(({ repository, tags, errors: ofTarget }, i) => {
    const subject = {
      id: formatPlacementId(id, i),
      image,
      from: createPlacementEnd(environment, repository, tag),
      to: createPlacementEnd(environment, repository),
      root,
    }
    const target: TargetDecision = { placement: createPlacement(subject, tags), tags, content: [] }
    return { target, refusals: ofTarget.map((error) => refusal(image, error, subject.id)) }
  })
  return {
    targets: decided.map(({ target }) => target),
    refusals: [
      ...errors.map((error) => refusal(image, error)),
      ...decided.flatMap(({ refusals }) => refusals),
    ],
  }
}
