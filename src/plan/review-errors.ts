import { DrayError } from '../lib/errors.ts'
import { formatAt, formatRepository } from '../oci/reference.ts'
import type { AttachStep, Placement, Step, TagStep } from './plan.ts'

const makeItAgain = 'Make the plan again.'

/** A tag that the current rules leave where it is. */
export function stays({ image }: Placement, { repository, tag }: TagStep, why: string): DrayError {
  return new DrayError('refused', `the plan moves the tag ${tag} of ${image} against the rules`, {
    subject: formatAt(repository, { tag }),
    why,
    hint: `${makeItAgain} To move a floating tag to a lower version, pass --allow-backward.`,
  })
}

/** A step that is decided now and that the plan does not have. */
export function omits({ image, to }: Placement, step: Step): DrayError {
  const subject = formatRepository(to.repository)
  switch (step.kind) {
    case 'attest':
      return new DrayError('refused', `the plan does not attest the promotion of ${image}`, {
        subject,
        why: 'attest is set for its environment in dray.yaml',
        hint: `${makeItAgain} To promote without an attestation, pass --no-attest.`,
      })
    case 'attach':
      return new DrayError('refused', `the plan leaves an attached artifact of ${image} behind`, {
        subject: formatAt(step.from, { digest: step.manifest.digest }),
        why: `it is attached to ${step.subject} at the source and missing at the destination`,
        hint: `${makeItAgain} To promote without attached artifacts, pass --no-evidence.`,
      })
    default:
      return new DrayError('refused', `the plan does not copy ${image}`, {
        subject,
        why: 'the destination does not have it',
        hint: makeItAgain,
      })
  }
}

/** An attached artifact that is not decided now. */
export function invents(
  { image }: Placement,
  { from, to, manifest, tag }: AttachStep,
  isKnown: boolean,
): DrayError {
  const place = tag === undefined ? { digest: manifest.digest } : { tag }
  return new DrayError(
    'refused',
    isKnown
      ? `the plan replaces attached artifacts of ${image} at the destination`
      : `the plan attaches an artifact to ${image} that the source does not have`,
    {
      subject: formatAt(isKnown ? to : from, place),
      hint: isKnown ? `${makeItAgain} To replace them, pass --evidence-conflict replace.` : makeItAgain,
    },
  )
}

/** A step that would be executed before what has to come first. */
export function outOfOrder({ image, to }: Placement, step: Step): DrayError {
  const what = step.kind === 'tag' ? `the tag ${step.tag}` : `the ${step.kind} step`
  return new DrayError('refused', `the plan writes ${what} of ${image} too early`, {
    subject: formatRepository(to.repository),
    why: 'content comes first, attached artifacts next, version tags before floating tags, latest last',
    hint: `${makeItAgain} To let the targets that are ready go first, pass --partial.`,
  })
}
