import type { Config } from '../../config/config.ts'
import { everyEnvironment, resolveImage } from '../../config/resolver/resolve.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import { type ListRepositories, type PruneScope, resolveScope } from '../prune/prune-scope.ts'
import type { Context } from '../wiring/context.ts'

/** Nothing is deleted: repositories are resolved in the same way with and without a policy. */
const noPolicy: RetentionPolicy = {
  name: undefined,
  protect: [],
  rules: [],
  limits: {},
  timeFrom: [],
  hiddenRules: [],
  doubtfulRanges: [],
  hash: '',
}

/**
 * Resolves the repositories of `dray usage`: the arguments of `prune`, and the images of
 * `dray.yaml` by their names. Without arguments, it is every environment of `dray.yaml`.
 * @throws `usage`, and what a catalog throws.
 */
export async function resolveUsageScope(
  texts: readonly string[],
  context: Context,
  call: Call,
): Promise<PruneScope> {
  const { config } = await context.config()
  const patterns = texts.length === 0 ? environmentsOf(config) : texts.flatMap((text) => spell(text, config))
  const list: ListRepositories = (...of) => context.repositories(...of)
  return await resolveScope(noPolicy, { patterns, exclude: [] }, config, list, call)
}

/** @throws `usage` */
function environmentsOf({ environments }: Config): readonly string[] {
  const names = [...environments.keys()].map((name) => `@${name}`)
  if (names.length > 0) return names
  throw new DrayError('usage', 'no repository to measure', {
    why: 'neither the command nor dray.yaml names a repository',
    hint: 'Name a repository or a pattern: dray usage registry.example.com/team/api.',
  })
}

/** A bare name is an image in every environment, as in `dray ls`. @throws `usage`. */
function spell(text: string, config: Config): readonly string[] {
  const isImage = config.images?.has(text) === true || !/[/@:*.]/.test(text)
  if (config.environments.size === 0 || !isImage) return [text]
  const { repositories } = resolveImage(
    text,
    { accepts: ['repository'], within: everyEnvironment(config) },
    config,
  )
  return repositories.map(formatRepository)
}
