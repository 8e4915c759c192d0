import type { Config } from '../../config/config.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { DrayError } from '../../lib/errors.ts'
import { defaultRegistry, isRepositoryPath } from '../../oci/reference.ts'
import { normalRegistry } from '../../oci/registry-host.ts'

/** A registry, or a repository of it. */
export interface RegistryPlace {
  /** as references name it: `docker.io`, `registry.example.com:5000` */
  readonly registry: string
  readonly path?: string
}

/**
 * Reads `HOST[:PORT][/REPOSITORY]`, as a person or docker writes it. A scheme before it and `/v1/` or `/v2/` behind it are dropped.
 * @param registries those of dray.yaml, which may say that the scheme of one is another than its host implies
 * @throws `usage`.
 */
export function parseRegistryPlace(
  text: string,
  registries: Config['registries'] = new Map(),
): RegistryPlace {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/+(?:v[12]\/*)?$/, '')
  const slash = bare.indexOf('/')
  const registry = normalRegistry(slash < 0 ? bare : bare.slice(0, slash))
  const path = slash < 0 ? undefined : bare.slice(slash + 1)
  if (registry === undefined || (path !== undefined && !isRepositoryPath(path))) throw notARegistry(text)
  return { registry: new RegistryNames(registries).canonical(registry), ...(path !== undefined && { path }) }
}

/** Reads the registry that one logs in to or out of; Docker Hub where none is named. @throws `usage`, for a repository too. */
export function parseLoginRegistry(
  text: string | undefined,
  command: 'login' | 'logout',
  registries?: Config['registries'],
): string {
  const { registry, path } = parseRegistryPlace(text ?? defaultRegistry, registries)
  if (path === undefined) return registry
  throw new DrayError('usage', `${registry}/${path} is a repository, and one logs in to a registry`, {
    hint: `dray ${command} ${registry}`,
  })
}

function notARegistry(text: string): DrayError {
  return new DrayError('usage', `${JSON.stringify(text)} is no registry`, {
    hint: 'A registry is HOST or HOST:PORT, such as registry.example.com; a repository HOST/PATH.',
  })
}
