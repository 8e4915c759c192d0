import { DrayError, isDrayError } from '../../lib/errors.ts'
import {
  checkPath,
  formatRepository,
  layoutRegistry,
  parseRepository,
  type RepositoryName,
  wholePath,
} from '../../oci/reference.ts'
import type { Config } from '../config.ts'
import { checkImage, environmentAt, findNamesAt, repositoriesOf } from '../environments.ts'
import { repositoryPlaceholder, type SyncDestination, type SyncRule } from './sync-rule.ts'

/** A repository that a rule writes to. */
export interface RuleTarget {
  readonly repository: RepositoryName
  /**
   * the environment whose rules hold there: that of `@env`, or the one that the repository of a
   * path belongs to
   */
  readonly environment?: string
  /** the name of the image in this environment */
  readonly image?: string
  /** the index of its entry in `to` */
  readonly entry: number
}

/**
 * Returns the repositories that a rule copies a source repository to, in the order of `to`, each
 * one once: all targets of an environment, or one repository of a path or layout.
 * @param path of the source repository below `from`; for an environment, the name of its image
 * @throws `malformed` if the path makes no valid repository, `usage` if an environment lacks the
 * image, each with the path.
 */
export function destinationsOf(
  { to }: Pick<SyncRule, 'to'>,
  path: string,
  config: Config,
): readonly RuleTarget[] {
  const all = to.flatMap((destination, entry) =>
    targetsOf(destination, path, config).map((target) => ({ ...target, entry })),
  )
  return [
    ...new Map(all.toReversed().map((one) => [formatRepository(one.repository), one])).values(),
  ].toReversed()
}

/**
 * Returns the source repository of a rule at a path; of an environment with several targets, that
 * of the first one. The path of a layout does not matter.
 * @throws `malformed`; `usage` if the environment lacks the image.
 */
export function sourceOf({ from }: Pick<SyncRule, 'from'>, path: string, config: Config): RepositoryName {
  if (from.kind === 'layout') return { registry: layoutRegistry, path: from.folder }
  if (from.kind === 'environment') {
    const [first] = repositoriesIn(from.environment, path, config)
    if (first === undefined) throw new DrayError('internal', `${from.environment} has no target`)
    return first
  }
  const whole = wholePath(from.registry, from.prefix === '' ? path : `${from.prefix}/${path}`)
  checkPath(whole, `${from.registry}/${whole}`)
  return { registry: from.registry, path: whole }
}

/**
 * Returns the path of a repository below `from` of a rule; undefined if the repository is not
 * there.
 */
export function relativePathOf(
  { from }: Pick<SyncRule, 'from'>,
  { registry, path }: RepositoryName,
): string | undefined {
  if (from.kind !== 'registry' || from.registry !== registry) return undefined
  if (from.prefix === '') return path
  return path.startsWith(`${from.prefix}/`) ? path.slice(from.prefix.length + 1) : undefined
}

function targetsOf(
  destination: SyncDestination,
  path: string,
  config: Config,
): readonly Omit<RuleTarget, 'entry'>[] {
  if (destination.kind === 'environment') {
    const { environment } = destination
    return repositoriesIn(environment, path, config).map((repository) => ({
      repository,
      environment,
      image: path,
    }))
  }
  if (destination.kind === 'layout') {
    const folder = withPath(destination.folder, path, () => checkPath(path))
    return [{ repository: { registry: layoutRegistry, path: folder } }]
  }
  const { registry } = destination
  const written = withPath(destination.path, path, (whole) => parseRepository(`${registry}/${whole}`))
  const repository = { registry, path: wholePath(registry, written) }
  const environment = environmentAt(config, repository, undefined)
  const owner = findNamesAt(config, repository).find((one) => one.environment === environment)
  return [{ repository, ...owner }]
}

function repositoriesIn(environment: string, image: string, config: Config): readonly RepositoryName[] {
  return named(`@${environment}`, image, () => {
    checkImage(image, config)
    checkPath(image)
    return repositoriesOf(config, environment, image)
  })
}

/** Puts the path of the source in place of the placeholder, and checks the result. */
function withPath(template: string, path: string, check: (whole: string) => unknown): string {
  if (!template.includes(repositoryPlaceholder)) return template
  return named(template, path, () => {
    const whole = template.replace(repositoryPlaceholder, () => path)
    check(whole)
    return whole
  })
}

/** Adds the destination and the path of the source to the error of a check. */
function named<T>(destination: string, path: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (!isDrayError(cause)) throw cause
    const quoted = JSON.stringify(path.slice(0, 300))
    throw new DrayError(cause.code, `${destination} has no repository for ${quoted}`, {
      why: cause.message,
      ...(cause.hint !== undefined && { hint: cause.hint }),
      cause,
    })
  }
}
