import type { Call } from '../../lib/call.ts'
import type { Config } from '../../config/config.ts'
import { environmentNamed, findImagesAt, repositoriesOf } from '../../config/environments.ts'
import { parseRepositoryPattern } from '../../config/resolver/repository-pattern.ts'
import { resolve } from '../../config/resolver/resolve.ts'
import { matchesRepository, type RepositoryPattern } from '../../selectors/repository-pattern.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import type { RetentionPolicy, Rule } from '../../config/retention/policy.ts'
import { readingAt } from '../../config/settings/version-reading.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatRepository, parseRepository, type RepositoryName } from '../../oci/reference.ts'
import type { RepositoryPolicy } from '../../usecases/prune/policy/policy.ts'
import { isInShard, type Shard } from '../arguments/shard.ts'
import { asUsage } from '../../lib/as-usage.ts'

export interface ScopeOptions {
  /** patterns of the arguments; none: all repositories of the policy */
  readonly patterns: readonly string[]
  readonly exclude: readonly string[]
  readonly shard?: Shard
}

/** A repository to read, with the part of the policy that applies to it. */
export interface ScopedRepository {
  readonly repository: RepositoryName
  /** `@dev/api`, or `registry.example.com/dev/api` outside environments */
  readonly image: string
  readonly environment?: string
  readonly policy: RepositoryPolicy
  /** the names of the protections by use that apply to it */
  readonly inUse: ReadonlySet<string>
}

export interface PruneScope {
  readonly repositories: readonly ScopedRepository[]
  /** it has all repositories of the policy */
  readonly isWhole: boolean
  /** the arguments name the repositories */
  readonly isNamed: boolean
  /** patterns of the arguments, the rules and `--exclude` that match no repository */
  readonly unmatched: readonly string[]
  readonly protections: readonly { readonly name: string; readonly optional: boolean }[]
}

/**
 * Lists the paths of the repositories of a registry, at least all those that begin with `prefix`,
 * if the registry has a catalog or the API of its vendor lists them.
 */
export type ListRepositories = (registry: string, call: Call, prefix: string) => Promise<readonly string[]>

/**
 * Resolves which repositories to read, and which part of the policy applies to each.
 * @throws `usage`, and what the catalog throws.
 */
export async function resolveScope(
  retention: RetentionPolicy,
  options: ScopeOptions,
  config: Config,
  catalog: ListRepositories,
  call: Call,
): Promise<PruneScope> {
  const { patterns, exclude, shard } = options
  const given = patterns.map((text) => resolvePattern(text, config))
  const named = patterns.length === 0 ? patternsOf(retention, config) : given
  const excluded = exclude.map((text) => resolvePattern(text, config))
  const names = new RegistryNames(config.registries)
  const found = new Map<string, RepositoryName>()
  const unmatched = new Set<string>()
  for (const pattern of named) {
    const expanded = await expand(pattern, config, catalog, call)
    if (expanded.length === 0) unmatched.add(pattern.text)
    for (const repository of expanded) {
      // Under two names a repository would be decided and counted twice.
      const identity = names.identity(repository)
      if (!found.has(identity)) found.set(identity, repository)
    }
  }
  for (const pattern of excluded)
    if (![...found.values()].some((one) => isNamed([pattern], one, config))) unmatched.add(pattern.text)
  const repositories = [...found.values()]
    .filter((repository) => !isNamed(excluded, repository, config))
    .filter((repository) => shard === undefined || isInShard(repository, shard))
    .map((repository) => applyPolicy(retention, repository, config))
  const isWhole = patterns.length === 0 && exclude.length === 0 && shard === undefined
  return {
    repositories,
    isWhole,
    isNamed: patterns.length > 0,
    unmatched: [...unmatched],
    protections: retention.protect.map(({ name, optional }) => ({ name, optional })),
  }
}

/** @throws `usage`. */
function resolvePattern(text: string, config: Config): RepositoryPattern {
  // Text without a wildcard is an argument. The parser of patterns has the error for a host alone.
  const isHost = /^(?:localhost|[^/:@]*\.[^/:@]*)(?::\d+)?$/.test(text)
  if (!isHost && !text.includes('*')) resolve(text, { accepts: ['repository', 'environment'] }, config)
  const pattern = asUsage(() => parseRepositoryPattern(text, config))
  if (pattern.in.kind === 'environment') environmentNamed(config, pattern.in.environment)
  return pattern
}

/**
 * The repositories of the rules; a rule without repositories applies to every environment.
 * @throws `usage`.
 */
