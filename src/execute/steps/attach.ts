import { DrayError } from '../../lib/errors.ts'
import type { AttachStep } from '../../plan/plan.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import type { TagWrite } from '../tags/tag-writer.ts'
import type { PreparedStep, StepContext, StepOrder } from './prepared-step.ts'
import { checkedTagStep } from './tag.ts'

/** Copies a referrer. */
export function attachReferrer(step: AttachStep, context: StepContext): PreparedStep {
  const { stores, copier, checksContent, contentCall } = context
  const to = stores.target(step.to)
  return {
    check: async () => {
      if (!checksContent || step.repair === true) return { state: 'expected' }
      const listed = await listReferrers(to, step.subject, contentCall)
      return { state: listed.some((d) => d.digest === step.manifest.digest) ? 'upToDate' : 'expected' }
    },
    act: async (recordIntent) => {
      await recordIntent()
      const from = stores.source(step.from)
      return { moved: await copier.copy(from, to, step.manifest, { rootBy: 'digest' }, contentCall) }
    },
  }
}

/** Copies what a cosign tag points at, and writes the tag. */
export function attachUnderTag(step: AttachStep, context: StepContext, order: StepOrder): PreparedStep {
  const { stores, copier, contentCall } = context
  const copyContent = (): ReturnType<typeof copier.copy> =>
    copier.copy(
      stores.source(step.from),
      stores.target(step.to),
      step.manifest,
      { rootBy: 'tag' },
      contentCall,
    )
  return checkedTagStep(tagOfAttach(step), context, order, copyContent)
}

/** @throws `malformed` if the step names no tag */
export function tagOfAttach({ id, to, tag, manifest, from, expect, repair }: AttachStep): TagWrite {
  if (tag === undefined) throw new DrayError('malformed', `step ${id} attaches under a tag and names none`)
  return { repository: to, tag, target: manifest, from, expect, ...(repair === true && { repair }) }
}
