import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, formatRepository } from '../oci/reference.ts'
import type { AttachStep, Placement, Step, TagStep } from './plan.ts'

const planAgain = 'Make a new plan.'

/** The current rules do not move the tag. */
export function movesTag({ image }: Placement, { repository, tag }: TagStep, why: string): DrayError {
  return new DrayError('refused', `the plan moves the tag ${tag} of ${image} against the tag policy`, {
    subject: formatAt(repository, { tag }),
    why,
    hint: `${planAgain} To move a floating tag to a lower version, pass --allow-backward.`,
  })
}

/** The registry would delete an image, and the plan does not show that. */
export function losesImage({ repository, tag }: TagStep, before: Digest | null): DrayError {
  return new DrayError('conflict', 'the registry would delete an image that the plan does not show', {
    subject: formatAt(repository, { tag }),
    why: `no other tag points to ${before ?? 'it'} now, and this registry deletes an image when its last tag moves`,
    hint: `Nothing was changed. ${planAgain}`,
  })
}

/** The plan lacks a step that is decided now. */
export function lacksStep({ image, to }: Placement, step: Step): DrayError {
  const subject = formatRepository(to.repository)
  switch (step.kind) {
    case 'attest':
      return new DrayError('refused', `the plan does not attest the promotion of ${image}`, {
        subject,
        why: 'dray.yaml sets attest for its environment',
        hint: `${planAgain} To promote without an attestation, pass --no-attest.`,
      })
    case 'attach':
      return new DrayError('refused', `the plan omits an attached artifact of ${image}`, {
        subject: formatAt(step.from, { digest: step.manifest.digest }),
        why: `it is attached to ${step.subject} at the source and missing at the destination`,
        hint: `${planAgain} To promote without attached artifacts, pass --no-evidence.`,
      })
    default:
      return new DrayError('refused', `the plan lacks the copy of ${image}`, {
        subject,
        why: 'the destination does not have it',
        hint: planAgain,
      })
  }
}

/** The plan attaches an artifact that is not decided now. */
export function addsArtifact(
  { image }: Placement,
  { from, to, manifest, tag }: AttachStep,
  isKnown: boolean,
): DrayError {
  const at = tag === undefined ? { digest: manifest.digest } : { tag }
  return new DrayError(
    'refused',
    isKnown
      ? `the plan replaces attached artifacts of ${image} at the destination`
      : `the plan attaches an artifact to ${image} that the source does not have`,
    {
      subject: formatAt(isKnown ? to : from, at),
      why: isKnown
        ? 'the current rules keep the artifacts that are at the destination'
        : 'no attached artifact at the source has this digest',
      hint: isKnown ? `${planAgain} To replace them, pass --evidence-conflict replace.` : planAgain,
    },
  )
}

/** The plan executes a step before those that must come first. */
export function outOfOrder({ image, to }: Placement, step: Step): DrayError {
  const what = step.kind === 'tag' ? `the tag ${step.tag}` : `the ${step.kind} step`
  return new DrayError('refused', `the plan writes ${what} of ${image} too early`, {
    subject: formatRepository(to.repository),
    why: 'the order is content, attached artifacts, version tags, floating tags, latest',
    hint: `${planAgain} To write tags at the targets that are ready, pass --partial.`,
  })
}
