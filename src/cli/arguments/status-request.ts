import type { Config } from '../../config/config.ts'
import { environmentNamed, repositoriesOf } from '../../config/environments.ts'
import { everyEnvironment, resolveEnvironmentOption, type Within } from '../../config/resolver/resolve.ts'
import { readingIn } from '../../config/settings/version-reading.ts'
import { DrayError } from '../../lib/errors.ts'
import { defaultTag } from '../../oci/reference.ts'
import type { StatusTarget, PromotionPath } from '../../usecases/views/status/facts.ts'
import { resolveImageNames } from './named-images.ts'

export interface StatusRequest {
  /** in the order of `dray.yaml` */
  readonly environments: readonly string[]
  readonly paths: readonly PromotionPath[]
  /** for each image every target of every environment */
  readonly targets: readonly StatusTarget[]
}

/**
 * Resolves the arguments of `status`.
 * @param only the environments of `--env`; empty: all
 * @throws `usage`.
 */
export function resolveStatusRequest(
  references: readonly string[],
  only: readonly string[],
  config: Config,
): StatusRequest {
  const { environments, option } = selectEnvironments(only, config)
  const images = resolveImageNames(
    references,
    { environments, ...(option !== undefined && { option }) },
    config,
  )
  return {
    environments,
    paths: findPromotionPaths(environments, config),
    targets: images.flatMap((image) =>
      environments.flatMap((environment) => listTargets(image, environment, config)),
    ),
  }
}

function selectEnvironments(only: readonly string[], config: Config): Within {
  const selected = only.map((name) => resolveEnvironmentOption(name, config).environment)
  if (config.environments.size === 0) {
    throw new DrayError('usage', 'no environments are configured', {
      why: 'there is no dray.yaml in this folder or above it, or it has no environments',
      hint: 'Write a dray.yaml with "dray config init", or add "environments:" to yours.',
    })
  }
  const all = everyEnvironment(config)
  if (selected.length === 0) return all
  return { option: '--env', environments: all.environments.filter((name) => selected.includes(name)) }
}

/** Returns the promotions that `promoteFrom` allows; without it, those in the order of the file. */
function findPromotionPaths(environments: readonly string[], config: Config): readonly PromotionPath[] {
  const hasRules = [...config.environments.values()].some(({ promoteFrom }) => promoteFrom !== undefined)
  return environments.flatMap((to, i) => {
    const previous = environments.slice(Math.max(0, i - 1), i)
    const from = hasRules ? findSources(to, environments, config) : previous
    return from.map((name) => ({ from: name, to }))
  })
}

/**
 * Returns the selected environments that images come from. If one of `promoteFrom` is not selected,
 * those before it take its place.
 */
function findSources(to: string, selected: readonly string[], config: Config): readonly string[] {
  const seen = new Set([to])
  const find = (name: string): readonly string[] =>
    (config.environments.get(name)?.promoteFrom ?? []).flatMap((source) => {
      if (seen.has(source)) return []
      seen.add(source)
      return selected.includes(source) ? [source] : find(source)
    })
  return find(to)
}

/** Returns an image at each target of an environment. */
export function listTargets(image: string, environment: string, config: Config): readonly StatusTarget[] {
  const settings = environmentNamed(config, environment)
  const currentTag = settings.currentTag ?? defaultTag
  return repositoriesOf(config, environment, image).map((repository) => ({
    image,
    environment,
    repository,
    currentTag,
    reading: readingIn(config, environment, image),
  }))
}
