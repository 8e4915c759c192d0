import { type Config, imagePlaceholder } from '../../config/config.ts'
import { environmentNamed } from '../../config/environments.ts'
import { destinationsOf, sourceOf } from '../../config/sync/destinations.ts'
import {
  type RelativePattern,
  repositoryPlaceholder,
  type SyncDestination,
  type SyncRule,
} from '../../config/sync/sync-rule.ts'
import { DrayError } from '../../lib/errors.ts'
import { layoutRegistry } from '../../oci/reference.ts'
import { isPlain } from '../../oci/registry-host.ts'
import type { MirrorHost, MirrorPart, MirrorPlace, MirrorRule } from '../../usecases/mirrors/mirror-rule.ts'

/** A registry and a path that ends with the path of a repository. */
interface PathTemplate {
  readonly registry: string
  /** before the path of the repository, without a slash at its end; can be empty */
  readonly prefix: string
}

/**
 * Returns a sync rule as container runtimes see it. Destinations in layouts are omitted.
 * @throws `unsupported` if runtimes cannot read from its source or its destinations; `usage`,
 * `malformed`.
 */
export function mirrorRuleOf(rule: SyncRule, config: Config): MirrorRule {
  if (rule.from.kind === 'layout')
    throw unusable(rule, 'no container runtime pulls from its source, an image layout')
  const source = sourceTemplate(rule, config)
  const parts = rule.repositories.flatMap((pattern) => partsOf(rule, pattern, source, config))
  return {
    name: rule.name,
    source: hostOf(source.registry, config),
    parts,
    filtersTags: rule.include.length > 0 || rule.exclude.length > 0,
  }
}

/** Images that dray.yaml lists can have other names in paths, so each one is a part. */
function partsOf(
  rule: SyncRule,
  pattern: RelativePattern,
  source: PathTemplate,
  config: Config,
): readonly MirrorPart[] {
  if (pattern.isPlain) return [repositoryPart(rule, pattern.text, config)]
  const ends = [rule.from, ...rule.to]
  if (ends.some(({ kind }) => kind === 'environment') && (config.images?.size ?? 0) > 0)
    return [...(config.images?.keys() ?? [])]
      .filter((image) => pattern.regex.match(image) !== undefined)
      .map((image) => repositoryPart(rule, image, config))
  const [, base = '', rest = ''] = /^((?:[a-z0-9._-]+\/)*)(.*)$/.exec(pattern.text) ?? []
  const path = base.replace(/\/$/, '')
  const mirrors = rule.to.flatMap((destination) =>
    destinationTemplates(rule, destination, config).map((template) => placeOf(template, path, config)),
  )
  if (mirrors.length === 0) throw unusable(rule, 'it copies to no registry')
  return [{ path: join(source.prefix, path), isWhole: rest === '**', mirrors }]
}

function repositoryPart(rule: SyncRule, path: string, config: Config): MirrorPart {
  const mirrors = destinationsOf(rule, path, config)
    .filter(({ repository }) => repository.registry !== layoutRegistry)
    .map(({ repository }) => ({ ...hostOf(repository.registry, config), path: repository.path }))
  if (mirrors.length === 0) throw unusable(rule, 'it copies to no registry')
  return { path: sourceOf(rule, path, config).path, isWhole: true, mirrors }
}

function sourceTemplate(rule: SyncRule, config: Config): PathTemplate {
  const { from } = rule
  if (from.kind === 'registry') return from
  const [target] = from.kind === 'environment' ? environmentNamed(config, from.environment).targets : []
  if (target === undefined) throw new DrayError('internal', `the source of ${rule.name} has no target`)
  return templateOf(rule, target.registry, target.path, imagePlaceholder)
}

function destinationTemplates(
  rule: SyncRule,
  destination: SyncDestination,
  config: Config,
): readonly PathTemplate[] {
  if (destination.kind === 'layout') return []
  if (destination.kind === 'registry')
    return [templateOf(rule, destination.registry, destination.path, repositoryPlaceholder)]
  return environmentNamed(config, destination.environment).targets.map(({ registry, path }) =>
    templateOf(rule, registry, path, imagePlaceholder),
  )
}

function templateOf(rule: SyncRule, registry: string, path: string, placeholder: string): PathTemplate {
  if (path !== placeholder && !path.endsWith(`/${placeholder}`))
    throw unusable(rule, `${registry}/${path} does not end with the path of the source`)
  return { registry, prefix: path.slice(0, -placeholder.length).replace(/\/$/, '') }
}

function placeOf({ registry, prefix }: PathTemplate, path: string, config: Config): MirrorPlace {
  return { ...hostOf(registry, config), path: join(prefix, path) }
}

function hostOf(registry: string, config: Config): MirrorHost {
  return { registry, isPlain: isPlain(registry, config.registries.get(registry)) }
}

function join(prefix: string, path: string): string {
  return [prefix, path].filter((part) => part !== '').join('/')
}

function unusable({ name }: SyncRule, why: string): DrayError {
  return new DrayError('unsupported', `container runtimes cannot use the mirror of the rule ${name}`, {
    subject: name,
    why,
    hint: 'Name only rules that copy from a registry to a registry and keep the paths below a prefix.',
  })
}
