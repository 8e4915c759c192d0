import { DrayError } from '../errors.ts'
import { registryOrigin } from '../http/origins.ts'
import { isRepositoryPath } from '../oci/reference.ts'

/** A registry, or a repository of it. */
export interface RegistryPlace {
  /** as references name it: `docker.io`, `registry.example.com:5000` */
  readonly registry: string
  readonly path?: string
}

export const dockerHub = 'docker.io'
const dockerHubNames: ReadonlySet<string> = new Set([dockerHub, 'index.docker.io', 'registry-1.docker.io'])

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
  const registry = dockerHubNames.has(host) ? dockerHub : host
  return { registry, ...(path !== undefined && { path }) }
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
