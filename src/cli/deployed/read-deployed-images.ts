import type { Call } from '../../lib/call.ts'
import type { StatusTarget } from '../../usecases/views/status/facts.ts'
import type { StatusCell } from '../../usecases/views/status/status.ts'
import type { Context } from '../wiring/context.ts'

/** An image at one target, with the digest that `dray status` shows as deployed there. */
export interface DeployedImage {
  readonly target: StatusTarget
  readonly cell: StatusCell
}

/**
 * Reads the images at these targets, in their order. A target that cannot be read is a cell with
 * the state `unreachable`.
 */
export async function readDeployedImages(
  context: Context,
  targets: readonly StatusTarget[],
  call: Call,
): Promise<readonly DeployedImage[]> {
  const [{ gatherStatus }, { buildStatus }, stores] = await Promise.all([
    import('../../usecases/views/status/gather-status.ts'),
    import('../../usecases/views/status/status.ts'),
    context.stores(),
  ])
  const repositories = targets.map(({ repository }) => repository)
  await context.expectRepositories([], repositories, 'read')
  const options = {
    now: new Date(context.clock.now()),
    children: false,
    inventory: (registry: string): ReturnType<typeof context.inventory> => context.inventory(registry),
  }
  const facts = await gatherStatus(stores, targets, [], options, call)
  return facts.flatMap((fact) =>
    buildStatus([fact.target.environment], [], [fact]).images.flatMap(({ cells }) =>
      cells.map((cell) => ({ target: fact.target, cell })),
    ),
  )
}
