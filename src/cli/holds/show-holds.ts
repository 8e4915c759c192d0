import { renderHeldImages } from '../../render/holds.ts'
import { listHolds } from '../../usecases/hold/list.ts'
import type { ChangePorts } from '../changes/operation.ts'
import { exitCodes } from '../command/exit-codes.ts'
import { digestLines } from '../output/result-lines.ts'
import { listedRepositories } from './hold-requests.ts'

/** Lists the held images of environments and repositories. @throws what the registries throw. */
export async function showHolds(
  references: readonly string[],
  env: string | undefined,
  { context, reading, terminal }: ChangePorts,
): Promise<void> {
  const { config } = await context.config()
  const repositories = listedRepositories(references, env, config)
  await context.expectRepositories(
    [],
    repositories.map(({ repository }) => repository),
    'read',
  )
  const images = await listHolds(repositories, await context.stores(), context.clock.now(), reading)
  terminal.finish({ images }, (page) => renderHeldImages(images, page), exitCodes.done, digestLines(images))
}
