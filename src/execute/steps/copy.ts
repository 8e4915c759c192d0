import type { CopyStep } from '../../plan/plan.ts'
import type { PreparedStep, StepContext } from './prepared-step.ts'

/** Copies an image, or all of it but the root if a tag step puts the root. */
export function copyImage(step: CopyStep, context: StepContext): PreparedStep {
  const { stores, copier, checksContent, contentCall } = context
  const to = stores.target(step.to)
  return {
    check: async () => {
      // A registry that has the root has the whole image: it would have refused the root otherwise.
      // `--verify` finds what was lost since.
      if (checksContent && step.repair !== true) {
        const found = await to.resolve({ digest: step.root.digest }, contentCall)
        if (found !== undefined) return { state: 'upToDate' }
      }
      const gates = await context.checkGatesOfUntagged(step)
      return gates?.error === undefined ? { state: 'expected' } : { state: 'conflict', error: gates.error }
    },
    act: async (recordIntent) => {
      await recordIntent()
      const from = stores.source(step.from)
      return await copier.copy(from, to, step.root, { rootBy: step.rootBy }, contentCall)
    },
  }
}