function patternsOf({ rules }: RetentionPolicy, config: Config): readonly RepositoryPattern[] {
  const isForAll = rules.some(({ repositories }) => repositories === undefined)
  const environments = [...config.environments.keys()].map((name) =>
    parseRepositoryPattern(`@${name}`, config),
  )
  const patterns = [
    ...rules.flatMap(({ repositories = [] }) => repositories),
    ...(isForAll ? environments : []),
  ]
  if (patterns.length > 0) return patterns
  throw new DrayError('usage', 'no repository to prune', {
    why: 'neither the command nor a rule of the policy names a repository',
    hint: 'Name a repository: dray prune registry.example.com/team/api. Or add "repositories:" to the rules in dray.yaml.',
  })
}

async function expand(
  pattern: RepositoryPattern,
  config: Config,
  catalog: ListRepositories,
  call: Call,
): Promise<readonly RepositoryName[]> {
  const { in: place, glob, isPlain } = pattern
  const names = new RegistryNames(config.registries)
  if (place.kind === 'registry') {
    const registry = names.canonical(place.registry)
    if (isPlain) return [parseRepository(`${registry}/${glob}`)]
    const prefix = prefixOf(glob, registry, place.registry, names)
    return await matching(pattern, { registry, prefix }, config, catalog, call)
  }
  if (isPlain) return asUsage(() => repositoriesOf(config, place.environment, glob))
  if (config.images !== undefined) {
    const images = [...config.images.keys()].filter((image) => pattern.regex.match(image) !== undefined)
    return images.flatMap((image) => repositoriesOf(config, place.environment, image))
  }
  const prefixes = new Map<string, string>()
  for (const { registry, path } of environmentNamed(config, place.environment).targets) {
    const own = prefixOf(path.replace('{image}', '*'), registry, registry, names)
    prefixes.set(registry, commonStart(prefixes.get(registry) ?? own, own))
  }
  const lists = [...prefixes].map(([registry, prefix]) =>
    matching(pattern, { registry, prefix }, config, catalog, call),
  )
  return (await Promise.all(lists)).flat()
}

interface RegistryPart {
  readonly registry: string
  /** how the paths of all repositories begin that can match */
  readonly prefix: string
}

async function matching(
  pattern: RepositoryPattern,
  { registry, prefix }: RegistryPart,
  config: Config,
  catalog: ListRepositories,
  call: Call,
): Promise<readonly RepositoryName[]> {
  const paths = await catalog(registry, call, prefix)
  const all = paths.map((path) => ({ registry, path }))
  return all.filter((repository) => isNamed([pattern], repository, config))
}

/**
 * The path before the first wildcard of a pattern; empty if an alias gives the repositories other
 * paths.
 */
function prefixOf(glob: string, registry: string, of: string, names: RegistryNames): string {
  const prefix = glob.slice(0, glob.indexOf('*'))
  const path = `${prefix}x`
  const paths = names.pathsAt(of, { registry, path }).map((one) => one.path)
  return paths.length === 1 && paths[0] === path ? prefix : ''
}

function commonStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

function isNamed(
  patterns: readonly RepositoryPattern[],
  repository: RepositoryName,
  config: Config,
): boolean {
  const names = new RegistryNames(config.registries)
  const places = findImagesAt(config, repository)
  return patterns.some((pattern) => matchesRepository(pattern, repository, places, names))
}

/** Selects the parts of a policy that apply to one repository. */
export function applyPolicy(
  { protect, rules, limits, timeFrom }: Pick<RetentionPolicy, 'protect' | 'rules' | 'limits' | 'timeFrom'>,
  repository: RepositoryName,
  config: Config,
): ScopedRepository {
  const places = findImagesAt(config, repository)
  const names = new RegistryNames(config.registries)
  const applies = ({ repositories }: Pick<Rule, 'repositories'>): boolean =>
    repositories?.some((pattern) => matchesRepository(pattern, repository, places, names)) ?? true
  const protections = protect.filter(applies)
  const [place] = places
  return {
    repository,
    image: place === undefined ? formatRepository(repository) : `@${place.environment}/${place.image}`,
    ...(place !== undefined && { environment: place.environment }),
    policy: {
      protect: protections.filter((one) => one.kind === 'tags'),
      rules: rules.filter(applies),
      limits,
      timeFrom,
      reading: readingAt(config, repository, place?.environment),
      isPromotionTarget: config.environments.get(place?.environment ?? '')?.promoteFrom !== undefined,
    },
    inUse: new Set(protections.flatMap(({ kind, name }) => (kind === 'inUse' ? [name] : []))),
  }
}
