import { findImagesAt, repositoriesOf } from '../../config/environments.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import type { ApprovedImage, ImageToApprove } from '../../usecases/approve/approval.ts'
import type { ApprovalGates } from './approver-key.ts'
import type { ApprovePorts } from './approve-ports.ts'

/**
 * Judges the gates that count approvals, with the new ones. A gate that cannot be judged is a
 * warning, because the decisions are attached already.
 * @throws the reason of the signal
 */
export async function judgeApprovals(
  images: readonly ImageToApprove[],
  outcomes: readonly ApprovedImage[],
  { gates, trust }: ApprovalGates,
  { context, call, warn }: Pick<ApprovePorts, 'context' | 'call' | 'warn'>,
): Promise<readonly ApprovedImage[]> {
  if (trust === undefined) return outcomes
  const [{ judge }, { config }, stores] = await Promise.all([
    import('../../gates/judge.ts'),
    context.config(),
    context.stores(),
  ])
  const ports = {
    stores,
    trust,
    clock: context.clock,
    // Nobody promotes yet, so everybody counts.
    actors: [],
    overrides: new Map<string, string>(),
    reportFiles: [],
    environmentsOf: (repository: ImageToApprove['from']['repository']) =>
      findImagesAt(config, repository).map(({ environment }) => environment),
    currentTagOf: () => [],
  }
  const judged: ApprovedImage[] = []
  for (const [i, outcome] of outcomes.entries()) {
    const image = images[i]
    const [gate] = gates
    const [repository] =
      gate === undefined || image === undefined ? [] : repositoriesOf(config, gate.environment, image.name)
    if (outcome.result !== 'done' || image === undefined || gate === undefined || repository === undefined) {
      judged.push(outcome)
      continue
    }
    const { root, from, name } = image
    const to = { environment: gate.environment, repository }
    const request = {
      root,
      from,
      to,
      operation: 'check' as const,
      gates: gates.map((one) => ({ gate: one, image: name })),
    }
    try {
      judged.push({ ...outcome, gates: await judge(request, ports, call) })
    } catch (error) {
      call.signal.throwIfAborted()
      warn(`dray cannot evaluate the approvals of ${outcome.image} now: ${toErrorInfo(error).message}`)
      judged.push(outcome)
    }
  }
  return judged
}
