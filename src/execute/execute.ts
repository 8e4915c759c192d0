import type { Call } from '../lib/call.ts'
import type { StepOutcome } from '../plan/outcome.ts'
import type { Plan } from '../plan/plan.ts'
import type { PrunePlan } from '../plan/prune/prune-plan.ts'
import type { ExecutePorts, PrunePorts } from './ports.ts'
import { RecordWriter } from './records/record-writer.ts'
import { PlanExecution } from './steps/plan-execution.ts'

/**
 * Executes a plan of any operation. Just before each change it checks what the plan expects and
 * records the intent; then it makes the change and records the outcome. A step is not attempted
 * unless all steps before it succeeded. There is an outcome for every step, also after a failure
 * or a stop: those of deletes go to the port `ended`.
 * @throws `audit` if a record cannot be written; what is under way is finished first
 */
export function execute(plan: Plan, ports: ExecutePorts, call: Call): Promise<readonly StepOutcome[]>
export function execute(plan: PrunePlan, ports: PrunePorts, call: Call): Promise<void>
export async function execute(
  ...[plan, ports, call]: [Plan, ExecutePorts, Call] | [PrunePlan, PrunePorts, Call]
): Promise<readonly StepOutcome[] | void> {
  const records = new RecordWriter(plan, ports)
  if (!('repositories' in plan)) return await new PlanExecution(plan, ports, records, call).run()
  // a promotion does not load this part
  const { executeDeletes } = await import('./deletes/execute-deletes.ts')
  return await executeDeletes(plan, ports as PrunePorts, records, call)
}
