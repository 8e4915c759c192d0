import { isDrayError } from '../../lib/errors.ts'
import { layoutRegistry } from '../../oci/reference.ts'
import { environmentAt } from '../environments.ts'
import { findProblem } from '../check/find-problem.ts'
import type { Path } from '../key-path.ts'
import type { WrittenSyncRule } from '../schema/schema-sync.ts'
import { destinationsOf, sourceOf } from './destinations.ts'
import { layoutRepository } from './read-repositories.ts'
import type { RuleContext } from './rule-context.ts'
import { repositoryPlaceholder, type SyncDestination, type SyncRule } from './sync-rule.ts'

/**
 * Reports the destinations that a rule cannot have: those without a path for each repository, those
 * that are the source, and environments that take no images from the source. Returns whether all
 * are valid.
 * @param rule without mistakes in itself
 */
export function checkDestinations(
  rule: SyncRule,
  written: WrittenSyncRule,
  path: Path,
  context: RuleContext,
): boolean {
  const before = context.issues.length
  for (const [i, destination] of rule.to.entries()) {
    const at = [...path, 'to', ...(typeof written.to === 'string' ? [] : [i])]
    const problem =
      problemOfTemplate(rule, destination) ??
      problemOfPaths(rule, destination, context) ??
      problemOfPromotion(rule, destination, context)
    if (problem !== undefined) context.report(at, problem)
  }
  return context.issues.length === before
}

function problemOfTemplate({ from, repositories }: SyncRule, to: SyncDestination): string | undefined {
  const template = to.kind === 'registry' ? to.path : to.kind === 'layout' ? to.folder : repositoryPlaceholder
  const isTemplate = template.includes(repositoryPlaceholder)
  const [first, second] = repositories
  if (from.kind === 'layout' && first?.text === layoutRepository)
    return isTemplate ? 'an image layout has no path: give it one name under `repositories`' : undefined
  if (isTemplate || (first?.isPlain === true && second === undefined)) return undefined
  return `must contain ${repositoryPlaceholder}, because the rule can have several repositories`
}

/** The problem of the source or destination of a repository that the rule names. */
function problemOfPaths(
  rule: SyncRule,
  to: SyncDestination,
  { config, names }: RuleContext,
): string | undefined {
  for (const { text, isPlain } of rule.repositories) {
    const path = isPlain ? text : text.replaceAll(/\*+/g, 'a')
    // Only the images that an environment has are copied.
    if (!isPlain && config.images !== undefined && isInEnvironment(rule, to)) continue
    const problem =
      findReason(() => destinationsOf({ to: [to] }, path, config)) ??
      findReason(() => sourceOf(rule, path, config))
    if (problem !== undefined) return problem
    const source = sourceOf(rule, path, config)
    const same = destinationsOf({ to: [to] }, path, config).find(({ repository }) =>
      repository.registry === layoutRegistry || source.registry === layoutRegistry
        ? repository.registry === source.registry && repository.path === source.path
        : names.identity(repository) === names.identity(source),
    )
    if (same !== undefined)
      return `it is the source${text === layoutRepository ? '' : ` of ${text}`}: an image cannot be copied to itself`
  }
  return undefined
}

function isInEnvironment({ from }: SyncRule, to: SyncDestination): boolean {
  return from.kind === 'environment' || to.kind === 'environment'
}

/** The message of an error with its cause. */
function findReason(act: () => unknown): string | undefined {
  let why: string | undefined
  const message = findProblem(() => {
    try {
      act()
    } catch (thrown) {
      why = isDrayError(thrown) ? thrown.why : undefined
      throw thrown
    }
  })
  return message === undefined || why === undefined ? message : `${message}: ${why}`
}

/** `promoteFrom` of the environment, which holds for a sync as for a promotion. */
function problemOfPromotion(
  rule: SyncRule,
  to: SyncDestination,
  { config }: RuleContext,
): string | undefined {
  if (to.kind !== 'environment') return undefined
  const { promoteFrom } = config.environments.get(to.environment) ?? {}
  if (promoteFrom === undefined) return undefined
  const allowed = promoteFrom.length === 0 ? 'no environment' : promoteFrom.join(', ')
  const message = (from: string): string =>
    `images of ${from} cannot come to ${to.environment}, which takes them from ${allowed} (\`promoteFrom\`)`
  const { from } = rule
  if (from.kind === 'environment')
    return promoteFrom.includes(from.environment) ? undefined : message(from.environment)
  if (from.kind === 'layout') return undefined
  const foreign = rule.repositories.find(({ text, isPlain }) => {
    if (!isPlain) return false
    const environment = environmentAt(config, sourceOf(rule, text, config), undefined, true)
    return environment === undefined || !promoteFrom.includes(environment)
  })
  return foreign === undefined ? undefined : message(`${from.registry}/${foreign.text}`)
}
