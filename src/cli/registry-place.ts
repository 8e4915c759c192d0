import { registryNamed } from '../credentials/registry-keys.ts'
import { DrayError } from '../errors.ts'
import { registryOrigin } from '../http/origins.ts'
import { defaultRegistry, isRepositoryPath } from '../oci/reference.ts'

/** A registry, or a repository of it. */
export interface RegistryPlace {
  /** as references name it: `docker.io`, `registry.example.com:5000` */
  readonly registry: string
  readonly path?: string
}

/** Reads `HOST[:PORT][/REPOSITORY]`, as a person or docker writes it: a scheme before it and `/v1/` or `/v2/` behind it are left away. @throws `usage`. */
export function parseRegistryPlace(text: string): RegistryPlace {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/+(?:v[12]\/*)?$/, '')
  const slash = bare.indexOf('/')
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase()
  const path = slash < 0 ? undefined : bare.slice(slash + 1)
  if (host === '' || (path !== undefined && !isRepositoryPath(path))) throw notARegistry(text)
  if (!isHost(host)) throw notARegistry(text)
  return { registry: registryNamed(host), ...(path !== undefined && { path }) }
}

/** Reads the registry that one logs in to or out of; Docker Hub where none is named. @throws `usage`, for a repository too. */
export function parseLoginRegistry(text: string | undefined, command: 'login' | 'logout'): string {
  const { registry, path } = parseRegistryPlace(text ?? defaultRegistry)
  if (path === undefined) return registry
  throw new DrayError('usage', `${registry}/${path} is a repository, and one logs in to a registry`, {
    hint: `dray ${command} ${registry}`,
  })
}

function isHost(host: string): boolean {
  try {
    return registryOrigin(host).host !== ''
  } catch {
    return false
  }
}

function notARegistry(text: string): DrayError {
  return new DrayError('usage', `${JSON.stringify(text)} is no registry`, {
    hint: 'A registry is HOST or HOST:PORT, such as registry.example.com; a repository HOST/PATH.',
  })
}
