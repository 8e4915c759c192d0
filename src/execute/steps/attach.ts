import type { Call } from '../../lib/call.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { formatAt } from '../../oci/reference.ts'
import { invalidPlan } from '../../plan/invalid-plan.ts'
import type { Transferred } from '../../plan/outcome.ts'
import type { AttachStep } from '../../plan/plan.ts'
import type { CopyResult } from '../../images/copy.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import type { Repositories } from '../../images/ports.ts'
import type { TagWrite } from '../tags/tag-writer.ts'
import type { PreparedStep, StepContext, StepOrder } from './prepared-step.ts'
import { explainRefusedArtifact } from './refused-artifact.ts'
import { checkedTagStep } from './tag.ts'

/**
 * Returns a function that lists the referrers at a target. The steps of one subject share one read:
 * a list of n referrers would be read n times otherwise.
 */
export function listReferrersOnce(stores: Repositories, call: Call): StepContext['listReferrers'] {
  const lists = new Map<string, Promise<readonly Descriptor[]>>()
  return (to, subject) => {
    const key = formatAt(to, { digest: subject })
    const list = lists.get(key) ?? listReferrers(stores.target(to), subject, call)
    lists.set(key, list)
    // a failure is not kept: the next step reads the list again
    list.catch(() => lists.delete(key))
    return list
  }
}

/** Copies a referrer. */
export function attachReferrer(step: AttachStep, context: StepContext): PreparedStep {
  const { stores, copier, checksContent, contentCall } = context
  const to = stores.target(step.to)
  return {
    check: async () => {
      if (!checksContent || step.repair === true) return { state: 'expected' }
      const listed = await context.listReferrers(step.to, step.subject)
      return { state: listed.some((d) => d.digest === step.manifest.digest) ? 'upToDate' : 'expected' }
    },
    act: async (recordIntent) => {
      await recordIntent()
      const from = stores.source(step.from)
      try {
        return await copier.copy(from, to, step.manifest, { rootBy: 'digest' }, contentCall)
      } catch (error) {
        throw await explainRefusedArtifact(error, step, from, contentCall)
      }
    },
  }
}

/** Copies what a cosign tag points at, and writes the tag. */
export function attachUnderTag(step: AttachStep, context: StepContext, order: StepOrder): PreparedStep {
  const { stores, copier, contentCall } = context
  const [from, to] = [stores.source(step.from), stores.target(step.to)]
  let copied: CopyResult | undefined
  const copyContent = async (): Promise<Transferred> => {
    copied = await copier.copy(from, to, step.manifest, { rootBy: 'tag' }, contentCall)
    return copied.transferred
  }
  const prepared = checkedTagStep(tagOfAttach(step), context, order, copyContent)
  return {
    ...prepared,
    act: async (recordIntent) => {
      const acted = await prepared.act(recordIntent)
      const error = await explainRefusedArtifact(acted.error, step, from, contentCall)
      return {
        ...acted,
        ...(error !== undefined && { error }),
        unlisted: [...(copied?.unlisted ?? []), ...(acted.unlisted ?? [])],
      }
    },
  }
}

/** @throws `malformed` if the step names no tag */
export function tagOfAttach({ id, to, tag, manifest, from, expect, repair }: AttachStep): TagWrite {
  if (tag === undefined) throw invalidPlan('the plan', `the step ${id} has no tag`)
  return { repository: to, tag, target: manifest, from, expect, ...(repair === true && { repair }) }
}
