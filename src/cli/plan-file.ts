import { DrayError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import type { PrunePlan } from '../plan/prune-plan.ts'

/** Reads a saved plan. @throws `not-found`, `io`; `malformed`, `unsupported`, `refused` as `parsePlanFile`. */
export async function readPlanFile(file: string): Promise<Plan | PrunePlan> {
  const [{ readFileBounded }, { maxPlanSize, parsePlanFile }] = await Promise.all([
    import('../files/read.ts'),
    import('../plan/plan-file.ts'),
  ])
  const bytes = await readFileBounded(file, maxPlanSize)
  if (bytes === undefined) {
    throw new DrayError('not-found', `there is no plan ${file}`, {
      hint: 'dray promote … --out FILE writes one, and so do tag, rollback and prune.',
    })
  }
  return parsePlanFile(bytes, file)
}
