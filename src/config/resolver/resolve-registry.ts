import { asUsage } from '../../lib/as-usage.ts'
import { DrayError } from '../../lib/errors.ts'
import { defaultRegistry, isRepositoryPath, refuseScheme, wholePath } from '../../oci/reference.ts'
import { normalRegistry } from '../../oci/registry-host.ts'
import type { Config } from '../config.ts'
import { environmentNamed, repositoriesOf } from '../environments.ts'
import { RegistryNames } from '../registry-names.ts'
import { startsWithRegistry } from './argument-grammar.ts'
import { everyEnvironment, resolve } from './resolve.ts'

/** A registry, or a repository of it. */
export interface RegistryOrRepository {
  /** as references name it: `docker.io`, `registry.example.com:5000` */
  readonly registry: string
  readonly path?: string
}

/**
 * Resolves an argument to registries, each with one of its repositories if that is known: `HOST`,
 * `HOST:PORT`, `HOST/PATH`, or any form of `resolve`. A name without dot and port is a host only if
 * it has no slash and `dray.yaml` defines no environments.
 * @throws `usage`.
 */
export function resolveRegistries(text: string, config: Config): readonly RegistryOrRepository[] {
  const isHost = config.environments.size === 0 && !/[/@]/.test(text)
  if (isHost || (startsWithRegistry(`${text}/`) && !/^@|^oci:/.test(text)))
    return [parseHostAndPath(text, config.registries)]
  const within = everyEnvironment(config)
  const resolved = resolve(text, { accepts: ['repository', 'environment'], within }, config)
  if (resolved.kind === 'image') return onePerRegistry(resolved.repositories)
  return registriesOf([resolved.environment], config)
}

/**
 * As `resolveRegistries`, for a command that takes one. @throws `usage` if the argument names
 * several.
 */
export function resolveOneRegistry(text: string, config: Config): RegistryOrRepository {
  const [first, ...more] = resolveRegistries(text, config)
  if (first === undefined) throw new DrayError('internal', `${text} has no registry`)
  if (more.length === 0) return first
  throw new DrayError('usage', `${text} is in several registries`, {
    hint: `Write one of them: ${[first, ...more].map(({ registry }) => registry).join(', ')}.`,
  })
}

/**
 * The registries of environments, each with the repository of an image if `dray.yaml` lists images.
 */
export function registriesOf(
  environments: readonly string[],
  config: Config,
): readonly RegistryOrRepository[] {
  const [image] = config.images?.keys() ?? []
  return onePerRegistry(
    environments.flatMap((name): readonly RegistryOrRepository[] =>
      image === undefined
        ? environmentNamed(config, name).targets.map(({ registry }) => ({ registry }))
        : repositoriesOf(config, name, image),
    ),
  )
}

/**
 * Resolves the registry of `login` and `logout`; Docker Hub by default. @throws `usage`, also for a
 * repository.
 */
export function resolveLoginRegistry(
  text: string | undefined,
  command: 'login' | 'logout',
  registries?: Config['registries'],
): string {
  const { registry, path } = parseHostAndPath(text ?? defaultRegistry, registries)
  if (path === undefined) return registry
  throw new DrayError('usage', `${registry}/${path} is a repository, but a login is for a registry`, {
    hint: `Run "dray ${command} ${registry}".`,
  })
}

/**
 * Parses `HOST[:PORT][/PATH]`, as a person or Docker writes it. `https://` before it and `/v1/`
 * or `/v2/` after it are dropped.
 */
function parseHostAndPath(text: string, registries: Config['registries'] = new Map()): RegistryOrRepository {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/+(?:v[12]\/*)?$/, '')
  asUsage(() => refuseScheme(bare))
  const slash = bare.indexOf('/')
  const registry = normalRegistry(slash < 0 ? bare : bare.slice(0, slash))
  if (registry === undefined) throw notARegistry(text)
  const path = slash < 0 ? undefined : wholePath(registry, bare.slice(slash + 1))
  if (path !== undefined && !isRepositoryPath(path)) throw notARegistry(text)
  return { registry: new RegistryNames(registries).canonical(registry), ...(path !== undefined && { path }) }
}

function onePerRegistry(all: readonly RegistryOrRepository[]): readonly RegistryOrRepository[] {
  return [...new Map(all.toReversed().map((one) => [one.registry, one])).values()].toReversed()
}

function notARegistry(text: string): DrayError {
  return new DrayError('usage', `${JSON.stringify(text)} is not a registry`, {
    hint: 'Write a registry as HOST or HOST:PORT, and a repository as HOST/PATH.',
  })
}
