import { basename } from 'node:path'
import type { Config } from '../../config/config.ts'
import { environmentAt, environmentNamed, findImagesAt } from '../../config/environments.ts'
import { destinationsOf, relativePathOf, sourceOf } from '../../config/sync/destinations.ts'
import type { RelativePattern, SyncRule } from '../../config/sync/sync-rule.ts'
import { readingAt } from '../../config/settings/version-reading.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { VersionReading } from '../../semver/version.ts'
import type { SyncPlace, SyncTarget } from '../../usecases/sync/snapshot.ts'
import { isInShard, type Shard } from '../arguments/shard.ts'
import type { ListRepositories } from '../prune/prune-scope.ts'

/** Rules that are resolved at once, and catalogs that are read at once for one rule. */
const rulesAtOnce = 4
const catalogsAtOnce = 2

/** One source repository of a rule, with its destinations. Their state was not read yet. */
export interface ScopedSync {
  readonly rule: SyncRule
  readonly source: SyncPlace
  /** `{repository}` */
  readonly path: string
  readonly destinations: readonly Omit<SyncTarget, 'state'>[]
}

/** The repositories of a run, in the order of the rules and of the repositories' names. */
export interface SyncScope {
  readonly repositories: readonly ScopedSync[]
  /** rules and repositories that cannot be resolved: they fail alone */
  readonly failures: readonly ScopeFailure[]
  readonly warnings: readonly string[]
}

interface ScopeFailure {
  readonly rule: string
  /** the rule, or a repository of it */
  readonly name: string
  readonly error: DrayError
}

interface ScopePorts {
  readonly config: Config
  readonly catalog: ListRepositories
}

/**
 * Resolves the repositories of rules. A rule whose catalog cannot be read fails alone, and so does
 * a repository without a valid destination.
 * @throws the reason of the signal.
 */
export async function resolveSyncScope(
  rules: readonly SyncRule[],
  shard: Shard | undefined,
  ports: ScopePorts,
  call: Call,
): Promise<SyncScope> {
  const scopes = await inParallel(rules, rulesAtOnce, call, (rule, c) => scopeOfRule(rule, shard, ports, c))
  return {
    repositories: scopes.flatMap(({ repositories }) => repositories),
    failures: scopes.flatMap(({ failures }) => failures),
    warnings: scopes.flatMap(({ warnings }) => warnings),
  }
}

async function scopeOfRule(
  rule: SyncRule,
  shard: Shard | undefined,
  ports: ScopePorts,
  call: Call,
): Promise<SyncScope> {
  const failed = (name: string, error: unknown): ScopeFailure => ({
    rule: rule.name,
    name,
    error: toDrayError(error),
  })
  let found: readonly FoundPaths[]
  try {
    found = await inParallel(rule.repositories, catalogsAtOnce, call, (pattern, c) =>
      pathsOf(rule, pattern, ports, c),
    )
  } catch (error) {
    call.signal.throwIfAborted()
    return { repositories: [], failures: [failed(rule.name, error)], warnings: [] }
  }
  const paths = [...new Set(found.flatMap((one) => one.paths))].toSorted()
  const resolved = paths.map((path) => {
    try {
      return { scoped: scopeOfPath(rule, path, ports.config) }
    } catch (error) {
      return { failure: failed(path, error) }
    }
  })
  const unmatched = found.filter((one) => one.paths.length === 0).map(({ pattern }) => pattern)
  const isEmpty = paths.length === 0
  return {
    repositories: resolved.flatMap(({ scoped }) => inShard(scoped, shard)),
    failures: [
      ...resolved.flatMap(({ failure }) => failure ?? []),
      ...(isEmpty && !rule.optional ? [failed(rule.name, noRepository(rule))] : []),
    ],
    warnings: isEmpty || unmatched.length === 0 ? [] : [unmatchedPatterns(rule, unmatched)],
  }
}

interface FoundPaths {
  readonly pattern: string
  readonly paths: readonly string[]
}

async function pathsOf(
  rule: SyncRule,
  pattern: RelativePattern,
  { config, catalog }: ScopePorts,
  call: Call,
): Promise<FoundPaths> {
  const { from } = rule
  const { text } = pattern
  // The one repository of a layout without a name is called like its folder.
  if (from.kind === 'layout')
    return { pattern: text, paths: [pattern.isPlain ? text : basename(from.folder)] }
  if (pattern.isPlain) return { pattern: text, paths: [text] }
  const matching = (paths: readonly string[]): FoundPaths => ({
    pattern: text,
    paths: paths.filter((path) => pattern.regex.match(path) !== undefined),
  })
  if (from.kind === 'environment') {
    if (config.images !== undefined) return matching([...config.images.keys()])
    return matching(await imagesOfCatalog(from.environment, config, catalog, call))
  }
  const start = [from.prefix, text.slice(0, text.indexOf('*'))].filter((part) => part !== '').join('/')
  const paths = await catalog(from.registry, call, start)
  return matching(paths.flatMap((path) => relativePathOf(rule, { registry: from.registry, path }) ?? []))
}

