import type { Stats } from 'node:fs'
import { DrayError } from '../errors.ts'
import { othersWhoWriteFile } from '../files/ownership.ts'
import type { Plan } from '../plan/plan.ts'
import type { PrunePlan } from '../plan/prune-plan.ts'

export interface PlanFileOptions {
  /** Refuses a file that others than this user and root can write to. */
  readonly ownOnly: boolean
}

/** Reads a saved plan. @throws `not-found`, `io`; `malformed`, `unsupported`, `refused` as `parsePlanFile`. */
export async function readPlanFile(file: string, { ownOnly }: PlanFileOptions): Promise<Plan | PrunePlan> {
  const [{ readFileBounded }, { maxPlanSize, parsePlanFile }] = await Promise.all([
    import('../files/read.ts'),
    import('../plan/plan-file.ts'),
  ])
  const check = (stats: Stats): void => refuseUntrusted(file, stats)
  const bytes = await readFileBounded(file, maxPlanSize, ownOnly ? { check } : {})
  if (bytes === undefined) {
    throw new DrayError('not-found', `there is no plan ${file}`, {
      hint: 'dray promote … --out FILE writes one, and so do tag, rollback and prune.',
    })
  }
  return parsePlanFile(bytes, file)
}

/** The hash of a plan shows no change by somebody who computes a new one. */
function refuseUntrusted(file: string, stats: Stats): void {
  const why = othersWhoWriteFile(stats, process.env)
  if (why === undefined) return
  const isOwn = stats.uid === process.geteuid?.()
  throw new DrayError('refused', `cannot apply the plan ${file}`, {
    subject: file,
    why,
    hint: isOwn
      ? `Check it with "dray plan show ${file}", then run "chmod go-w ${file}".`
      : 'Check it with "dray plan show", then apply a copy that belongs to you.',
  })
}
