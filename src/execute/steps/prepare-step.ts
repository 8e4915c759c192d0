import { nothingTransferred } from '../../plan/outcome.ts'
import type { Step } from '../../plan/plan.ts'
import { attachReferrer, attachUnderTag } from './attach.ts'
import { copyImage } from './copy.ts'
import type { PreparedStep, StepContext, StepOrder } from './prepared-step.ts'
import { checkedTagStep } from './tag.ts'

export function prepareStep(step: Step, context: StepContext, order: StepOrder): PreparedStep {
  switch (step.kind) {
    case 'copy':
      return copyImage(step, context)
    case 'attach':
      return step.via === 'tag' ? attachUnderTag(step, context, order) : attachReferrer(step, context)
    case 'attest':
      return {
        check: async () => ({ state: 'expected' }),
        act: async (recordIntent) => {
          await recordIntent()
          const unlisted = await context.attest(step, context.contentCall)
          return { transferred: nothingTransferred, unlisted }
        },
      }
    case 'tag':
      return checkedTagStep(step, context, order)
  }
}
