import { basename } from 'node:path'
import type { Config } from '../../../config/config.ts'
import { resolveImage, type ResolvedImage } from '../../../config/resolver/resolve.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Platform } from '../../../oci/platform.ts'
import {
  defaultTag,
  formatRepository,
  isRepositoryPath,
  layoutRegistry,
  type RepositoryName,
} from '../../../oci/reference.ts'
import type { PackRequest } from '../../../usecases/bundle/create/request.ts'
import type { Context } from '../../wiring/context.ts'

/**
 * Resolves an image of the command line: a reference, `@ENV/IMAGE:TAG` or a layout.
 * @throws `usage`; what the layout throws.
 */
export async function packRequestOf(
  text: string,
  platforms: readonly Platform[] | undefined,
  context: Context,
  call: Call,
): Promise<PackRequest> {
  const { config } = await context.config()
  const image = await withTag(resolveArgument(text, context.cwd, config), context, call)
  const [repository] = image.repositories
  const { tag, digest } = image
  return {
    image: text,
    repository,
    at: digest === undefined ? { tag: tag ?? defaultTag } : { digest },
    path: image.image ?? pathOf(repository, text),
    source: sourceOf(repository),
    tags: tag === undefined ? (digest === undefined ? [defaultTag] : []) : [tag],
    ...(platforms !== undefined && { platforms }),
  }
}

/** Returns where content comes from, without folders of this machine. */
export function sourceOf(repository: RepositoryName): string {
  const { registry, path } = repository
  return registry === layoutRegistry ? `${registry}${basename(path)}` : formatRepository(repository)
}

function resolveArgument(text: string, cwd: string, config: Config): ResolvedImage {
  const within = { environments: [] }
  return resolveImage(text, { accepts: ['image', 'layout'], within, cwd }, config)
}

async function withTag(image: ResolvedImage, context: Context, call: Call): Promise<ResolvedImage> {
  const { form, tag, digest, repositories } = image
  if (form !== 'layout' || tag !== undefined || digest !== undefined) return image
  const { onlyImageOfLayout } = await import('../../wiring/only-image.ts')
  return { ...image, ...(await onlyImageOfLayout(context, repositories[0].path, call)) }
}

/** A bundle has the path of the repository; of a layout, the name of its folder. */
function pathOf({ registry, path }: RepositoryName, text: string): string {
  const name = registry === layoutRegistry ? basename(path) : path
  if (isRepositoryPath(name)) return name
  throw new DrayError('usage', `${text} has no name for the bundle`, {
    why: `${JSON.stringify(name)} is not the path of a repository`,
    hint: 'Rename the folder of the layout: use lower-case letters, digits, dots and hyphens.',
  })
}
