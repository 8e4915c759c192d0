import type { Call } from '../../lib/call.ts'
import { layoutRegistry, type TagOrDigest } from '../../oci/reference.ts'
import type { Context } from './context.ts'

/** The only image of a layout. @throws `usage` if it has several; `not-found`, `io`. */
export async function onlyImageOfLayout(
  { cwd, clock }: Pick<Context, 'cwd' | 'clock'>,
  folder: string,
  call: Call,
): Promise<TagOrDigest> {
  const { LayoutRepositories } = await import('../../layout/layout-repositories.ts')
  return await new LayoutRepositories(cwd, clock)
    .source({ registry: layoutRegistry, path: folder })
    .onlyImage(call)
}