/** The images of an environment without a list of images, by the catalog of its first target. */
export async function imagesOfCatalog(
  environment: string,
  config: Config,
  catalog: ListRepositories,
  call: Call,
): Promise<readonly string[]> {
  const [target] = environmentNamed(config, environment).targets
  if (target === undefined) return []
  const prefix = target.path.slice(0, target.path.indexOf('{'))
  const paths = await catalog(target.registry, call, prefix)
  return paths.flatMap((path) =>
    findImagesAt(config, { registry: target.registry, path }).flatMap((one) =>
      one.environment === environment ? [one.image] : [],
    ),
  )
}

/** Returns the source and the destinations of a rule at a path. @throws `malformed`, `usage`. */
export function scopeOfPath(rule: SyncRule, path: string, config: Config): ScopedSync {
  const destinations = destinationsOf(rule, path, config).map(({ repository, environment }) =>
    destinationAt(rule, repository, environment, config),
  )
  const [first] = destinations
  if (first === undefined) throw new DrayError('internal', `the rule ${rule.name} has no destination`)
  return {
    rule,
    path,
    source: {
      ...sourcePlace(rule, path, config),
      // Tags are selected by the versions as the destination reads them.
      reading: first.reading,
    },
    destinations,
  }
}

function sourcePlace(rule: SyncRule, path: string, config: Config): Omit<SyncPlace, 'reading'> {
  const repository = sourceOf(rule, path, config)
  const named = rule.from.kind === 'environment' ? rule.from.environment : undefined
  const environment = named ?? environmentAt(config, repository, undefined, true)
  return { repository, ...(environment !== undefined && { environment }) }
}

function destinationAt(
  rule: SyncRule,
  repository: RepositoryName,
  named: string | undefined,
  config: Config,
): Omit<SyncTarget, 'state'> {
  const environment = environmentAt(config, repository, named)
  const tags = environment === undefined ? undefined : config.environments.get(environment)?.tags
  return {
    ...(environment !== undefined && { environment }),
    repository,
    reading: readingOf(rule, readingAt(config, repository, environment), tags?.semver?.includes('minor')),
    immutable: tags?.immutable ?? [],
    keepsVersionTags: tags !== undefined,
  }
}

/** The keys of the rule replace those of the environment. */
function readingOf({ reading }: SyncRule, of: VersionReading, hasMinor = false): VersionReading {
  const { scheme, variants, ignoreVersions, buildMetadata } = { ...of, ...reading }
  const twoNumbers = reading.scheme === undefined ? of.twoNumbers : scheme === 'loose' && !hasMinor
  return { scheme, variants, ignoreVersions, buildMetadata, twoNumbers }
}

/** Without the destinations of other shards. */
function inShard(scoped: ScopedSync | undefined, shard: Shard | undefined): readonly ScopedSync[] {
  if (scoped === undefined) return []
  if (shard === undefined) return [scoped]
  const destinations = scoped.destinations.filter(({ repository }) => isInShard(repository, shard))
  return destinations.length === 0 ? [] : [{ ...scoped, destinations }]
}

function noRepository({ name, repositories }: SyncRule): DrayError {
  const patterns = joinFirst(repositories.map(({ text }) => text))
  return new DrayError('refused', `the rule ${name} selects no repository`, {
    why: `no repository of its source matches ${patterns}`,
    hint: 'Correct `repositories` of the rule in dray.yaml, or set `optional: true`.',
  })
}

function unmatchedPatterns({ name }: SyncRule, patterns: readonly string[]): string {
  return `no repository matches ${joinFirst(patterns)} of the rule ${name}`
}

/** The error of a rule that selects no tag in all of its repositories. */
export function noTag({ name }: SyncRule, repositories: readonly RepositoryName[]): DrayError {
  return new DrayError('refused', `the rule ${name} selects no tag`, {
    why: `no tag of ${joinFirst(repositories.map(formatRepository))} matches the rule`,
    hint: 'Correct `include` and `exclude` of the rule in dray.yaml, or set `optional: true`.',
  })
}
