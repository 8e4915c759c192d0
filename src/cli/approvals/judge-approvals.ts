import { repositoriesOf } from '../../config/environments.ts'
import type { GatePorts } from '../../gates/gate-request.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { ApprovedImage, ImageToApprove } from '../../usecases/approve/approval.ts'
import type { ChangePorts } from '../changes/operation.ts'
import type { ApprovalGates } from './approver-key.ts'

/**
 * Judges the gates that count approvals, with the new ones. A gate that cannot be judged is a
 * warning, because the decisions are attached already.
 * @throws the reason of the signal
 */
export async function judgeApprovals(
  images: readonly ImageToApprove[],
  outcomes: readonly ApprovedImage[],
  gates: ApprovalGates,
  ports: ChangePorts,
): Promise<readonly ApprovedImage[]> {
  const { context, call, terminal } = ports
  if (gates.trust === undefined) return outcomes
  const { createGatePorts } = await import('../gates/gate-ports.ts')
  const options = { trust: gates.trust, overrides: new Map<string, string>(), reportFiles: [] }
  const base = await createGatePorts(context, await context.config(), options)
  // The person who promotes is unknown now.
  const gatePorts = { ...base, actors: [] }
  const judged: ApprovedImage[] = []
  for (const [i, outcome] of outcomes.entries()) {
    const image = images[i]
    if (image === undefined || outcome.result !== 'done') {
      judged.push(outcome)
      continue
    }
    try {
      judged.push({ ...outcome, gates: await judgeImage(image, gates, gatePorts, ports) })
    } catch (error) {
      call.signal.throwIfAborted()
      terminal.warn(`the approvals of ${outcome.image} cannot be read now: ${toErrorInfo(error).message}`)
      judged.push(outcome)
    }
  }
  return judged
}

async function judgeImage(
  { root, from, name }: ImageToApprove,
  { gates, environment }: ApprovalGates,
  ports: GatePorts,
  { context, call }: ChangePorts,
): Promise<readonly GateResult[]> {
  const [{ judge }, { config }] = await Promise.all([import('../../gates/judge.ts'), context.config()])
  const [repository = from.repository] = repositoriesOf(config, environment, name)
  const request = {
    root,
    from,
    to: { environment, repository },
    operation: 'check' as const,
    gates: gates.map((gate) => ({ gate, image: name })),
  }
  return (await judge(request, ports, call)).filter(({ result }) => result !== 'skipped')
}
